package complete

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/term"
)

// maxEntries bounds the ids of each kind.
const maxEntries = 200

// cache holds the ids of one account.
type cache struct {
	Account   string  `json:"account"`
	Apps      []entry `json:"apps"`
	Runs      []entry `json:"runs"`
	Used      []entry `json:"used,omitempty"` // apps that were used, which need not be among Apps
	Keys      []entry `json:"keys,omitempty"`
	Channels  []entry `json:"channels,omitempty"`
	Templates []entry `json:"templates,omitempty"`
	// Filled says when the service was asked for the entries of a kind, in Unix seconds.
	Filled map[kind]int64 `json:"filled,omitempty"`
	// Details are those of the apps that were looked at, the newest first.
	Details []details `json:"details,omitempty"`
	// Models are the models by modality, and Params those of the models that were looked at, the newest first.
	Models map[string][]entry `json:"models,omitempty"`
	Params []details          `json:"params,omitempty"`
}

// A kind of entries, and how long they are offered before the service is asked again.
type kind string

const (
	appEntries      kind = "apps"
	runEntries      kind = "runs"
	keyEntries      kind = "keys"
	channelEntries  kind = "channels"
	modelEntries    kind = "models"
	templateEntries kind = "templates"
)

func (k kind) lifetime() time.Duration {
	if k == runEntries {
		return 5 * time.Second // they end
	}
	return 10 * time.Minute
}

// isOld reports whether the service should be asked again for the entries of a kind.
func (c *cache) isOld(k kind, now time.Time) bool {
	age := now.Sub(time.Unix(c.Filled[k], 0))
	return age < 0 || age > k.lifetime()
}

func (c *cache) fill(k kind, now time.Time) {
	if c.Filled == nil {
		c.Filled = map[kind]int64{}
	}
	c.Filled[k] = now.Unix()
}

// entry is an id with its description.
type entry struct {
	ID    string `json:"id"`
	About string `json:"about"`
	// Ended is for a run: it cannot be waited for or cancelled any more.
	Ended bool `json:"ended,omitempty"`
}

// details are what an app takes and makes.
type details struct {
	App     string   `json:"app"`
	Typed   string   `json:"typed,omitempty"` // the name under which the app was asked for
	Inputs  []input  `json:"inputs"`
	Outputs []string `json:"outputs"`
}

// input is an input of an app.
type input struct {
	Name    string   `json:"name"`
	About   string   `json:"about"`
	Options []string `json:"options,omitempty"`
}

// CacheApps replaces the cached apps.
func CacheApps(env *cmdutil.Env, apps []api.AppSummary) {
	update(env, func(c *cache) {
		c.Apps = entriesOf(apps)
		c.fill(appEntries, env.Now())
	})
}

// CacheApp caches the name, the inputs and the outputs of an app. typed is the name under which the app was asked for.
func CacheApp(env *cmdutil.Env, typed string, app api.App) {
	update(env, func(c *cache) {
		c.use(app)
		d := details{App: term.Line(app.AppID), Typed: term.Line(typed)}
		for _, in := range app.Parameters {
			cached := input{Name: term.Line(in.SendAs()), About: term.Line(in.Description)}
			for _, option := range in.Options {
				cached.Options = append(cached.Options, term.Line(option))
			}
			d.Inputs = append(d.Inputs, cached)
		}
		for _, out := range app.Outputs {
			d.Outputs = append(d.Outputs, term.Line(out.Label))
		}
		kept := []details{d}
		for _, other := range c.Details {
			if other.App != d.App && len(kept) < maxEntries {
				kept = append(kept, other)
			}
		}
		c.Details = kept
	})
}

// CacheRuns replaces the cached runs. Their descriptions are the names of the apps, as far as these are known, and the states.
func CacheRuns(env *cmdutil.Env, runs []api.RunSummary) {
	update(env, func(c *cache) {
		c.Runs = nil
		c.fill(runEntries, env.Now())
		for _, r := range runs {
			about := strings.TrimSpace(c.appName(r.WorkflowID) + " " + term.Line(string(r.Status)))
			c.Runs = append(c.Runs, entry{ID: term.Line(r.RunID), About: about, Ended: r.Status.Final()})
		}
	})
}

// appName returns the name of a cached app; "" if it is unknown.
func (c *cache) appName(id string) string {
	for _, app := range c.Apps {
		if app.ID == id {
			return app.About
		}
	}
	return ""
}

// CacheRun puts a new run first.
func CacheRun(env *cmdutil.Env, id, app string) {
	update(env, func(c *cache) {
		c.Runs = append([]entry{{ID: term.Line(id), About: term.Line(app)}}, c.Runs...)
	})
}

// CacheEnded notes that a run has ended.
func CacheEnded(env *cmdutil.Env, id string, status api.Status) {
	update(env, func(c *cache) {
		for i, r := range c.Runs {
			if r.ID == id && !r.Ended {
				c.Runs[i].About, c.Runs[i].Ended = strings.TrimSuffix(r.About, " running")+" "+term.Line(string(status)), true
			}
		}
	})
}

// CacheKeys replaces the cached ids of API keys.
func CacheKeys(env *cmdutil.Env, keys []Key) {
	update(env, func(c *cache) {
		c.Keys = nil
		c.fill(keyEntries, env.Now())
		for _, k := range keys {
			c.Keys = append(c.Keys, entry{ID: term.Line(k.ID), About: term.Line(k.Name)})
		}
	})
}

// A Key is an API key that can be revoked.
type Key struct{ ID, Name string }

// fileName returns the file of the cache for the service in use. It is not part of the configuration: it can be lost without harm.
func fileName(env *cmdutil.Env) string {
	if s := env.Sessions.Opened(); s != nil && !s.Provider.IsDefault() {
		return "completion-" + s.Provider.Name + ".json"
	}
	return "completion.json"
}

// readCache returns the cache of the account in use; empty if there is none.
func readCache(env *cmdutil.Env) *cache {
	c := &cache{}
	raw, err := env.Sessions.Store().ReadFile(fileName(env))
	if err != nil || json.Unmarshal(raw, c) != nil || c.Account != accountName(env) {
		return &cache{Account: accountName(env)}
	}
	return c
}

// update writes the cache if change changed it, and only into a folder that exists. The cache is not flushed to the disk, and
// failures are ignored: this process has the cache nevertheless.
func update(env *cmdutil.Env, change func(*cache)) {
	c := readCache(env)
	before, _ := json.Marshal(c)
	change(c)
	for _, entries := range []*[]entry{&c.Apps, &c.Runs, &c.Used, &c.Keys, &c.Channels, &c.Templates} {
		*entries = slices.DeleteFunc(*entries, func(e entry) bool { return e.ID == "" }) // of an item that could not be read
		*entries = (*entries)[:min(len(*entries), maxEntries)]
	}
	after, err := json.Marshal(c)
	if err != nil || bytes.Equal(before, after) {
		return
	}
	_ = env.Sessions.Store().WriteCache(fileName(env), after)
}

// accountName identifies the account in use: its address, profile and workspace.
func accountName(env *cmdutil.Env) string {
	s := env.Sessions.Opened()
	if s == nil {
		return ""
	}
	return s.BaseURL + " " + cmp.Or(s.Profile, "environment") + " " + s.Credential.Account.WorkspaceID
}

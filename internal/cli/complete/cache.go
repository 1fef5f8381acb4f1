package complete

import (
	"bytes"
	"cmp"
	"encoding/json"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/term"
)

// fileName is the file of the cache. It is not part of the configuration: it can be lost without harm.
const fileName = "completion.json"

// maxEntries bounds the ids of each kind.
const maxEntries = 200

// cache holds the ids of one account.
type cache struct {
	Account string  `json:"account"`
	Apps    []entry `json:"apps"`
	Runs    []entry `json:"runs"`
	Used    []entry `json:"used,omitempty"` // apps that were used, which need not be among Apps
}

// entry is an id with its description.
type entry struct {
	ID    string `json:"id"`
	About string `json:"about"`
}

// CacheApps replaces the cached apps.
func CacheApps(env *cmdutil.Env, apps []api.AppSummary) {
	update(env, func(c *cache) { c.Apps = entriesOf(apps) })
}

// CacheRuns replaces the cached runs.
func CacheRuns(env *cmdutil.Env, runs []api.RunSummary) {
	update(env, func(c *cache) {
		c.Runs = nil
		for _, r := range runs {
			c.Runs = append(c.Runs, entry{ID: term.Line(r.RunID), About: term.Line(string(r.Status))})
		}
	})
}

// CacheRun puts a new run first.
func CacheRun(env *cmdutil.Env, id, app string) {
	update(env, func(c *cache) {
		c.Runs = append([]entry{{ID: term.Line(id), About: term.Line(app)}}, c.Runs...)
	})
}

// readCache returns the cache of the account in use; empty if there is none.
func readCache(env *cmdutil.Env) *cache {
	c := &cache{}
	raw, err := env.Sessions.Store().ReadFile(fileName)
	if err != nil || json.Unmarshal(raw, c) != nil || c.Account != accountName(env) {
		return &cache{Account: accountName(env)}
	}
	return c
}

// update writes the cache if change changed it, and only into a folder that exists. The cache is not flushed to the disk, and
// failures are ignored.
func update(env *cmdutil.Env, change func(*cache)) {
	if env.Sessions.Store().Dir == "" {
		return
	}
	c := readCache(env)
	before, _ := json.Marshal(c)
	change(c)
	for _, entries := range []*[]entry{&c.Apps, &c.Runs, &c.Used} {
		*entries = (*entries)[:min(len(*entries), maxEntries)]
	}
	after, err := json.Marshal(c)
	if err != nil || bytes.Equal(before, after) {
		return
	}
	_ = env.Sessions.Store().WriteCache(fileName, after)
}

// accountName identifies the account in use: its address, profile and workspace.
func accountName(env *cmdutil.Env) string {
	s := env.Sessions.Opened()
	if s == nil {
		return ""
	}
	return s.BaseURL + " " + cmp.Or(s.Profile, "environment") + " " + s.Credential.Account.WorkspaceID
}

package complete

import (
	"context"
	"strings"
	"unicode"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/term"
)

// ShortName returns the name of an app as one word to type, such as product-shots. The API has no such name.
func ShortName(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(term.Line(name)), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	}), "-")
}

// ShortNames returns the short name of each app by id. Apps that share one keep their ids.
func ShortNames(apps []api.AppSummary) map[string]string {
	return shortNames(entriesOf(apps))
}

func shortNames(apps []entry) map[string]string {
	names, count := map[string]string{}, map[string]int{}
	for _, app := range apps {
		if _, isKnown := names[app.ID]; !isKnown {
			names[app.ID] = ShortName(app.About)
			count[names[app.ID]]++
		}
	}
	for id, name := range names {
		if name == "" || count[name] > 1 {
			names[id] = id
		}
	}
	return names
}

// AppNames returns the short names of the apps in the cache by id.
func AppNames(env *cmdutil.Env) map[string]string {
	c := readCache(env)
	return shortNames(append(c.Apps, c.Used...))
}

// AppName returns the short name of the app with an id; the id if the cache has no name for it.
func AppName(env *cmdutil.Env, id string) string {
	if name := AppNames(env)[term.Line(id)]; name != "" {
		return name
	}
	return id
}

// AppID returns the id of the one app in the cache with a name or a short name; "" if there is none or several.
func AppID(env *cmdutil.Env, name string) string { return idOf(AppNames(env), name) }

// IDOf is AppID for a list of apps.
func IDOf(apps []api.AppSummary, name string) string { return idOf(ShortNames(apps), name) }

func idOf(shortNames map[string]string, name string) (id string) {
	wanted := ShortName(name)
	for known, short := range shortNames {
		if short == wanted {
			id = known
		}
	}
	return id
}

// FetchApps returns all apps of the service, and caches them.
func FetchApps(ctx context.Context, env *cmdutil.Env, client *api.Client) ([]api.AppSummary, error) {
	reply, err := client.ListApps(ctx, 0)
	if err != nil {
		return nil, err
	}
	CacheApps(env, reply.Data)
	return reply.Data, nil
}

// use puts the name of an app first among those that were used, so that its runs can be named.
func (c *cache) use(app api.App) {
	used := []entry{{ID: term.Line(app.AppID), About: term.Line(app.Name)}}
	for _, e := range c.Used {
		if e.ID != used[0].ID {
			used = append(used, e)
		}
	}
	c.Used = used
}

func entriesOf(apps []api.AppSummary) []entry {
	var entries []entry
	for _, a := range apps {
		if a.AppID != "" { // else it is an item that could not be read
			entries = append(entries, entry{ID: term.Line(a.AppID), About: term.Line(a.Name)})
		}
	}
	return entries
}

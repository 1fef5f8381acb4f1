// Package complete offers what a shell completes: apps with their inputs, runs, profiles, services, the values of flags. Names and
// ids come from a cache; where it has none, from one short request.
package complete

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// RequestTime bounds the request that a completion makes when the cache is empty or old. Tests that look at what is offered make it
// longer, so that they pass on a busy machine.
var RequestTime = 100 * time.Millisecond

// suggestTime bounds the request for the apps that an unknown one is compared with.
const suggestTime = 2 * time.Second

// Func completes an argument or the value of a flag.
type Func = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective)

// Apps offers the apps for the first argument: their short names, and ids where no name fits.
func Apps(env *cmdutil.Env) Func {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names, ids []string
		lookUp(cmd, env, appEntries, func(c *cache) bool {
			names, ids = nil, nil
			short := shortNames(c.Apps)
			for _, app := range c.Apps {
				if name := short[app.ID]; strings.HasPrefix(name, strings.ToLower(typed)) {
					names = append(names, name+"\t"+app.About)
				}
				ids = append(ids, app.ID+"\t"+app.About)
			}
			return len(ids) > 0
		}, func(ctx context.Context, client *api.Client) error {
			_, err := FetchApps(ctx, env, client)
			return err
		})
		if len(names) > 0 {
			ids = names
		}
		return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// Runs offers the ids of the newest runs with their apps and states, the newest first.
func Runs(env *cmdutil.Env) Func {
	return runs(env, func(entry) bool { return true })
}

// RunningRuns is Runs without the runs that have ended.
func RunningRuns(env *cmdutil.Env) Func {
	return runs(env, func(r entry) bool { return !r.Ended })
}

func runs(env *cmdutil.Env, offers func(entry) bool) Func {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		pick := func(c *cache) (picked []entry) {
			for _, r := range c.Runs {
				if offers(r) && !slices.Contains(args, r.ID) {
					picked = append(picked, r)
				}
			}
			return picked
		}
		return ids(cmd, env, runEntries, pick, func(ctx context.Context, client *api.Client) error {
			reply, err := client.ListRuns(ctx, api.RunFilter{Limit: 25})
			if err == nil {
				CacheRuns(env, reply.Data)
			}
			return err
		})
	}
}

// Keys offers the ids of the API keys that fetch lists, with their names.
func Keys(env *cmdutil.Env, open func() error, fetch func(context.Context, *api.Client) ([]Key, error)) Func {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		env.Sessions.BestEffort = true
		if open() != nil {
			return None(cmd, args, typed)
		}
		return ids(cmd, env, keyEntries, func(c *cache) []entry { return c.Keys }, func(ctx context.Context, client *api.Client) error {
			keys, err := fetch(ctx, client)
			if err == nil {
				CacheKeys(env, keys)
			}
			return err
		})
	}
}

// ids offers what pick finds in the cache. If that is nothing, or old, fill is called once to fill the cache.
func ids(cmd *cobra.Command, env *cmdutil.Env, k kind, pick func(*cache) []entry, fill func(context.Context, *api.Client) error) ([]string, cobra.ShellCompDirective) {
	var lines []string
	lookUp(cmd, env, k, func(c *cache) bool {
		lines = nil
		for _, e := range pick(c) {
			lines = append(lines, e.ID+"\t"+e.About)
		}
		return len(lines) > 0
	}, fill)
	return lines, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// lookUp calls find with the cache. If find returns false, or if the entries of the kind are old, fill is called once to fill the cache,
// and then find again. Entries without a kind do not get old.
func lookUp(cmd *cobra.Command, env *cmdutil.Env, k kind, find func(*cache) bool, fill func(context.Context, *api.Client) error) {
	env.Flags.Quiet, env.Sessions.BestEffort = true, true
	if env.Begin(cmd.Context()) != nil {
		return
	}
	client, err := env.Sessions.Client()
	if err != nil {
		return
	}
	c := readCache(env)
	if (!find(c) || k != "" && c.isOld(k, env.Now())) && fillInTime(client, fill) {
		find(readCache(env))
	}
}

// SuggestApp adds to the error for an unknown app the command for the app that is most like it, by id or by name. The
// apps are those of the cache, or of the service if it is empty. command returns the command for an app. Other errors are returned as they are.
func SuggestApp(ctx context.Context, env *cmdutil.Env, typed string, command func(app string) string, err error) error {
	var unknown *fail.Error
	if !errors.As(err, &unknown) || unknown.Code != fail.NotFound {
		return err
	}
	apps := readCache(env).Apps
	if len(apps) == 0 {
		apps = appsInTime(ctx, env)
	}
	app, found := nearestApp(strings.ToLower(typed), apps)
	if !found {
		return err
	}
	suggested := *unknown
	name := cmp.Or(shortNames(apps)[app.ID], app.ID)
	suggested.Message += fmt.Sprintf("; did you mean %s?", output.Quote(name))
	suggested.Hint = command(name)
	return &suggested
}

// appsInTime returns the apps of the service; none if they do not arrive in time.
func appsInTime(ctx context.Context, env *cmdutil.Env) []entry {
	client, err := env.Sessions.Client()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, suggestTime)
	defer cancel()
	apps, err := FetchApps(ctx, env, client)
	if err != nil {
		return nil
	}
	return entriesOf(apps)
}

// nearestApp returns the one app that is most like a word, by its id, or by its name as it is and as one word.
func nearestApp(word string, apps []entry) (nearest entry, found bool) {
	best := len(word) // no app is as far
	for _, app := range apps {
		name := strings.ToLower(app.About)
		near, distance := cmdutil.Nearest(word, []string{app.ID, name})
		if near == "" {
			near, distance = cmdutil.Nearest(word, []string{ShortName(name)})
		}
		switch {
		case near == "" || distance > best:
		case distance < best:
			nearest, best, found = app, distance, true
		default:
			found = false
		}
	}
	return nearest, found
}

// fillInTime calls fill, and reports whether it succeeded within RequestTime. It does not wait longer for what ignores the context, such
// as the OS keyring.
func fillInTime(client *api.Client, fill func(context.Context, *api.Client) error) bool {
	ctx, cancel := context.WithTimeout(context.Background(), RequestTime)
	defer cancel()
	filled := make(chan error, 1)
	go func() { filled <- fill(ctx, client) }()
	select {
	case err := <-filled:
		return err == nil
	case <-ctx.Done():
		return false
	}
}

// Profiles offers the profiles with their accounts, for the first argument.
func Profiles(env *cmdutil.Env) Func {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		doc, err := env.Sessions.Store().Load()
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var lines []string
		for _, name := range doc.ProfileNames() {
			p, _ := doc.Profile(name)
			lines = append(lines, name+"\t"+term.Line(cmp.Or(p.Credential.Account.Email, p.Credential.BaseURL)))
		}
		return lines, cobra.ShellCompDirectiveNoFileComp
	}
}

// AddProviderFlag gives a command the flag --provider, which completes the names of services.
func AddProviderFlag(cmd *cobra.Command, env *cmdutil.Env) {
	cmd.Flags().StringVar(&env.Sessions.Flags.Provider, "provider", "", "use the service with this `NAME` instead of Lamina")
	_ = cmd.RegisterFlagCompletionFunc("provider", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return env.Sessions.ProviderNames(), cobra.ShellCompDirectiveNoFileComp
	})
}

package content

import (
	"context"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/check"
	"github.com/uselamina/lamina/internal/cli/appinfo"
	"github.com/uselamina/lamina/internal/cli/assetfile"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
)

// findApp fetches the app that a user typed, and replaces the typed name by the id; nil if none was typed. The error for an unknown
// app suggests the command of again with the most similar one.
func findApp(ctx context.Context, env *cmdutil.Env, client *api.Client, typed *string, again func(more ...string) []string) (*api.App, error) {
	if *typed == "" {
		return nil, nil
	}
	app, id, err := appinfo.Get(ctx, env, client, *typed)
	if err != nil {
		suggest := func(name string) string {
			*typed = name
			return env.Command(again()...)
		}
		return nil, complete.SuggestApp(ctx, env, *typed, suggest, err)
	}
	*typed = id
	return &app.Data, nil
}

// uploadFiles uploads the files of inputs that are written as @FILE, and puts their URLs in their place. Inputs of an app that take a
// URL are files; if the service chooses the app, a value is a file if there is one of that name.
func uploadFiles(ctx context.Context, env *cmdutil.Env, values map[string]any, app *api.App) error {
	for name, value := range values {
		values[name] = localFile(name, value, app)
		list, _ := value.([]any)
		for i := range list {
			list[i] = localFile(name, list[i], app)
		}
	}
	files, problems := assetfile.InInputs(values)
	if len(problems) > 0 {
		return &fail.Error{
			Code: fail.InvalidInputs, Message: "there is a problem with the inputs; nothing was started", Details: problems,
			Hint: "lamina assets upload --help",
		}
	}
	return files.Upload(ctx, env)
}

// localFile returns the file that a value names, or the value.
func localFile(name string, value any, app *api.App) any {
	text, _ := value.(string)
	path, isMarked := strings.CutPrefix(text, "@")
	if !isMarked || path == "" {
		return value
	}
	if app == nil {
		if !isFile(path) {
			return value
		}
		return check.LocalFile{Path: path}
	}
	p, _ := app.Parameter(name)
	if p.Type != "url" {
		return value
	}
	return check.LocalFile{Path: path, Accept: p.Accept}
}

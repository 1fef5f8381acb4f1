// Package appinfo fetches an app and shows what it takes. The commands of several nouns use it.
package appinfo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// Get fetches the app with an id or a short name, and returns the id under which the service knows it. The error for an unknown app
// says how to find apps.
func Get(ctx context.Context, env *cmdutil.Env, client *api.Client, typed string) (*api.Reply[api.App], string, error) {
	id := typed
	reply, err := client.App(ctx, id)
	if isUnknown(err, typed) {
		if known := findID(ctx, env, client, typed); known != "" && known != typed {
			id = known
			reply, err = client.App(ctx, id)
		}
	}
	if api.IsNotFound(err) && IsID(typed) && complete.IsRun(ctx, env, typed) {
		return nil, "", &fail.Error{
			Code: fail.NotFound, Message: fmt.Sprintf("%s is a run, not an app", output.Quote(typed)), Hint: env.Command("runs", "get", typed), Err: err,
		}
	}
	if api.IsNotFound(err) {
		return nil, "", &fail.Error{Code: fail.NotFound, Message: fmt.Sprintf("there is no app %s in this workspace", output.Quote(typed)), Hint: "lamina apps list", Err: err}
	}
	if err != nil {
		return nil, "", err
	}
	complete.CacheApp(env, typed, reply.Data)
	return reply, id, nil
}

// isUnknown reports whether the service knows no app of a word. It may refuse a word that is not an id as invalid.
func isUnknown(err error, word string) bool {
	var refused *api.Error
	return api.IsNotFound(err) || errors.As(err, &refused) && refused.Status == http.StatusBadRequest && !IsID(word)
}

// IsID reports whether a word has the form of an id of an app or a run, and not of a short name.
func IsID(word string) bool { return uuid().MatchString(word) }

// uuid matches the ids of apps.
var uuid = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`) })

// ID returns the id for what a user typed for an app: an id, or a short name of the cache or else of the list of apps. What neither
// has is returned as it is.
func ID(ctx context.Context, env *cmdutil.Env, client *api.Client, typed string) string {
	return cmp.Or(findID(ctx, env, client, typed), typed)
}

func findID(ctx context.Context, env *cmdutil.Env, client *api.Client, typed string) string {
	if typed == "" || IsID(typed) {
		return typed
	}
	id := complete.AppID(env, typed)
	if id == "" {
		if apps, err := complete.FetchApps(ctx, env, client); err == nil {
			id = complete.IDOf(apps, typed)
		}
	}
	return id
}

// maxDefault is how many columns of a default value are shown; some are whole prompts.
const maxDefault = 24

// WriteInputs shows the inputs of an app as a table.
func WriteInputs(p *output.Page, app api.App) {
	var rows [][]string
	for _, in := range app.Parameters {
		defaultValue := "(required)"
		if !in.MustSupply() {
			defaultValue = output.Cut(output.PlainJSON(in.Default), maxDefault)
		}
		about := in.Description
		if len(in.Options) > 0 {
			about = strings.TrimSpace(about + " One of: " + strings.Join(in.Options, ", "))
		}
		kind := in.Type
		if in.Multiple {
			kind += "…"
		}
		rows = append(rows, []string{in.SendAs(), kind, defaultValue, about})
	}
	p.Descriptions([]string{"INPUT", "TYPE", "DEFAULT", "ABOUT"}, rows)
}

// Problems returns the one error for everything that is wrong with the inputs of a run.
func Problems(appID string, problems []api.Detail) error {
	count := "there is a problem"
	if len(problems) > 1 {
		count = fmt.Sprintf("there are %d problems", len(problems))
	}
	e := &fail.Error{
		Code: fail.InvalidInputs, Message: count + " with the inputs; no run was started", Details: problems,
		Hint: fail.CommandLine("apps", "get", appID),
	}
	if i := slices.IndexFunc(problems, func(d api.Detail) bool { return d.Media != "" }); i >= 0 {
		e.Hint = uploadHint(problems[i])
	}
	return e
}

// uploadHint says how to pass the file of a problem.
func uploadHint(d api.Detail) string {
	return "to upload the file and pass its URL, write --input " + fail.Quote(d.Field+"=@"+strings.TrimPrefix(d.File, "file://"))
}

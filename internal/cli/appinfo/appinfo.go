// Package appinfo fetches an app and shows what it takes. The commands of several nouns use it.
package appinfo

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// Get fetches an app. The error for an unknown id says how to find apps.
func Get(ctx context.Context, client *api.Client, id string) (*api.Reply[api.App], error) {
	reply, err := client.App(ctx, id)
	if api.IsNotFound(err) {
		return nil, &fail.Error{Code: fail.NotFound, Message: fmt.Sprintf("there is no app %s in this workspace", output.Quote(id)), Hint: "lamina apps list", Err: err}
	}
	return reply, err
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

// uploadHint says how to get a URL for the file of a problem.
func uploadHint(d api.Detail) string {
	files, _ := json.Marshal([]map[string]string{{"filename": filepath.Base(d.File), "mediaType": d.Media}}) // cannot fail
	return fail.CommandLine("api", "/v1/assets/upload-urls", "-f", "files:="+string(files)) + ", then PUT the file to uploadUrl, and pass assetUrl"
}

// Package models holds the commands that list and describe models, and that generate pictures and videos with them.
package models

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// modalities are those of models, in the order of the lists.
var modalities = []string{"image", "video"}

// New returns the command models.
func New(env *cmdutil.Env) *cobra.Command {
	return cmdutil.NewNoun("models", "Find models and see their parameters", newList(env), newDescribe(env))
}

type listOptions struct {
	env      *cmdutil.Env
	modality string
}

func newList(env *cmdutil.Env) *cobra.Command {
	opts := &listOptions{env: env}
	cmd := &cobra.Command{
		Use:               "list [image|video]",
		Short:             "List models",
		Long:              "List the models that make a picture or a video without an app.",
		Example:           "lamina models list\nlamina models list video\nlamina models list image --jq '.data[].id'",
		Aliases:           []string{"ls"},
		Args:              cmdutil.OptionalArg("image|video"),
		ValidArgsFunction: complete.Words(modalities...),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && opts.modality != "" {
				return fail.Usage("", "name the modality once: as an argument or with --modality")
			}
			if len(args) > 0 {
				opts.modality = args[0]
			}
			if err := checkModality(opts.modality); err != nil {
				return err
			}
			return list(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.modality, "modality", "", "only models that make `image|video`")
	_ = cmd.Flags().MarkHidden("modality") // the spelling of the Node client
	return cmd
}

func checkModality(name string) error {
	if name == "" || slices.Contains(modalities, name) {
		return nil
	}
	return fail.Usage("lamina models list", "a modality is image or video, not %q", name)
}

func list(ctx context.Context, opts *listOptions) error {
	client, err := opts.env.Sessions.Client()
	if err != nil {
		return err
	}
	wanted := modalities
	if opts.modality != "" {
		wanted = []string{opts.modality}
	}
	var models []api.ModelSummary
	var raws []json.RawMessage
	for _, modality := range wanted {
		reply, err := complete.FetchModels(ctx, opts.env, client, modality)
		if err != nil {
			return err
		}
		models, raws = append(models, reply.Data...), append(raws, reply.Raw)
	}
	raw, err := joined(raws)
	if err != nil {
		return err
	}
	return opts.env.Printer.Data(raw, func(p *output.Page) { writeModels(p, models) })
}

// joined returns one envelope with the items of several; a single one as it came.
func joined(envelopes []json.RawMessage) (json.RawMessage, error) {
	if len(envelopes) == 1 {
		return envelopes[0], nil
	}
	all := []json.RawMessage{}
	for _, raw := range envelopes {
		items, err := loose.List(raw, "data", "items")
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
	}
	return output.Envelope(all)
}

func writeModels(p *output.Page, models []api.ModelSummary) {
	if len(models) == 0 {
		p.Line("No models.")
		return
	}
	var rows [][]string
	for _, m := range models {
		rows = append(rows, []string{m.ID, m.DisplayName, m.Modality})
	}
	p.Table([]string{"MODEL", "NAME", "MAKES"}, rows)
}

func newDescribe(env *cmdutil.Env) *cobra.Command {
	modality := ""
	cmd := &cobra.Command{
		Use:               "describe MODEL",
		Short:             "Show the parameters of a model",
		Example:           "lamina models describe hills-1\nlamina models describe hills-1 --jq '.data.paramSchema | keys'",
		Aliases:           []string{"get"},
		Args:              cmdutil.NeedArgs("MODEL"),
		ValidArgsFunction: complete.Models(env, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkModality(modality); err != nil {
				return err
			}
			client, err := env.Sessions.Client()
			if err != nil {
				return err
			}
			reply, err := getModel(cmd.Context(), env, client, modality, args[0])
			if err != nil {
				return err
			}
			return env.Printer.Data(reply.Raw, func(p *output.Page) { writeModel(p, reply.Data, sample(env, reply.Data)) })
		},
	}
	cmd.Flags().StringVar(&modality, "modality", "", "look only among the models that make `image|video`")
	return cmd
}

// getModel fetches a model. The error for an unknown one names the model that is most like it.
func getModel(ctx context.Context, env *cmdutil.Env, client *api.Client, modality, id string) (*api.Reply[api.Model], error) {
	if modality == "" && slices.Contains(modalities, id) { // its address is that of the list
		return nil, fail.Usage(env.Command("models", "list", id), "%s is a modality, not a model", id)
	}
	reply, err := client.Model(ctx, modality, id)
	if api.IsNotFound(err) {
		return nil, unknownModel(ctx, env, client, modality, id, err)
	}
	if err == nil {
		complete.CacheModel(env, reply.Data)
	}
	return reply, err
}

func unknownModel(ctx context.Context, env *cmdutil.Env, client *api.Client, modality, id string, err error) error {
	e := &fail.Error{Code: fail.NotFound, Message: "there is no model " + output.Quote(id), Hint: "lamina models list", Err: err}
	var known []string
	for _, m := range modalities {
		if modality != "" && m != modality {
			continue
		}
		if reply, err := complete.FetchModels(ctx, env, client, m); err == nil {
			for _, model := range reply.Data {
				known = append(known, model.ID)
			}
		}
	}
	if near, _ := cmdutil.Nearest(strings.ToLower(id), known); near != "" {
		e.Message += fmt.Sprintf("; did you mean %s?", output.Quote(near))
		e.Hint = fail.CommandLine("models", "describe", near)
	}
	return e
}

// sample returns a command that uses the model, with placeholders for the required parameters; "" if no command does.
func sample(env *cmdutil.Env, m api.Model) string {
	if m.ID == "" || !slices.Contains(modalities, m.Modality) {
		return ""
	}
	args := []string{"generate", m.Modality, "--model", m.ID}
	for _, f := range m.ParamSchema {
		switch {
		case !f.Schema.MustSupply():
		case f.Name == "prompt":
			args = append(args, "--prompt", "…")
		default:
			args = append(args, "--param", f.Name+"=…")
		}
	}
	return env.Command(append(args, "--wait", "--download", "./")...)
}

package complete

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/term"
)

// modalities are those of models.
var modalities = []string{"image", "video"}

// CacheModels replaces the cached models of a modality.
func CacheModels(env *cmdutil.Env, modality string, models []api.ModelSummary) {
	update(env, func(c *cache) {
		c.fill(modelEntries, env.Now())
		if c.Models == nil {
			c.Models = map[string][]entry{}
		}
		entries := []entry{}
		for _, m := range models[:min(len(models), maxEntries)] {
			entries = append(entries, entry{ID: term.Line(m.ID), About: term.Line(m.DisplayName)})
		}
		c.Models[modality] = entries
	})
}

// CacheModel caches the parameters of a model.
func CacheModel(env *cmdutil.Env, model api.Model) {
	update(env, func(c *cache) {
		d := details{App: term.Line(model.ID)}
		for _, f := range model.ParamSchema {
			cached := input{Name: term.Line(f.Name), About: term.Line(f.Schema.Description)}
			for _, option := range f.Schema.Options() {
				cached.Options = append(cached.Options, term.Line(option))
			}
			d.Inputs = append(d.Inputs, cached)
		}
		others := slices.DeleteFunc(c.Params, func(other details) bool { return other.App == d.App })
		c.Params = append([]details{d}, others[:min(len(others), maxEntries)]...)
	})
}

// FetchModels returns the models of a modality, and caches them.
func FetchModels(ctx context.Context, env *cmdutil.Env, client *api.Client, modality string) (*api.Reply[[]api.ModelSummary], error) {
	reply, err := client.ListModels(ctx, modality)
	if err == nil {
		CacheModels(env, modality, reply.Data)
	}
	return reply, err
}

// Models offers the ids of the models of a modality with their names; an empty modality stands for all.
func Models(env *cmdutil.Env, modality string) Func {
	wanted := modalities
	if modality != "" {
		wanted = []string{modality}
	}
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && cmd.Name() == "describe" {
			return None(cmd, args, typed)
		}
		pick := func(c *cache) (picked []entry) {
			for _, modality := range wanted {
				models, isCached := c.Models[modality]
				if !isCached {
					return nil
				}
				picked = append(picked, models...)
			}
			return picked
		}
		return ids(cmd, env, modelEntries, pick, func(ctx context.Context, client *api.Client) error {
			for _, modality := range wanted {
				if _, err := FetchModels(ctx, env, client, modality); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// Params offers the parameters of the model that --model names, as NAME=, and the values of a parameter, as NAME=VALUE.
func Params(env *cmdutil.Env) Func {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		model, _ := cmd.Flags().GetString("model")
		var params []input
		find := func(c *cache) bool {
			i := slices.IndexFunc(c.Params, func(d details) bool { return d.App == model })
			if i >= 0 {
				params = c.Params[i].Inputs
			}
			return i >= 0
		}
		if model == "" {
			return None(cmd, args, typed)
		}
		lookUp(cmd, env, "", find, func(ctx context.Context, client *api.Client) error {
			reply, err := client.Model(ctx, "", model)
			if err == nil {
				CacheModel(env, reply.Data)
			}
			return err
		})
		return offerInputs(params, typed)
	}
}

// offerInputs offers inputs as NAME= and, behind a name, its options as NAME=OPTION.
func offerInputs(inputs []input, typed string) ([]string, cobra.ShellCompDirective) {
	name, _, hasValue := strings.Cut(typed, "=")
	var lines []string
	for _, in := range inputs {
		switch {
		case !hasValue:
			lines = append(lines, in.Name+"=\t"+in.About)
		case in.Name == name:
			for _, option := range in.Options {
				lines = append(lines, name+"="+option)
			}
		}
	}
	directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	if !hasValue {
		directive |= cobra.ShellCompDirectiveNoSpace
	}
	return lines, directive
}

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
)

func newLaghavCmd(env *Env) *cobra.Command {
	cmd := newNoun(env, "laghav", "Use Laghav: shorter prompts, its keys, applications and budgets", nil, func() []*cobra.Command {
		return []*cobra.Command{
			newLaghavCompleteCmd(env), newLaghavPlaygroundCmd(env),
			newNoun(env, "keys", "Use the API keys: list, create and revoke them", nil, func() []*cobra.Command {
				return []*cobra.Command{newLaghavKeysListCmd(env), newLaghavKeysCreateCmd(env), newLaghavKeysRevokeCmd(env)}
			}),
			listing(newNoun(env, "apps", "Use the applications: list and create them", nil, func() []*cobra.Command {
				return []*cobra.Command{newLaghavAppsListCmd(env), newLaghavAppsCreateCmd(env)}
			})),
			listing(newNoun(env, "budgets", "Use the budgets of teams: list and create them", nil, func() []*cobra.Command {
				return []*cobra.Command{newLaghavBudgetsListCmd(env), newLaghavBudgetsCreateCmd(env)}
			})),
		}
	})
	cmd.Long = "Laghav shortens prompts before a model reads them, and chooses the cheapest model that will do.\n\n" +
		"Sign in with 'lamina login --provider laghav', or set LAGHAV_API_KEY. What has no command of its own is called with\n" +
		"'lamina api --provider laghav PATH'."
	return cmd
}

// laghav opens the credential of Laghav and returns its client.
func (e *Env) laghav() (*laghav.Client, *session, error) {
	c, s, err := e.service(provider.Laghav())
	if err != nil {
		return nil, nil, err
	}
	return laghav.New(e.patient(c)), s, nil
}

// laghavList lists what Laghav has of something.
func laghavList[T any](
	ctx context.Context, env *Env, list func(*laghav.Client, context.Context) ([]T, json.RawMessage, error), write func(*output.Page, []T),
) error {
	client, _, err := env.laghav()
	if err != nil {
		return err
	}
	all, raw, err := list(client, ctx)
	if err != nil {
		return err
	}
	return env.printer.Data(raw, func(p *output.Page) { write(p, all) })
}

// patient gives calls more time: the model behind Laghav may take half a minute.
func (e *Env) patient(c *api.Client) *api.Client {
	c.Timeout = e.duration("LAMINA_REQUEST_TIMEOUT", time.Minute)
	return c
}

// lostAnswer tells that a call may have done its work although no answer came.
func lostAnswer(err error, message, hint string) error {
	var lost *api.UnreachableError
	if errors.As(err, &lost) && !lost.Kind.NeverSent() && lost.Kind != api.Other && lost.Kind != api.Interrupted {
		return &commandError{code: codeUnknownOutcome, hint: hint, err: err, message: message}
	}
	return err
}

// describeFigures says in one line what a call saved.
func describeFigures(f laghav.Figures) string {
	parts := []string{fmt.Sprintf("%d -> %d tokens (%.0f%% saved)", f.Original, f.Compressed, f.SavedPct())}
	if f.Quality != nil {
		parts = append(parts, fmt.Sprintf("quality %.0f", *f.Quality))
	}
	if f.CostOriginal > 0 {
		parts = append(parts, fmt.Sprintf("%s instead of %s", dollars(f.CostActual), dollars(f.CostOriginal)))
	}
	if f.CacheHit {
		parts = append(parts, "from the cache")
	}
	if len(f.Rules) > 0 {
		parts = append(parts, "rules: "+strings.Join(f.Rules, ", "))
	}
	return strings.Join(parts, "; ")
}

// dollars writes an amount with as many places as it needs.
func dollars(usd float64) string {
	if usd == 0 || usd >= 1 {
		return fmt.Sprintf("$%.2f", usd)
	}
	return "$" + strings.TrimRight(fmt.Sprintf("%.6f", usd), "0")
}

type laghavPlaygroundOptions struct {
	env            *Env
	file           string
	contentType    string
	aggressiveness float64
}

func newLaghavPlaygroundCmd(env *Env) *cobra.Command {
	opts := &laghavPlaygroundOptions{env: env}
	cmd := &cobra.Command{
		Use:   "playground [TEXT]",
		Short: "See a text shortened, without a key",
		Long: "Shorten a text without a key: at most 5,000 characters, ten times a day from one address. No model is asked.\n\n" +
			"The text is the argument, or --file, or stdin. Laghav does not document the form of the reply.",
		Example: "lamina laghav playground \"Could you please tell me what a budget is?\"\n" +
			"lamina laghav playground --file prompt.txt --aggressiveness 0.9",
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := env.promptText(cmd, args, opts.file)
			if err != nil {
				return err
			}
			if n := len([]rune(text)); n > laghav.PlaygroundChars {
				return usage("lamina laghav complete --file FILE", "the text has %d characters, and the playground takes %d; nothing was sent", n, laghav.PlaygroundChars)
			}
			if err := checkShare("--aggressiveness", opts.aggressiveness); err != nil {
				return err
			}
			return laghavPlayground(cmd.Context(), opts, text)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.file, "file", "", "read the text from this `FILE`; - is stdin")
	f.StringVar(&opts.contentType, "content-type", "auto", "say what `KIND` of text it is, such as code; auto finds out")
	f.Float64Var(&opts.aggressiveness, "aggressiveness", 0.5, "shorten with this `STRENGTH`, from 0 to 1")
	return cmd
}

// checkShare refuses what is not between 0 and 1.
func checkShare(flag string, value float64) error {
	if value >= 0 && value <= 1 {
		return nil
	}
	return usage("", "%s must be between 0 and 1, not %g", flag, value)
}

func laghavPlayground(ctx context.Context, opts *laghavPlaygroundOptions, text string) error {
	env := opts.env
	c, err := env.anonymous(provider.Laghav())
	if err != nil {
		return err
	}
	short, raw, err := laghav.New(env.patient(c)).Playground(ctx, text, opts.contentType, opts.aggressiveness)
	if err != nil {
		return err
	}
	if env.printer.Machine() {
		return env.printer.Data(raw, nil)
	}
	if err := env.printText(short.Text); err != nil {
		return err
	}
	if short.Figures.Rules = short.Rules; short.Figures.Original > 0 {
		env.say("%s", env.styles().Faint(describeFigures(short.Figures)))
	}
	return nil
}

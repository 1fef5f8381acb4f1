package laghav

import (
	"context"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

type playgroundOptions struct {
	env            *cmdutil.Env
	source         textSource
	contentType    string
	aggressiveness float64
}

func newPlayground(env *cmdutil.Env) *cobra.Command {
	opts := &playgroundOptions{env: env, source: textSource{env: env, name: "text", hint: "lamina laghav playground --help"}}
	cmd := &cobra.Command{
		Use:   "playground [TEXT]",
		Short: "See a shortened text, without a key",
		Long: "Shorten a text without a key: at most 5,000 characters, ten times a day from one address. No model is called.\n\n" +
			"The text is the argument, the content of --file, or stdin. Laghav does not document the form of the response.",
		Example: "lamina laghav playground \"Could you please tell me what a budget is?\"\n" +
			"lamina laghav playground --file prompt.txt --aggressiveness 0.9",
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := opts.readText(cmd.Context(), args)
			if err != nil {
				return err
			}
			return playground(cmd.Context(), opts, text)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.source.file, "file", "", "read the text from this `FILE`; - is stdin")
	f.StringVar(&opts.contentType, "content-type", "auto", "treat the text as this `KIND`, such as code; auto detects it")
	f.Float64Var(&opts.aggressiveness, "aggressiveness", 0.5, "shorten with this `STRENGTH`, from 0 to 1")
	return cmd
}

// readText reads the text and validates it and the flags.
func (o *playgroundOptions) readText(ctx context.Context, args []string) (string, error) {
	text, err := o.source.read(ctx, args)
	if err != nil {
		return "", err
	}
	if n := utf8.RuneCountInString(text); n > laghav.PlaygroundChars {
		return "", fail.Usage("lamina laghav complete --file FILE", "the text has %d characters, and the playground accepts %d; nothing was sent", n, laghav.PlaygroundChars)
	}
	return text, checkFraction("--aggressiveness", o.aggressiveness)
}

// checkFraction refuses the value of a flag that is not between 0 and 1.
func checkFraction(flag string, value float64) error {
	if value >= 0 && value <= 1 {
		return nil
	}
	return fail.Usage("", "%s must be between 0 and 1, not %g", flag, value)
}

func playground(ctx context.Context, opts *playgroundOptions, text string) error {
	env := opts.env
	c, err := env.Sessions.AnonymousClient(provider.Laghav())
	if err != nil {
		return err
	}
	short, raw, err := laghav.New(c).Playground(ctx, text, opts.contentType, opts.aggressiveness)
	if err != nil {
		return err
	}
	if env.Printer.Machine() {
		return env.Printer.Data(raw, nil)
	}
	if err := writeText(env, short.Text); err != nil {
		return err
	}
	if short.Figures.Original > 0 {
		figures := short.Figures
		figures.Rules = short.Rules
		env.Say("%s", env.Styles().Faint(describeFigures(figures)))
	}
	return nil
}

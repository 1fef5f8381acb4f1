package laghav

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
)

type completeOptions struct {
	env      *cmdutil.Env
	source   textSource
	messages string
	system   string
	request  laghav.Request
	options  laghav.Options

	noCompress, noRoute, noCache, noScore bool
	aggressiveness                        float64
}

func newComplete(env *cmdutil.Env) *cobra.Command {
	opts := &completeOptions{env: env, source: textSource{env: env, name: "message", hint: "lamina laghav complete --help"}}
	cmd := &cobra.Command{
		Use:   "complete [MESSAGE]",
		Short: "Call a model with a shortened prompt",
		Long: "Send a message to a model through Laghav, which shortens it first. The answer is printed to stdout, the savings to stderr.\n" +
			"The message is the argument (- is stdin), the content of --file, or stdin; --messages reads a whole chat as JSON.\n\n" +
			"A call costs tokens, so it is not repeated if its response is lost. With --stream, the answer is printed as it arrives;\n" +
			"with --json too, each chunk is a line.",
		Example: "lamina laghav complete \"Please explain what a budget is.\"\n" +
			"lamina laghav complete --stream --model claude-haiku-3 \"Write a haiku\"\n" +
			"lamina laghav complete --file prompt.txt --aggressiveness 0.8 --skip-rule intent\n" +
			"lamina laghav complete --messages chat.json --json --jq .laghav_meta.saved_usd\n" +
			"git diff | lamina laghav complete --system \"Review this.\" --budget Engineering",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.read(cmd, args); err != nil {
				return err
			}
			return complete(cmd.Context(), opts)
		},
	}
	opts.addFlags(cmd)
	return cmd
}

func (o *completeOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.source.file, "file", "", "read the message from this `FILE`; - is stdin")
	f.StringVar(&o.messages, "messages", "", "read the chat from this JSON `FILE`, an array of {role, content}; - is stdin")
	f.StringVar(&o.system, "system", "", "send this `TEXT` before the message, as the system")
	f.StringVar(&o.request.Model, "model", "", "use this `MODEL`; auto (the service's default) is the cheapest suitable one")
	f.IntVar(&o.request.MaxTokens, "max-tokens", 0, "end the answer after `N` tokens (default: the service's, 1000)")
	f.BoolVar(&o.request.Stream, "stream", false, "print the answer as it arrives")
	f.Float64Var(&o.aggressiveness, "aggressiveness", 0, "shorten with at most this `STRENGTH`, from 0 to 1 (default: the service's, 0.5)")
	f.StringArrayVar(&o.options.SkipRules, "skip-rule", nil, "do not apply the `RULE` of this name, such as filler; may be repeated")
	f.BoolVar(&o.noCompress, "no-compress", false, "send the prompt as it is")
	f.BoolVar(&o.noRoute, "no-route", false, "do not choose the model by the prompt")
	f.BoolVar(&o.noCache, "no-cache", false, "do not use an answer from the cache")
	f.BoolVar(&o.noScore, "no-score", false, "do not score the quality")
	f.StringVar(&o.options.BudgetID, "budget", "", "count the call against the budget of this `TEAM` or id")
	f.StringVar(&o.options.ProtocolID, "protocol", "", "apply the governance protocol of this `ID`")
	f.StringVar(&o.options.ConversationID, "conversation", "", "continue the conversation of this `ID`, which you choose")
	f.IntVar(&o.options.MaxTurns, "max-turns", 0, "keep `N` turns of the conversation (default: the service's, 10)")
	f.StringVar(&o.options.AgentRunID, "agent-run", "", "count the call as a step of the agent run of this `ID`, which you choose")
}

// read validates the flags, and completes the request with them and with the messages.
func (o *completeOptions) read(cmd *cobra.Command, args []string) error {
	if err := o.check(cmd, args); err != nil {
		return err
	}
	if cmd.Flags().Changed("aggressiveness") {
		o.options.Aggressiveness = &o.aggressiveness
	}
	off := false
	for _, step := range []struct {
		isOff bool
		field **bool
	}{{o.noCompress, &o.options.Compress}, {o.noRoute, &o.options.Route}, {o.noCache, &o.options.Cache}, {o.noScore, &o.options.Score}} {
		if step.isOff {
			*step.field = &off
		}
	}
	o.request.Options = &o.options
	return o.readMessages(cmd.Context(), args)
}

func (o *completeOptions) check(cmd *cobra.Command, args []string) error {
	changed := cmd.Flags().Changed
	if err := cmdutil.AtMostOne(cmd, "file", "messages"); err != nil {
		return err
	}
	switch {
	case changed("messages") && len(args) > 0:
		return fail.Usage("lamina laghav complete --help", "a message and --messages cannot be combined: choose one")
	case changed("max-tokens") && o.request.MaxTokens < 1:
		return fail.Usage("", "--max-tokens must be 1 or more, not %d", o.request.MaxTokens)
	case changed("max-turns") && o.options.MaxTurns < 1:
		return fail.Usage("", "--max-turns must be 1 or more, not %d", o.options.MaxTurns)
	case changed("max-turns") && o.options.ConversationID == "":
		return fail.Usage("", "--max-turns needs --conversation")
	case slices.Contains(o.options.SkipRules, ""):
		return fail.Usage("", "--skip-rule must be the name of a rule")
	}
	return checkFraction("--aggressiveness", o.aggressiveness)
}

// readMessages adds the messages of the flags and the arguments to the request.
func (o *completeOptions) readMessages(ctx context.Context, args []string) error {
	if strings.TrimSpace(o.system) != "" {
		o.request.Messages = []laghav.Message{{Role: "system", Content: o.system}}
	}
	if o.messages != "" {
		chat, err := readChat(ctx, o.env, o.messages)
		o.request.Messages = append(o.request.Messages, chat...)
		return err
	}
	text, err := o.source.read(ctx, args)
	o.request.Messages = append(o.request.Messages, laghav.Message{Role: "user", Content: text})
	return err
}

// repeatHint is the hint for a call that may have been made.
const repeatHint = "repeat the command if the call may count twice"

func complete(ctx context.Context, opts *completeOptions) error {
	env := opts.env
	client, _, err := newClient(env)
	if err != nil {
		return err
	}
	if opts.request.Stream {
		return stream(ctx, opts, client)
	}
	done, err := client.Complete(ctx, opts.request)
	if err != nil {
		return fail.Lost(err, "the call", "it may have been made and counted", repeatHint)
	}
	if env.Printer.Machine() {
		return env.Printer.Data(done.Raw, nil)
	}
	if err := writeText(env, done.Content); err != nil {
		return err
	}
	noteFigures(env, done)
	return nil
}

// stream prints an answer as it arrives: its text, or each chunk as a line of JSON.
func stream(ctx context.Context, opts *completeOptions, client *laghav.Client) error {
	env := opts.env
	done, err := client.Stream(ctx, opts.request, func(c laghav.Chunk) error {
		if env.Printer.Machine() {
			return env.Printer.Line(c.Raw)
		}
		return env.Printer.Text(c.Content)
	})
	if !env.Printer.Machine() && done.Content != "" && !strings.HasSuffix(done.Content, "\n") {
		if newline := env.Printer.Text("\n"); err == nil {
			err = newline
		}
	}
	if err != nil {
		return fail.Lost(err, "the call", "the printed answer is incomplete, and the call may be counted", repeatHint)
	}
	if !done.Whole {
		env.Printer.Warn("%s the stream ended without an end marker: the answer may be incomplete", env.Styles().Busy("note:"))
	}
	if !env.Printer.Machine() {
		noteFigures(env, done)
	}
	return nil
}

// noteFigures writes the savings of a call to stderr, and notes an answer that reached its length limit.
func noteFigures(env *cmdutil.Env, done *laghav.Completion) {
	if done.FinishReason == "length" {
		env.Note("the answer reached --max-tokens and was cut there")
	}
	line := done.Model
	if done.Figures != nil {
		line += ": " + describeFigures(*done.Figures)
	}
	env.Say("%s", env.Styles().Faint(line))
}

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/term"
)

type laghavCompleteOptions struct {
	env      *Env
	file     string
	messages string
	system   string
	request  laghav.Request
	options  laghav.Options

	noCompress, noRoute, noCache, noScore bool
	aggressiveness                        float64
}

func newLaghavCompleteCmd(env *Env) *cobra.Command {
	opts := &laghavCompleteOptions{env: env}
	cmd := &cobra.Command{
		Use:   "complete [MESSAGE]",
		Short: "Call a model with a prompt that was made shorter",
		Long: "Send a message to a model by way of Laghav, which shortens it first. The answer goes to stdout; what was saved, to\n" +
			"stderr. The message is the argument (- is stdin), or --file, or stdin; --messages takes a whole chat as JSON.\n\n" +
			"A call costs tokens, so one whose answer is lost is not repeated. With --stream the answer is shown as it comes; with\n" +
			"--json, each piece is a line.",
		Example: "lamina laghav complete \"Please explain what a budget is.\"\n" +
			"lamina laghav complete --stream --model claude-haiku-3 \"Write a haiku\"\n" +
			"lamina laghav complete --file prompt.txt --aggressiveness 0.8 --skip-rule intent\n" +
			"lamina laghav complete --messages chat.json --json --jq .laghav_meta.saved_usd\n" +
			"git diff | lamina laghav complete --system \"Review this.\" --budget Engineering",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.read(cmd, args); err != nil {
				return err
			}
			return laghavComplete(cmd.Context(), opts)
		},
	}
	opts.addFlags(cmd)
	return cmd
}

func (o *laghavCompleteOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.file, "file", "", "read the message from this `FILE`; - is stdin")
	f.StringVar(&o.messages, "messages", "", "read the chat from this JSON `FILE`, an array of {role, content}; - is stdin")
	f.StringVar(&o.system, "system", "", "tell the model this `TEXT` first, as the system")
	f.StringVar(&o.request.Model, "model", "", "ask this `MODEL`; auto (the service's default) is the cheapest that will do")
	f.IntVar(&o.request.MaxTokens, "max-tokens", 0, "end the answer after `N` tokens (default: the service's, 1000)")
	f.BoolVar(&o.request.Stream, "stream", false, "show the answer as it comes")
	f.Float64Var(&o.aggressiveness, "aggressiveness", 0, "shorten with this `STRENGTH` at most, from 0 to 1 (default: the service's, 0.5)")
	f.StringArrayVar(&o.options.SkipRules, "skip-rule", nil, "leave out the `RULE` of this name, such as filler; can be repeated")
	f.BoolVar(&o.noCompress, "no-compress", false, "send the prompt as it is")
	f.BoolVar(&o.noRoute, "no-route", false, "do not choose a model by the prompt")
	f.BoolVar(&o.noCache, "no-cache", false, "take no answer from the cache")
	f.BoolVar(&o.noScore, "no-score", false, "do not score the quality")
	f.StringVar(&o.options.BudgetID, "budget", "", "count against the budget of this `TEAM` or id")
	f.StringVar(&o.options.ProtocolID, "protocol", "", "apply the governance protocol of this `ID`")
	f.StringVar(&o.options.ConversationID, "conversation", "", "go on with the conversation of this `ID`, which you choose")
	f.IntVar(&o.options.MaxTurns, "max-turns", 0, "keep `N` turns of the conversation (default: the service's, 10)")
	f.StringVar(&o.options.AgentRunID, "agent-run", "", "count as a step of the agent run of this `ID`, which you choose")
}

// read refuses bad combinations, and makes a request of what was typed.
func (o *laghavCompleteOptions) read(cmd *cobra.Command, args []string) error {
	changed := cmd.Flags().Changed
	if err := atMostOne(cmd, "file", "messages"); err != nil {
		return err
	}
	switch {
	case changed("messages") && len(args) > 0:
		return usage("lamina laghav complete --help", "a message and --messages cannot be combined: choose one")
	case changed("max-tokens") && o.request.MaxTokens < 1:
		return usage("", "--max-tokens must be 1 or more, not %d", o.request.MaxTokens)
	case changed("max-turns") && o.options.MaxTurns < 1:
		return usage("", "--max-turns must be 1 or more, not %d", o.options.MaxTurns)
	case changed("max-turns") && o.options.ConversationID == "":
		return usage("", "--max-turns goes with --conversation")
	case slices.Contains(o.options.SkipRules, ""):
		return usage("", "--skip-rule wants the name of a rule")
	}
	if err := checkShare("--aggressiveness", o.aggressiveness); err != nil {
		return err
	}
	if changed("aggressiveness") {
		o.options.Aggressiveness = &o.aggressiveness
	}
	off := false
	for _, s := range []struct {
		given bool
		field **bool
	}{{o.noCompress, &o.options.Compress}, {o.noRoute, &o.options.Route}, {o.noCache, &o.options.Cache}, {o.noScore, &o.options.Score}} {
		if s.given {
			*s.field = &off
		}
	}
	o.request.Options = &o.options
	return o.readMessages(cmd, args)
}

func (o *laghavCompleteOptions) readMessages(cmd *cobra.Command, args []string) error {
	if strings.TrimSpace(o.system) != "" {
		o.request.Messages = []laghav.Message{{Role: "system", Content: o.system}}
	}
	if o.messages != "" {
		chat, err := o.env.readChat(o.messages)
		o.request.Messages = append(o.request.Messages, chat...)
		return err
	}
	text, err := o.env.promptText(cmd, args, o.file)
	o.request.Messages = append(o.request.Messages, laghav.Message{Role: "user", Content: text})
	return err
}

// readChat reads a file with the messages of a chat.
func (e *Env) readChat(file string) ([]laghav.Message, error) {
	const hint = `echo '[{"role": "user", "content": "Hello"}]' | lamina laghav complete --messages -`
	raw, err := e.readAll(file)
	if err != nil {
		return nil, usage(hint, "could not read the messages: %v", err)
	}
	var chat []laghav.Message
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&chat); err != nil || d.More() {
		return nil, usage(hint, "%s must hold a JSON array of objects with a role and content%s; nothing was sent", file, place(raw, err))
	}
	if len(chat) == 0 {
		return nil, usage(hint, "%s has no messages; nothing was sent", file)
	}
	for i, m := range chat {
		if m.Role == "" || strings.TrimSpace(m.Content) == "" {
			return nil, usage(hint, "message %d of %s has no role or no content; nothing was sent", i+1, file)
		}
	}
	return chat, nil
}

// promptText is a text of an argument, of a file, or of stdin: where that is no terminal, or the argument is -.
func (e *Env) promptText(cmd *cobra.Command, args []string, file string) (string, error) {
	hint := cmd.CommandPath() + " --help"
	name := strings.ToLower(strings.Trim(strings.TrimPrefix(cmd.Use, cmd.Name()+" "), "[]"))
	var text string
	if len(args) == 1 && args[0] == "-" && file == "" {
		args, file = nil, "-"
	}
	switch {
	case len(args) > 1:
		return "", usage(hint, "the %s is one argument: put it in quotes", name)
	case len(args) == 1 && file != "":
		return "", usage(hint, "a %s and --file cannot be combined: choose one", name)
	case len(args) == 1:
		text = args[0]
	case file == "" && e.Streams.InTTY:
		return "", usage(hint, "what is the %s? Give it as an argument, with --file, or on stdin", name)
	default:
		if file == "" {
			file = "-"
		}
		raw, err := e.readAll(file)
		if err != nil {
			return "", usage(hint, "could not read the %s: %v", name, err)
		}
		text = string(raw)
	}
	if strings.TrimSpace(text) == "" {
		return "", usage(hint, "the %s is empty; nothing was sent", name)
	}
	if !utf8.ValidString(text) {
		return "", usage(hint, "the %s is no text (UTF-8); nothing was sent", name)
	}
	return text, nil
}

func laghavComplete(ctx context.Context, o *laghavCompleteOptions) error {
	env := o.env
	client, _, err := env.laghav()
	if err != nil {
		return err
	}
	if o.request.Stream {
		return laghavStream(ctx, o, client)
	}
	done, err := client.Complete(ctx, o.request)
	if err != nil {
		return lostAnswer(err, "no answer came: the call may have been made, and counted", "the same again, if it may count twice")
	}
	if env.printer.Machine() {
		return env.printer.Data(done.Raw, nil)
	}
	if err := env.printText(done.Content); err != nil {
		return err
	}
	o.sayFigures(done)
	return nil
}

// laghavStream shows an answer as it comes.
func laghavStream(ctx context.Context, o *laghavCompleteOptions, client *laghav.Client) error {
	env := o.env
	done, err := client.Stream(ctx, o.request, func(c laghav.Chunk) error {
		if env.printer.Machine() {
			return env.printer.Line(c.Raw)
		}
		return env.raw(term.Clean(c.Content))
	})
	text := done != nil && done.Content != "" && !env.printer.Machine()
	if text && !strings.HasSuffix(done.Content, "\n") {
		if newline := env.raw("\n"); newline != nil && err == nil {
			err = newline
		}
	}
	if err != nil {
		return lostAnswer(err, "the answer was cut off: what had come is not all of it, and the call counts", "the same again, if it may count twice")
	}
	if !done.Whole {
		env.printer.Warn("%s the stream ended without an end marker: the answer may not be whole", env.styles().Busy("note:"))
	}
	if !env.printer.Machine() {
		o.sayFigures(done)
	}
	return nil
}

// sayFigures tells a person what the call saved, and that the answer was cut where it was.
func (o *laghavCompleteOptions) sayFigures(done *laghav.Completion) {
	env := o.env
	if done.FinishReason == "length" {
		env.say("%s the answer reached --max-tokens and was cut there", env.styles().Busy("note:"))
	}
	line := term.Line(done.Model)
	if done.Figures != nil {
		line += ": " + term.Line(describeFigures(*done.Figures))
	}
	env.say("%s", env.styles().Faint(line))
}

// printText writes a text of a service to stdout, with its line breaks and tabs.
func (e *Env) printText(text string) error {
	return e.raw(strings.TrimRight(term.Clean(text), "\n") + "\n")
}

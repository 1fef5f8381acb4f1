package laghav

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/jsontext"
)

// A textSource reads the text of a command: its argument, the file of --file, or stdin.
type textSource struct {
	env  *cmdutil.Env
	name string // the text in messages
	hint string // the hint of errors
	file string // the value of --file
}

// read returns the text. Stdin is read if the argument is a dash, or if nothing is named and stdin is not a terminal.
func (s *textSource) read(ctx context.Context, args []string) (string, error) {
	if len(args) == 1 && args[0] == "-" && s.file == "" {
		return s.readFile(ctx, "-")
	}
	switch {
	case len(args) > 1:
		return "", fail.Usage(s.hint, "the %s must be one argument: put it in quotes", s.name)
	case len(args) == 1 && s.file != "":
		return "", fail.Usage(s.hint, "a %s and --file cannot be combined: choose one", s.name)
	case len(args) == 1:
		return s.check(args[0])
	case s.file == "" && s.env.Streams.InTTY:
		return "", fail.Usage(s.hint, "the %s is missing: give it as an argument, with --file, or on stdin", s.name)
	}
	return s.readFile(ctx, cmp.Or(s.file, "-"))
}

func (s *textSource) readFile(ctx context.Context, file string) (string, error) {
	raw, err := s.env.ReadFile(ctx, file)
	if err != nil {
		return "", cmp.Or(ctx.Err(), fail.Usage(s.hint, "could not read the %s: %v", s.name, err))
	}
	return s.check(string(raw))
}

func (s *textSource) check(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", fail.Usage(s.hint, "the %s is empty; nothing was sent", s.name)
	}
	if err := jsontext.CheckText(text); err != nil {
		return "", fail.Usage(s.hint, "the %s: %v; nothing was sent", s.name, err)
	}
	return text, nil
}

// readChat reads the messages of a chat from a JSON file.
func readChat(ctx context.Context, env *cmdutil.Env, file string) ([]laghav.Message, error) {
	const hint = `echo '[{"role": "user", "content": "Hello"}]' | lamina laghav complete --messages -`
	raw, err := env.ReadFile(ctx, file)
	if err != nil {
		return nil, cmp.Or(ctx.Err(), fail.Usage(hint, "could not read the messages: %v", err))
	}
	const form = "a JSON array of objects with a role and content"
	if err := cmdutil.CheckJSON(hint, file, form, raw); err != nil {
		return nil, err
	}
	var chat []laghav.Message
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&chat); err != nil {
		return nil, fail.Usage(hint, "%s is not %s; nothing was sent", file, form)
	}
	if len(chat) == 0 {
		return nil, fail.Usage(hint, "%s has no messages; nothing was sent", file)
	}
	for i, m := range chat {
		if m.Role == "" || strings.TrimSpace(m.Content) == "" {
			return nil, fail.Usage(hint, "message %d of %s has no role or no content; nothing was sent", i+1, file)
		}
	}
	return chat, nil
}

package cmdutil

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/term"
	"github.com/uselamina/lamina/internal/textfile"
)

// MayPrompt reports whether the user can be asked: stdin is a terminal, --no-input is not set, and CI is not set.
// It is false in the background of a terminal (`lamina login &`), where reading would stop the process.
func (e *Env) MayPrompt() bool { return e.HasUser() && !e.Streams.InBackground() }

// HasUser reports whether a user can act on messages, and can be asked as soon as the command is in the foreground.
func (e *Env) HasUser() bool { return e.Streams.Prompts && e.unattended() == "" }

// InCI reports whether this is CI, where there is no user.
func (e *Env) InCI() bool { return e.IsOn("CI") }

// unattended says why no user takes part; "" if one may.
func (e *Env) unattended() string {
	switch {
	case e.Flags.NoInput:
		return "--no-input is set"
	case e.InCI():
		return "this is CI"
	}
	return ""
}

// NeedUser returns an error if no user takes part: with --no-input, and in CI. Call it before everything that waits for a user,
// opens a browser, or reads from a terminal. what says what needs the user; hint is what to do instead.
func (e *Env) NeedUser(what, hint string) error {
	why := e.unattended()
	if why == "" || e.ApprovesItself {
		return nil
	}
	return &fail.Error{Code: fail.NeedsPerson, Message: fmt.Sprintf("%s needs a user, and %s", what, why), Hint: hint}
}

// needPipe is NeedUser for reading stdin, which needs a user only if it is a terminal.
func (e *Env) needPipe(hint string) error {
	if !e.Streams.InTTY {
		return nil
	}
	return e.NeedUser("reading from the terminal", hint)
}

// ReadLine reads a line of stdin, without its line break and the space around it, unless ctx ends first.
func (e *Env) ReadLine(ctx context.Context) (string, error) { return e.readLine(ctx, false) }

// ReadPaste is ReadLine for an address, which a terminal may break into several lines.
func (e *Env) ReadPaste(ctx context.Context) (string, error) { return e.readLine(ctx, true) }

func (e *Env) readLine(ctx context.Context, isAddress bool) (string, error) {
	if e.Streams.Edits() {
		line, err := e.Streams.ReadLine(ctx, isAddress)
		return strings.TrimSpace(line), err
	}
	return term.Await(ctx, e.nextLine)
}

func (e *Env) nextLine() (string, error) {
	if e.lines == nil {
		e.lines = bufio.NewReader(io.LimitReader(e.Streams.In, 1<<20))
		if err := e.decodeLines(); err != nil {
			return "", err
		}
	}
	line, err := e.lines.ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil
	}
	return strings.TrimSpace(line), err
}

// decodeLines decodes stdin if it begins with a byte order mark, as a redirected file or a pipe of PowerShell does. It reads further
// than the first byte only if that one belongs to no text without a mark.
func (e *Env) decodeLines() error {
	first, _ := e.lines.Peek(1)
	if len(first) == 0 || first[0] != 0xef && first[0] != 0xfe && first[0] != 0xff {
		return nil
	}
	if mark, _ := e.lines.Peek(3); !textfile.IsMarked(mark) {
		return nil
	}
	raw, err := io.ReadAll(e.lines)
	if err != nil {
		return err
	}
	text, err := textfile.Decode(raw)
	e.lines = bufio.NewReader(bytes.NewReader(text))
	return err
}

// Ask prompts for a line that may be seen while it is typed. An empty answer at the end of stdin is no error.
func (e *Env) Ask(ctx context.Context, question string) (string, error) {
	defer e.Streams.Hold(false)()
	e.Printer.Warn("%s", question)
	answer, err := e.ReadLine(ctx)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return answer, nil
}

// ReadSecret prompts for a secret, which is not shown while it is typed, or reads a line of stdin where there is no terminal. hint
// is the hint of the error if neither works.
func (e *Env) ReadSecret(ctx context.Context, question, hint string) (text string, err error) {
	if err := e.needPipe(hint); err != nil {
		return "", err
	}
	switch {
	case e.MayPrompt():
		text, err = e.Streams.Secret(ctx, question)
	case e.Streams.InBackground():
		err = term.ErrNoPrompt
	default:
		text, err = e.ReadLine(ctx)
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fail.Usage(hint, "could not read the secret: %v", err)
	}
	return text, nil
}

// Confirm asks the user a yes-no question. It returns an error unless the answer is yes, or yes is already given by a flag. hint is
// the command that needs no question.
func (e *Env) Confirm(ctx context.Context, question string, yes bool, hint string) error {
	if yes {
		return nil
	}
	if !e.MayPrompt() {
		return fail.Usage(hint, "this needs a confirmation, and %s; nothing was sent", cmp.Or(e.unattended(), "there is no terminal to ask on"))
	}
	answer, err := e.Ask(ctx, question+" [y/N]")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if answer = strings.ToLower(answer); err == nil && (answer == "y" || answer == "yes") {
		return nil
	}
	return fail.Usage(hint, "not confirmed; nothing was sent")
}

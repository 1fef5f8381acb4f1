// Package cli is the root of the command tree, with its help, completion and reference. Each group of commands is a package below
// it.
package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/child"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/redact"
	"github.com/uselamina/lamina/internal/session"
	"github.com/uselamina/lamina/internal/term"
)

// System returns the environment of this process. Version, commit and date are those of a release build; empty in others.
func System(version, commit, date string) *cmdutil.Env {
	build := cmdutil.Build{Version: version, Commit: commit, Date: date}
	env := &cmdutil.Env{
		Streams: term.System(os.Getenv),
		Getenv:  os.Getenv,
		IsBlank: func(name string) bool {
			value, isSet := os.LookupEnv(name)
			return isSet && strings.TrimSpace(strings.ReplaceAll(value, "\ufeff", "")) == "" // some tools write a byte order mark
		},
		Now:    time.Now,
		Build:  build.Complete(),
		Folder: os.Getwd,
	}
	env.OpenBrowser = func(url string) error {
		return term.OpenBrowser(url, os.Getenv, env.Sessions.ChildEnviron())
	}
	return env
}

// Main runs the command that args name and returns the exit status. SIGINT, SIGTERM, SIGHUP and a failed
// write to stdout end its context.
func Main(ctx context.Context, env *cmdutil.Env, args []string) int {
	defer env.Streams.Restore()
	stdout := output.NewSink(env.Streams.Out)
	env.Streams.Out = stdout
	env.Args = slices.Clone(args)
	env.Sessions = newSessions(env)
	log.SetFlags(0)
	log.SetOutput(debugLog{env.Sessions})
	p := &program{env: env, stdout: stdout}
	p.root = p.newRoot(buildersFor(args))
	if status, found, err := p.runExtension(args); found {
		return cmp.Or(p.exit(err), status)
	}
	if len(args) > 0 && strings.HasPrefix(args[0], "__complete") {
		complete.Complete(p.root)
	}
	err := unknownWord(p.root, args)
	if err != nil { // what was meant may be another command
		p.root = p.newRoot(builders())
		err = unknownWord(p.root, args)
	}
	cmd, err := p.root, cmp.Or(err, fieldsAsQuery(args))
	if err == nil {
		p.root.SetArgs(args)
		cmd, err = p.root.ExecuteContextC(redact.NewContext(ctx, env.Sessions.Secrets))
	}
	var own *fail.Error
	if errors.As(err, &own) && own.Code.Exit == fail.ExitUsage {
		own.Hint = cmp.Or(own.Hint, cmd.CommandPath()+" --help")
		if line := argumentSlip(args); line != "" && strings.HasSuffix(own.Hint, " --help") {
			own.Hint = line
		}
	}
	env.Sessions.Close()
	if p.stop != nil {
		p.stop()
	}
	return p.exit(err)
}

// A debugLog is the output of the standard logger, which net/http writes to, for instance about a response that nothing asked for. What
// it says helps only to debug, and is no part of the output of a command.
type debugLog struct{ sessions *session.Manager }

// Write writes a message to the --debug log.
func (l debugLog) Write(message []byte) (int, error) {
	l.sessions.Debugf("%s", bytes.TrimSpace(message))
	return len(message), nil
}

// program is the command tree with its environment.
type program struct {
	env    *cmdutil.Env
	root   *cobra.Command
	stdout *output.Sink
	stop   func() // ends the handling of signals
}

// newSessions returns the manager of the sessions that commands use.
func newSessions(env *cmdutil.Env) *session.Manager {
	m := &session.Manager{
		Args: env.Args, Getenv: env.Getenv, IsBlank: env.IsBlank, Now: env.Now, Folder: env.Folder, UserAgent: env.UserAgent(),
		InCI: env.InCI, Say: env.Say, Note: env.Note,
	}
	m.Secrets = redact.New(m.KeyPrefixes)
	return m
}

// begin prepares a command: signals, global flags, the file of --env-file.
func (p *program) begin(cmd *cobra.Command) error {
	if cmd.HasParent() {
		p.stop = p.handleSignals(cmd)
	}
	p.env.IgnoreSettings = !cmd.HasParent()
	if err := p.env.Begin(cmd.Context()); err != nil {
		return err
	}
	if err := checkBlankFlags(cmd); err != nil {
		return err
	}
	if cmd.Annotations[cmdutil.Diagnoses] == "" {
		if err := p.env.CheckVariables(); err != nil {
			return err
		}
	}
	if p.env.Debugging() {
		p.env.Sessions.Debug = func(line string) { p.env.Printer.Verbatim("%s", line) }
	}
	return p.env.Sessions.ReadEnvFile(cmd.Context())
}

// checkBlankFlags returns an error for a flag with an empty value, as an empty variable of a script leaves it: the command would do
// something else than the flag says.
func checkBlankFlags(cmd *cobra.Command) error {
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && f.Value.Type() == "string" && strings.TrimSpace(f.Value.String()) == "" {
			err = fail.Usage("give it a value, or leave it out", "--%s is empty", f.Name)
		}
	})
	return err
}

// handleSignals gives a command a context that SIGINT, SIGTERM, SIGHUP and a failed write to stdout end. A second SIGINT or SIGTERM ends
// the process.
func (p *program) handleSignals(cmd *cobra.Command) (stop func()) {
	ctx, end := context.WithCancelCause(cmd.Context())
	p.stdout.OnFailure(end)
	hangup := make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signal.Notify(hangup, syscall.SIGHUP) // until the end: the kernel and the shell both send one when a terminal closes
	}
	go func() {
		select {
		case <-hangup:
			end(context.Canceled)
		case <-ctx.Done():
		}
	}()
	signalled, forget := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	cmd.SetContext(signalled)
	context.AfterFunc(signalled, forget)
	// With a handler, a write to a closed stdout is an error instead of the end of the process.
	closed := make(chan os.Signal, 1)
	signal.Notify(closed, syscall.SIGPIPE)
	return func() {
		forget()
		end(nil)
		signal.Stop(hangup)
		signal.Stop(closed)
	}
}

// exit prints an error and returns its exit status.
func (p *program) exit(err error) int {
	var unwritten *output.WriteError
	if errors.As(p.stdout.Err(), &unwritten) && !errors.Is(err, unwritten) {
		err = unwritten // what came later, such as the end of the context, is its effect
	}
	if err == nil || unwritten != nil && unwritten.IsClosed() {
		return fail.ExitOK
	}
	if ended := (*child.ExitError)(nil); errors.As(err, &ended) {
		return ended.Status // the command that failed has said why
	}
	f, streams := p.env.Sessions.Describe(err), p.env.Streams
	if streams.HungUp() {
		return 128 + int(syscall.SIGHUP) // no user reads a message at a prompt whose terminal was closed
	}
	if p.env.ErrorsAsJSON() {
		var text bytes.Buffer
		enc := json.NewEncoder(&text)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(f)
		_, _ = streams.Err.Write(output.EscapeControls(text.Bytes()))
		return f.Exit
	}
	printer, perr := output.New(streams, output.Options{Format: output.Text})
	if perr != nil {
		return f.Exit
	}
	s := printer.ErrStyles()
	printer.Warn("%s %s", s.Bad("error:"), f.Message)
	for _, d := range f.Details {
		printer.Warn("  %s", detailLine(d))
	}
	if f.RequestID != "" {
		printer.Warn("%s", s.Faint("request "+f.RequestID))
	}
	if f.Hint != "" {
		printer.Hint(f.Hint)
	}
	return f.Exit
}

// maxGot is how many columns of a refused value are shown: it may be a whole prompt.
const maxGot = 40

func detailLine(d api.Detail) string {
	line := d.Message
	if d.Field != "" {
		line = d.Field + ": " + line
	}
	limits := strings.Join(d.Allowed, ", ")
	if text := d.RangeText(); text != "" && limits == "" {
		limits = text
	}
	if got := output.Cut(d.GotText(), maxGot); got != "" {
		limits = strings.TrimPrefix(limits+"; got "+got, "; ")
	}
	if limits != "" {
		line += " (" + limits + ")"
	}
	return cmp.Or(term.Line(line), "no details")
}

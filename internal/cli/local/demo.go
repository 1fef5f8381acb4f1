package local

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/platform"
	"github.com/uselamina/lamina/internal/term"
)

// demoFolder is the folder of the pictures.
const demoFolder = "lamina-demo"

// A Runner runs the command that args name and returns the exit status.
type Runner = func(ctx context.Context, env *cmdutil.Env, args []string) int

type demoOptions struct {
	env  *cmdutil.Env
	run  Runner
	text string
}

// NewDemo returns the command demo, which runs other commands with run.
func NewDemo(env *cmdutil.Env, run Runner) *cobra.Command {
	opts := &demoOptions{env: env, run: run}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it all work: sign in, run an app, get a picture, on your machine",
		Long: "Start a local Lamina, sign in to it, run an app and save its picture in ./" + demoFolder + "/. Each command is shown\n" +
			"before it runs. The demo needs no account and no network, and leaves nothing but the picture.",
		Example: "lamina demo\nlamina demo --text \"Anything you like\"",
		Args:    cmdutil.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), opts) },
	}
	cmd.Flags().StringVar(&opts.text, "text", "Hello from Lamina", "write this `TEXT` on the poster")
	return cmd
}

// runDemo runs the commands of the demo with a temporary configuration and a temporary platform.
func runDemo(ctx context.Context, opts *demoOptions) error {
	env := opts.env
	home, err := os.MkdirTemp("", "lamina-demo-")
	if err != nil {
		return fmt.Errorf("could not create a folder for the demo: %w", err)
	}
	defer os.RemoveAll(home)
	env.Say("Starting a local Lamina for the demo.")
	approve := approver(ctx, env)
	server, err := startServer(ctx, "127.0.0.1:0", platform.Options{AutoApprove: approve != nil, WrapAPI: env.WrapAPI}, env.Streams.Err)
	if err != nil {
		return err
	}
	defer server.stop()
	env.Say("A local Lamina runs at %s during the demo; your configuration stays unchanged.", server.access.BaseURL)
	if approve != nil {
		env.Say("No browser can be opened here, so the demo approves its sign-in itself.")
	}
	picture := filepath.Join(demoFolder, "poster-"+env.Now().Format("150405")+".png")
	guest := guestEnv(env, home, server.access.BaseURL, approve)
	for _, args := range demoCommands(opts.text, picture) {
		env.Printer.Verbatim("\n%s", env.Styles().Command("$ "+fail.CommandLine(args...)))
		copied := *guest // each command sets its own flags, session and printer
		if status := opts.run(ctx, &copied, args); status != fail.ExitOK {
			return &fail.Error{Code: fail.DemoFailed, Message: fmt.Sprintf("the demo stopped: lamina %s ended with status %d", args[0], status)}
		}
	}
	return showPicture(env, picture)
}

// demoCommands returns the command lines of the demo.
func demoCommands(text, picture string) [][]string {
	return [][]string{
		{"login"},
		{"whoami"},
		{"apps", "list"},
		{"run", "poster", "--input", "text=" + text, "--wait", "--download", picture, "--force"},
		{"logout"},
	}
}

// showPicture prints where the picture is.
func showPicture(env *cmdutil.Env, picture string) error {
	info, err := os.Stat(picture)
	if err != nil || info.Size() == 0 {
		return &fail.Error{Code: fail.DemoFailed, Message: "the demo ended without a picture", Err: err}
	}
	path, err := filepath.Abs(picture)
	if err != nil {
		path = picture
	}
	return env.PrintWithOldFields(map[string]any{"picture": path, "bytes": info.Size()}, func(p *output.Page) {
		p.Line("\n%s %s", p.Good("Your picture:"), p.Bold(path))
		p.Line("\nTo use the real service:  %s", p.Command("lamina login"))
		p.Line("To use a local one:       %s", p.Command("lamina dev"))
	})
}

// approver returns a replacement for the user's browser that approves the sign-in; nil if the user has a browser.
func approver(ctx context.Context, env *cmdutil.Env) func(url string) error {
	if env.MayPrompt() && term.NoBrowser(env.Getenv) == "" {
		return nil
	}
	return func(url string) error {
		go func() { _ = visit(ctx, url) }() // an error shows in the login command: no sign-in arrives
		return nil
	}
}

// visit requests a page and follows its redirects, as a browser does.
func visit(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// guestEnv returns the environment of the demo's commands: that of the demo, with its own configuration folder and service, and
// without a project config. approve replaces the browser; nil keeps it.
func guestEnv(env *cmdutil.Env, home, baseURL string, approve func(url string) error) *cmdutil.Env {
	variables := map[string]string{
		"LAMINA_CONFIG_DIR": home, "LAMINA_BASE_URL": baseURL, "LAMINA_API_KEY": "", "LAMINA_PROFILE": "", "LAMINA_WORKSPACE": "",
		"LAMINA_OUTPUT": "text",
	}
	guest := &cmdutil.Env{Now: env.Now, Build: env.Build, OpenBrowser: env.OpenBrowser}
	if approve != nil {
		guest.OpenBrowser, guest.ApprovesItself = approve, true
		variables["BROWSER"], variables["CI"] = "lamina demo", ""
	}
	guest.Getenv = func(name string) string {
		if value, isSet := variables[name]; isSet {
			return value
		}
		return env.Getenv(name)
	}
	streams := *env.Streams
	if env.Printer.Machine() { // stdout is for the result of the demo
		streams.Out, streams.OutTTY = env.Streams.Err, env.Streams.ErrTTY
	}
	guest.Streams = &streams
	return guest
}

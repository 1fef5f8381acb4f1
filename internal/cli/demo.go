package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/platform"
	"github.com/uselamina/lamina/internal/term"
)

// demoFolder is where the demo leaves its picture.
const demoFolder = "lamina-demo"

func newDemoCmd(env *Env) *cobra.Command {
	var text string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it all work: sign in, run an app, get a picture, on your machine",
		Long: "Start a local Lamina, sign in to it, run an app and save its picture under ./" + demoFolder + "/, showing each command\n" +
			"before it runs. Nothing is kept but the picture; no account, and no network, is used.",
		Example: "lamina demo\nlamina demo --text \"Anything you like\"",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return demoRun(cmd.Context(), env, text) },
	}
	cmd.Flags().StringVar(&text, "text", "Hello from Lamina", "the `TEXT` on the poster")
	return cmd
}

// demoRun plays the tour in a home of its own.
func demoRun(ctx context.Context, env *Env, words string) error {
	home, err := os.MkdirTemp("", "lamina-demo-")
	if err != nil {
		return fmt.Errorf("could not make a home for the demo: %w", err)
	}
	defer os.RemoveAll(home)
	approver := env.demoApprover(ctx)
	local, err := startPlatform(ctx, "127.0.0.1:0", platform.Options{AutoApprove: approver != nil}, env.Streams.Err)
	if err != nil {
		return err
	}
	defer local.stop()
	guest := env.demoEnv(home, local.BaseURL, approver)
	picture := filepath.Join(demoFolder, "poster-"+env.Now().Format("150405")+".png")
	env.say("A local Lamina is at %s for as long as this takes; nothing of yours is touched.", local.BaseURL)
	if approver != nil {
		env.say("No browser can be opened here, so the demo approves its sign-in itself.")
	}
	steps := [][]string{
		{"login"},
		{"whoami"},
		{"apps", "list"},
		{"run", "poster", "--input", "text=" + words, "--wait", "--download", picture, "--force"},
		{"logout"},
	}
	for _, args := range steps {
		env.printer.Verbatim("\n%s", env.styles().Command("$ "+commandLine(args...)))
		if status := Main(ctx, guest(), args); status != exitOK {
			return &commandError{code: codeDemo, message: fmt.Sprintf("the demo stopped: lamina %s ended with status %d", args[0], status)}
		}
	}
	info, err := os.Stat(picture)
	if err != nil || info.Size() == 0 {
		return &commandError{code: codeDemo, message: "the demo ended without its picture", err: err}
	}
	absolute, err := filepath.Abs(picture)
	if err != nil {
		absolute = picture
	}
	return env.print(map[string]any{"picture": absolute, "bytes": info.Size()}, func(p *output.Page) {
		p.Line("\n%s %s", p.Good("Your picture:"), p.Bold(absolute))
		p.Line("\nNext, the same with the real service:  %s", p.Command("lamina login"))
		p.Line("or here, for as long as you like:      %s", p.Command("lamina dev"))
	})
}

// demoApprover returns the stand-in for a person at a browser, or nil if there is a real one.
func (e *Env) demoApprover(ctx context.Context) func(string) error {
	if e.mayPrompt() && term.NoBrowser(e.Getenv) == "" {
		return nil
	}
	return func(url string) error {
		go func() { _ = visit(ctx, url) }()
		return nil
	}
}

// visit opens a page as a browser would, following its redirects.
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

// demoEnv returns a maker of environments for the commands of the tour: this one, with a home and a service of its
// own, and text on stdout's place for people.
func (e *Env) demoEnv(home, baseURL string, approver func(string) error) func() *Env {
	own := map[string]string{
		"LAMINA_CONFIG_DIR": home, "LAMINA_BASE_URL": baseURL, "LAMINA_API_KEY": "", "LAMINA_PROFILE": "", "LAMINA_WORKSPACE": "", "LAMINA_OUTPUT": "text",
		"HTTP_PROXY": "", "http_proxy": "",
	}
	if approver != nil {
		own["BROWSER"] = "lamina demo"
		own["CI"] = ""
	}
	streams := *e.Streams
	streams.Out, streams.OutTTY = e.Streams.Err, e.Streams.ErrTTY // stdout is for the demo's own answer
	if !e.printer.Machine() {
		streams = *e.Streams
	}
	return func() *Env {
		guest := &Env{Streams: &streams, Now: e.Now, Build: e.Build, OpenBrowser: e.OpenBrowser}
		guest.Getenv = func(name string) string {
			if value, ok := own[name]; ok {
				return value
			}
			return e.Getenv(name)
		}
		if approver != nil {
			guest.OpenBrowser = approver
			guest.approver = true
		}
		return guest
	}
}

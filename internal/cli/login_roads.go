package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// pendingName is the file of a sign-in that waits for its second step.
const pendingName = "login-pending.json"

// deviceOrPaste uses a device code where the service has them.
func (s *signIn) deviceOrPaste(ctx context.Context) error {
	server, err := s.discover(ctx)
	if err != nil {
		return err
	}
	if server.DeviceEndpoint == "" {
		return s.browserRoad(ctx)
	}
	return s.deviceRoad(ctx)
}

// browserRoad is the authorization code grant with PKCE over a loopback redirect (RFC 8252), or a pasted answer.
func (s *signIn) browserRoad(ctx context.Context) error {
	env := s.env
	server, err := s.discover(ctx)
	if err != nil {
		return err
	}
	flow := &auth.Loopback{
		HTTP: s.http, Provider: s.provider, BaseURL: s.baseURL, Server: server, Client: s.client(server),
		ShowURL: s.showURL, Finish: s.finish, Now: env.Now, Logf: env.debugf,
	}
	if !s.noBrowser {
		flow.OpenBrowser = env.OpenBrowser
	}
	if s.mayPaste() {
		flow.Paste = env.readLine
		flow.ShowPasteError = env.showPasteError
	}
	_, err = flow.Run(ctx)
	return err
}

// showPasteError says why a pasted text was refused, before the user may paste again.
func (e *Env) showPasteError(err error) {
	message := err.Error()
	if secret := (*auth.PastedSecretError)(nil); errors.As(err, &secret) {
		message += ": to sign in with it, stop here (Ctrl-C) and run `lamina login --with-api-key`"
	}
	e.printer.Warn("%s %s", e.styles().Bad("error:"), message)
}

// mayPaste reports whether somebody is there to paste an answer.
func (s *signIn) mayPaste() bool { return s.env.mayPrompt() && !s.env.approver }

// showURL puts the address on the screen before anything waits.
func (s *signIn) showURL(address string) {
	env := s.env
	if s.noBrowser {
		env.printer.Verbatim("Open this address in a browser:\n\n  %s\n", term.Line(address))
	} else {
		env.printer.Verbatim("Opening your browser. If it does not open, use this address:\n\n  %s\n", term.Line(address))
	}
	if s.mayPaste() {
		env.say("Waiting for your approval. A browser on another machine ends on a page that does not load: paste its address here.")
	} else {
		env.say("Waiting for your approval.")
	}
}

// deviceRoad is the device authorization grant (RFC 8628).
func (s *signIn) deviceRoad(ctx context.Context) error {
	flow, login, err := s.startDevice(ctx)
	if err != nil {
		return err
	}
	env := s.env
	env.printer.Warn("Open %s on any device and enter the code\n\n  %s\n",
		env.styles().Command(login.VerificationURI), env.styles().Bold(login.UserCode))
	code, drawn := s.drawQR(login)
	switch {
	case drawn: // it all fits on a screen of 24 lines
		env.printer.Verbatim("or scan this, or open:\n  %s\n%s", term.Line(login.VerificationURIComplete), output.Styled(code))
	case login.VerificationURIComplete != "":
		env.say("or open, with the code in it:\n\n  %s\n", term.Line(login.VerificationURIComplete))
	}
	return s.finishDevice(ctx, flow, login)
}

// drawQR draws the address with the code in it, for the camera of a phone, where that can be drawn so that it is read.
func (s *signIn) drawQR(login auth.DeviceLogin) (code string, ok bool) {
	env := s.env
	readable := env.Streams.ErrTTY && env.Streams.ErrColor && !env.flags.quiet && env.Getenv("ACCESSIBLE") == ""
	if !readable || login.VerificationURIComplete == "" {
		return "", false
	}
	return term.QR(login.VerificationURIComplete, env.Streams.Width())
}

func (s *signIn) startDevice(ctx context.Context) (*auth.Device, auth.DeviceLogin, error) {
	server, err := s.discover(ctx)
	if err != nil {
		return nil, auth.DeviceLogin{}, err
	}
	flow := &auth.Device{
		HTTP: s.http, Provider: s.provider, BaseURL: s.baseURL, Server: server, Client: s.client(server), Now: s.env.Now, Logf: s.env.debugf,
	}
	login, err := flow.Start(ctx)
	return flow, login, err
}

// finishDevice waits for the approval, counting down.
func (s *signIn) finishDevice(ctx context.Context, flow *auth.Device, login auth.DeviceLogin) error {
	env := s.env
	progress := env.printer.Progress(env.Getenv("ACCESSIBLE") != "")
	defer progress.Stop()
	progress.Set("Waiting for your approval, until %s", login.ExpiresAt.Local().Format("15:04"))
	c, err := flow.Finish(ctx, login)
	if err != nil {
		return err
	}
	progress.Stop()
	_, err = s.finish(ctx, c)
	return err
}

// firstStep begins a sign-in that a later command finishes, for programs that cannot wait.
func (s *signIn) firstStep(ctx context.Context) error {
	env := s.env
	_, login, err := s.startDevice(ctx)
	if err != nil {
		return err
	}
	pending, err := login.Encode()
	if err != nil {
		return err
	}
	if err := env.store().WriteFile(ctx, pendingName, pending); err != nil {
		return err
	}
	next := []string{"lamina login --device --resume"}
	if s.profile != config.DefaultProfile {
		next = append(next, "--profile", s.profile)
	}
	if s.vault.Storage() != config.StorageFile {
		next = append(next, "--storage", string(s.vault.Storage()))
	}
	return env.print(struct {
		auth.DeviceLogin
		Next string `json:"next"`
	}{login, strings.Join(next, " ")}, func(*output.Page) {})
}

// resumeRoad finishes what firstStep began.
func (s *signIn) resumeRoad(ctx context.Context) error {
	env := s.env
	raw, err := env.store().ReadFile(pendingName)
	if err != nil {
		return &commandError{code: codeLogin, message: "no sign-in is waiting to be finished", hint: "lamina login --device --json", err: err}
	}
	login, err := auth.DecodeDeviceLogin(raw)
	if err != nil {
		return &commandError{code: codeLogin, message: "the sign-in that was begun cannot be read", hint: "lamina login --device --json", err: err}
	}
	s.baseURL = login.BaseURL
	flow := &auth.Device{HTTP: s.http, Provider: s.provider, BaseURL: login.BaseURL, Server: login.Server, Client: login.Client, Now: env.Now, Logf: env.debugf}
	err = s.finishDevice(ctx, flow, login)
	var expired *auth.ExpiredError
	var denied *auth.DeniedError
	if err == nil || errors.As(err, &expired) || errors.As(err, &denied) {
		_ = env.store().RemoveFile(pendingName)
	}
	return err
}

// apiKeyRoad saves an API key, once the service has accepted it.
func (s *signIn) apiKeyRoad(ctx context.Context) error {
	key, err := s.readKey(ctx)
	if err != nil {
		return err
	}
	_, err = s.finish(ctx, config.Credential{Kind: config.APIKey, Token: key, BaseURL: s.baseURL, SavedAt: s.env.Now()})
	return err
}

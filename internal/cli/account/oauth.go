package account

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// useDeviceOrPaste uses a device code where the authorization server has them, else the browser of another machine.
func (s *signIn) useDeviceOrPaste(ctx context.Context) error {
	server, err := s.discover(ctx)
	if err != nil {
		return err
	}
	if server.DeviceEndpoint == "" {
		return s.useBrowser(ctx)
	}
	return s.useDevice(ctx)
}

// useBrowser uses the authorization code grant with PKCE over a loopback redirect (RFC 8252), or a pasted response.
func (s *signIn) useBrowser(ctx context.Context) error {
	env := s.env
	server, err := s.discover(ctx)
	if err != nil {
		return err
	}
	if server.AuthorizationEndpoint == "" && !s.isMethodTyped {
		env.Say("%s signs in only with a device code.", s.provider.Title)
		return s.useDevice(ctx)
	}
	client, err := s.client(server)
	if err != nil {
		return err
	}
	flow := &auth.Loopback{
		HTTP: s.http, Provider: s.provider, BaseURL: s.baseURL, Server: server, Client: client, RegistrationToken: s.registrationToken,
		ShowURL: s.showURL, ShowConsent: s.showConsent, Warn: s.warn, Finish: s.finish, Now: env.Now, Logf: env.Sessions.Debugf,
	}
	if !s.noBrowser {
		flow.OpenBrowser = s.openBrowser
	}
	if s.mayPaste() {
		defer env.Streams.Hold(true)()
		flow.Paste = env.ReadPaste
		flow.ShowPasteError = s.showPasteError
	}
	_, err = flow.Run(ctx)
	return err
}

// openBrowser opens the address, and prints it again if the browser fails.
func (s *signIn) openBrowser(address string) error {
	err := s.env.OpenBrowser(address)
	if err != nil {
		s.env.Printer.Warn("%s the browser could not be opened: %v. Open this address yourself:", s.env.Styles().Busy("note:"), err)
		s.env.Printer.Verbatim("\n  %s\n", address)
	}
	return err
}

// showPasteError prints why a pasted text was refused. The user may paste again.
func (s *signIn) showPasteError(err error) {
	env, f := s.env, s.env.Sessions.Describe(err)
	env.Printer.Warn("%s %s", env.Styles().Bad("error:"), f.Message)
	if f.Hint != "" {
		env.Printer.Hint(f.Hint)
	}
}

// warn prints a note that is shown with --quiet, too.
func (s *signIn) warn(message string) {
	s.env.Printer.Warn("%s %s", s.env.Styles().Busy("note:"), message)
}

// mayPaste reports whether the user can paste a response; in the background, as soon as the command is in the foreground.
func (s *signIn) mayPaste() bool { return s.env.HasUser() && !s.env.ApprovesItself }

// showURL prints the address before anything waits.
func (s *signIn) showURL(address string) {
	env := s.env
	if s.noBrowser {
		env.Printer.Verbatim("Open this address in a browser:\n\n  %s\n", address)
	} else {
		env.Printer.Verbatim("Opening your browser. If it does not open, use this address:\n\n  %s\n", address)
	}
	if s.mayPaste() && !env.Streams.InBackground() {
		env.Say("Waiting for your approval. A browser on another machine ends on a page that does not load: paste its address here.")
	} else {
		env.Say("Waiting for your approval.")
	}
}

// showConsent prints why the user must approve a second time. The browser that waits on this machine is redirected.
func (s *signIn) showConsent(address string) {
	s.env.Say("%s issued no refresh token. Some servers need an explicit consent for one: approve once more in the browser.", s.provider.Title)
	s.env.Printer.Verbatim("If the browser does not show another page, use this address:\n\n  %s\n", address)
}

// useDevice uses the device authorization grant (RFC 8628).
func (s *signIn) useDevice(ctx context.Context) error {
	flow, login, err := s.startDevice(ctx)
	if err != nil {
		return err
	}
	env := s.env
	env.Printer.Warn("Open %s on any device and enter the code\n\n  %s\n",
		env.Styles().Command(login.VerificationURI), env.Styles().Bold(login.UserCode))
	s.copyCode(login.UserCode)
	code, isDrawn := s.drawQR(login)
	switch {
	case isDrawn: // everything fits on a screen of 24 lines
		env.Printer.Verbatim("or scan this, or open:\n  %s\n%s", login.VerificationURIComplete, output.Styled(code))
	case login.VerificationURIComplete != "":
		env.Say("or open this address, which contains the code:\n\n  %s\n", login.VerificationURIComplete)
	}
	return s.finishDevice(ctx, flow, login)
}

// userCode is what may be copied as the code of a device. A server could send anything else, such as a command line, which the user
// then pastes into a shell.
var userCode = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{1,31}$`) })

// copyCode copies the code of a device to the clipboard, with --copy.
func (s *signIn) copyCode(code string) {
	if !s.copies {
		return
	}
	switch {
	case !userCode().MatchString(code):
		s.env.Note("the code was not copied: it does not look like one")
	case !s.env.Streams.Copy(code):
		s.env.Note("the code was not copied: stderr is no terminal that has a clipboard")
	default:
		s.env.Say("The code was sent to the clipboard of the terminal.")
	}
}

// drawQR draws the address that contains the code, if the terminal can show it so that a camera reads it, and if another device can
// open it.
func (s *signIn) drawQR(login auth.DeviceLogin) (code string, ok bool) {
	env := s.env
	isReadable := env.Streams.ErrTTY && env.Streams.ErrColor && !env.Flags.Quiet && !env.IsAccessible()
	if !isReadable || login.VerificationURIComplete == "" || isLoopback(login.VerificationURIComplete) {
		return "", false
	}
	return term.QR(login.VerificationURIComplete, env.Streams.Width())
}

// isLoopback reports whether only this machine can open an address.
func isLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	host := strings.ToLower(u.Hostname())
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && (ip.Unmap().IsLoopback() || ip.IsUnspecified())
}

func (s *signIn) startDevice(ctx context.Context) (*auth.Device, auth.DeviceLogin, error) {
	server, err := s.discover(ctx)
	if err != nil {
		return nil, auth.DeviceLogin{}, err
	}
	client, err := s.client(server)
	if err != nil {
		return nil, auth.DeviceLogin{}, err
	}
	flow := s.deviceFlow(server, client)
	login, err := flow.Start(ctx)
	return flow, login, err
}

func (s *signIn) deviceFlow(server auth.Server, client auth.Client) *auth.Device {
	return &auth.Device{
		HTTP: s.http, Provider: s.provider, BaseURL: s.baseURL, Server: server, Client: client, RegistrationToken: s.registrationToken,
		Now: s.env.Now, Logf: s.env.Sessions.Debugf,
	}
}

// finishDevice waits for the approval.
func (s *signIn) finishDevice(ctx context.Context, flow *auth.Device, login auth.DeviceLogin) error {
	progress := s.env.Progress()
	defer progress.Stop()
	progress.Set("Waiting for your approval, until %s", output.Clock(login.ExpiresAt))
	c, err := flow.Finish(ctx, login)
	if err != nil {
		return err
	}
	progress.Stop()
	_, err = s.finish(ctx, c)
	return err
}

// beginDevice begins a sign-in that a later command finishes, for programs that cannot wait.
func (s *signIn) beginDevice(ctx context.Context) error {
	env := s.env
	_, login, err := s.startDevice(ctx)
	if err != nil {
		return err
	}
	if err := env.Sessions.SavePendingLogin(ctx, s.profile, login); err != nil {
		return err
	}
	flags := []string{"--device", "--resume"}
	if s.secret != "" { // it is stored only with the credential
		flags = append(flags, "--with-client-secret")
	}
	if s.encryption.Storage() != config.StorageFile {
		flags = append(flags, "--storage", string(s.encryption.Storage()))
	}
	return env.PrintWithOldFields(struct {
		auth.DeviceLogin
		Next string `json:"next"`
	}{login, s.again(flags...)}, func(*output.Page) {})
}

// resumeDevice finishes what beginDevice began.
func (s *signIn) resumeDevice(ctx context.Context) error {
	sessions := s.env.Sessions
	_ = sessions.RemovePendingLogin("") // of an earlier version
	login, err := sessions.PendingLogin(s.profile)
	if err != nil {
		var file *config.FileError
		if errors.As(err, &file) {
			return err
		}
		message := "the pending sign-in is damaged"
		if errors.Is(err, fs.ErrNotExist) {
			message = "there is no pending sign-in to profile " + s.profile
		}
		return &fail.Error{Code: fail.LoginFailed, Message: message, Hint: s.again("--device", "--json"), Err: err}
	}
	if login.Client, err = s.resumedClient(login.Client); err != nil {
		return err
	}
	s.baseURL = login.BaseURL
	err = s.finishDevice(ctx, s.deviceFlow(login.Server, login.Client), login)
	if err == nil || auth.IsRefusal(err) {
		_ = sessions.RemovePendingLogin(s.profile)
	}
	return err
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

// pendingName is the file of a sign-in that waits for its second step.
const pendingName = "login-pending.json"

type loginOptions struct {
	env        *Env
	noBrowser  bool
	device     bool
	resume     bool
	withAPIKey bool
	apiKey     string
	keyGiven   bool
	storage    string
}

func newLoginCmd(env *Env) *cobra.Command {
	opts := &loginOptions{env: env}
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Sign in to Lamina",
		Long: "Sign in with the browser. From then on every command just works: the session refreshes by itself, and ends\n" +
			"after 30 days without use.\n\n" +
			"Where there is no browser, a code is shown that can be approved on any device. For scripts, --device --json\n" +
			"prints the code and exits, and --device --resume finishes; or use an API key.",
		Example: "lamina login\n" +
			"lamina login --device\n" +
			"lamina login --no-browser\n" +
			"lamina login --with-api-key < key.txt\n" +
			"lamina login --profile work --storage keyring",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := atMostOne(cmd, "no-browser", "device", "with-api-key", "api-key"); err != nil {
				return err
			}
			opts.keyGiven = cmd.Flags().Changed("api-key")
			if opts.resume && !opts.device {
				return usage("lamina login --device --resume", "--resume needs --device")
			}
			return loginRun(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&opts.noBrowser, "no-browser", false, "open no browser here; the address is shown, and an answer can be pasted")
	f.BoolVar(&opts.device, "device", false, "show a code that can be approved on any device")
	f.BoolVar(&opts.resume, "resume", false, "finish the sign-in that --device --json began")
	f.BoolVar(&opts.withAPIKey, "with-api-key", false, "read an API key from stdin")
	f.StringVar(&opts.storage, "storage", "", "keep the secrets in the file or, sealed, with the OS keyring: `file|keyring`; remembered")
	f.StringVar(&opts.apiKey, "api-key", "", "save this API `KEY`; other programs can see it, so --with-api-key is better")
	return cmd
}

// A signIn is a login under way: to which service, and into which profile.
type signIn struct {
	*loginOptions
	provider provider.Provider
	baseURL  string
	profile  string
	pin      *config.Pin       // of the folder, nil if there is none
	before   config.Credential // what the profile held, zero if nothing
	vault    config.Vault      // where the secrets will sit
	old      config.Vault      // where those of the login before sat
	http     *http.Client
	account  api.Account
	saved    config.Credential
}

// loginRun signs in. What could stop the result from being saved is found out before a person's time is spent.
func loginRun(ctx context.Context, opts *loginOptions) error {
	s, err := opts.prepare()
	if err != nil {
		return err
	}
	road, err := s.road()
	if err != nil {
		return err
	}
	if err := opts.env.store().CheckWritable(); err != nil {
		return err
	}
	if err := s.openVault(); err != nil {
		return err
	}
	err = road(ctx)
	if s.saved.Kind == "" {
		opts.env.dropVault(s.vault) // nothing is sealed with it
		return err
	}
	if err != nil {
		return err
	}
	opts.env.dropVault(s.old)
	s.retire(ctx)
	return s.report()
}

// dropVault removes a key that seals nothing any more. One that stays is no danger.
func (e *Env) dropVault(v config.Vault) {
	if err := e.store().DropVault(v); err != nil {
		e.say("%s a key that opens nothing any more stays in the keyring, as %s: %v", e.styles().Busy("note:"), v.Entry(), err)
	}
}

// prepare decides on profile and service.
func (o *loginOptions) prepare() (*signIn, error) {
	env := o.env
	s := &signIn{loginOptions: o, provider: provider.Lamina()}
	doc, err := env.load()
	var damaged *config.FileError
	if errors.As(err, &damaged) && damaged.Problem == config.Damaged {
		doc, err = &config.Document{}, nil // it is moved aside when the login is saved
	}
	if err != nil {
		return nil, err
	}
	chosen, err := env.choose(doc)
	if err != nil {
		return nil, err
	}
	s.profile, s.pin = chosen.profile, chosen.pin
	if s.storage == "" {
		s.storage = string(doc.Storage(s.profile))
	}
	if p, ok := doc.Profile(s.profile); ok {
		if p, err = env.store().Unseal(p); err != nil {
			env.debugf("the login before cannot be read: %v", err)
		}
		s.before = p.Credential
	}
	s.baseURL, err = auth.NormalizeBase(firstOf(env.Getenv("LAMINA_BASE_URL"), s.before.BaseURL, s.provider.BaseURL))
	if err != nil {
		return nil, baseURLError(err)
	}
	if err := chosen.checkBase("this sign-in", s.baseURL, "set LAMINA_BASE_URL to the service, if you trust this file"); err != nil {
		return nil, err
	}
	transport, err := env.transport()
	if err != nil {
		return nil, err
	}
	s.http = &http.Client{Transport: transport, Timeout: env.requestTimeout()}
	return s, nil
}

// openVault makes the place for the secrets.
func (s *signIn) openVault() error {
	storage, err := config.ParseStorage(s.storage)
	if err != nil {
		return usage("lamina login --storage file", "--storage: %v", err)
	}
	if storage == config.StorageKeyring {
		s.vault, err = s.env.store().NewVault(s.profile)
	}
	return err
}

// road chooses the way to sign in.
func (s *signIn) road() (func(context.Context) error, error) {
	env := s.env
	person := env.mayPrompt() || env.approver
	switch {
	case s.withAPIKey, s.keyGiven:
		return s.apiKeyRoad, nil
	case s.resume:
		return s.resumeRoad, nil
	case s.device && env.flags.machine():
		return s.firstStep, nil
	case s.device:
		return s.deviceRoad, nil
	case s.noBrowser:
		return s.browserRoad, nil
	case !person:
		return nil, &commandError{
			code: codeNoPerson, hint: "lamina login --device",
			message: "nobody is here to sign in: there is no terminal, or this is CI. Set LAMINA_API_KEY, or name a way: " +
				"--device (approve on another device; with --json in two steps), --no-browser or --with-api-key",
		}
	}
	if reason := term.NoBrowser(env.Getenv); reason != "" && !env.approver {
		env.say("No browser can be opened here: %s.", reason)
		s.noBrowser = true
		return s.deviceOrPaste, nil
	}
	return s.browserRoad, nil
}

// discover asks what the service offers.
func (s *signIn) discover(ctx context.Context) (auth.Server, error) {
	server, err := auth.Discover(ctx, s.http, s.baseURL, s.provider)
	if err == nil && server.Problem != nil {
		s.env.debugf("%v", server.Problem)
	}
	return server, err
}

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
		HTTP: s.http, Provider: s.provider, BaseURL: s.baseURL, Server: server, Client: auth.ClientOf(s.before),
		ShowURL: s.showURL, Finish: s.finish, Now: env.Now, Logf: env.debugf,
	}
	if !s.noBrowser {
		flow.OpenBrowser = env.OpenBrowser
	}
	if s.mayPaste() {
		flow.Paste = env.readLine
		flow.PasteError = func(err error) { env.printer.Warn("%s %v", env.styles().Bad("error:"), err) }
	}
	_, err = flow.Run(ctx)
	return err
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
	if login.VerificationURIComplete != "" {
		env.say("or open, with the code in it:\n\n  %s\n", term.Line(login.VerificationURIComplete))
	}
	return s.finishDevice(ctx, flow, login)
}

func (s *signIn) startDevice(ctx context.Context) (*auth.Device, auth.DeviceLogin, error) {
	server, err := s.discover(ctx)
	if err != nil {
		return nil, auth.DeviceLogin{}, err
	}
	flow := &auth.Device{
		HTTP: s.http, Provider: s.provider, BaseURL: s.baseURL, Server: server, Client: auth.ClientOf(s.before), Now: s.env.Now, Logf: s.env.debugf,
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
	if err == nil || errors.As(err, &expired) {
		_ = env.store().RemoveFile(pendingName)
	}
	return err
}

// apiKeyRoad saves an API key, once the service has accepted it.
func (s *signIn) apiKeyRoad(ctx context.Context) error {
	env := s.env
	text := s.apiKey
	if s.withAPIKey {
		var err error
		if env.mayPrompt() {
			text, err = env.Streams.Secret(ctx, "API key ("+s.provider.KeysURL+"):")
		} else {
			text, err = env.readLine(ctx)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return usage("lamina login --with-api-key < key.txt", "could not read the API key: %v", err)
		}
	} else {
		env.say("%s an argument can be seen by other programs on this machine: better use --with-api-key", env.styles().Busy("note:"))
	}
	key, warning, err := auth.CheckAPIKey(s.provider, text)
	if err != nil {
		return usage("lamina login --with-api-key < key.txt", "%v", err)
	}
	if warning != "" {
		env.say("%s %s", env.styles().Busy("note:"), warning)
	}
	_, err = s.finish(ctx, config.Credential{Kind: config.APIKey, APIKey: key, BaseURL: s.baseURL, SavedAt: env.Now()})
	return err
}

// finish learns who signed in, and saves the credential together with that, in one write.
func (s *signIn) finish(ctx context.Context, c config.Credential) (string, error) {
	env := s.env
	transport := &auth.Transport{Base: s.http.Transport, Header: s.provider.KeyHeader, Key: c.APIKey, BaseURL: c.BaseURL}
	workspace := firstOf(env.flags.workspace, env.Getenv("LAMINA_WORKSPACE"))
	reply, err := env.clientFor(c.BaseURL, transport, workspace).Account(ctx)
	if err != nil {
		return "", err
	}
	s.account = reply.Data
	c.Account = accountOf(reply.Data)
	p := config.Profile{Name: s.profile, Credential: c, Vault: s.vault}
	if s.old, err = env.store().Replace(ctx, config.UpdateOptions{ReplaceDamaged: true}, p); err != nil {
		return "", err
	}
	s.saved = c
	return firstOf(c.Account.Email, c.Account.UserID), nil
}

func accountOf(a api.Account) config.Account {
	account := config.Account{UserID: a.User.ID, Email: a.User.Email}
	if a.Workspace != nil {
		account.WorkspaceID, account.WorkspaceName, account.Role = a.Workspace.ID, a.Workspace.Name, a.Workspace.Role
	}
	return account
}

// retire ends the session that this one replaces, so that it does not live on unseen. Its failure is no matter.
func (s *signIn) retire(ctx context.Context) {
	if s.before.Kind != config.OAuth || s.before.RefreshToken == "" || !s.before.EndedAt.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := auth.Revoke(ctx, s.http, s.provider, s.before); err != nil {
		s.env.debugf("the session before could not be ended: %v", err)
	}
}

// report shows who signed in, where that was saved, and until when it lives.
func (s *signIn) report() error {
	env, c := s.env, s.saved
	if env.Getenv(s.provider.EnvKey) != "" {
		env.say("%s %s is set and wins over this login as long as it is", env.styles().Busy("note:"), s.provider.EnvKey)
	}
	if a := c.Account; s.pin != nil && s.pin.Workspace != "" && a.WorkspaceID != s.pin.Workspace {
		env.say("%s this login is of workspace %s, and is refused in this folder: %s pins it to %s",
			env.styles().Busy("note:"), term.Line(describeWorkspace(a)), term.Line(s.pin.Path), s.pin.Workspace)
	}
	st := newStatus(config.Profile{Name: s.profile, Credential: c, Vault: s.vault}, env.store().Path())
	return env.print(st, func(p *output.Page) {
		p.Line("%s %s", p.Good("Signed in as"), p.Bold(firstOf(c.Account.Email, c.Account.UserID)))
		p.Fields(
			"workspace", describeWorkspace(c.Account), "service", c.BaseURL, "profile", nonDefault(s.profile),
			"saved in", describeStorage(st), "lives", describeLife(c),
		)
	})
}

// describeLife says how long a credential will do.
func describeLife(c config.Credential) string {
	if c.Kind == config.APIKey {
		return "until the key is revoked"
	}
	if c.RefreshExpiresAt.IsZero() {
		return "as long as the service renews it"
	}
	return fmt.Sprintf("until %s, and 30 days from each use", c.RefreshExpiresAt.Local().Format("2 January 2006"))
}

func describeWorkspace(a config.Account) string {
	if a.WorkspaceID == "" {
		return ""
	}
	return fmt.Sprintf("%s (%s, %s)", a.WorkspaceName, a.Role, a.WorkspaceID)
}

func nonDefault(profile string) string {
	if profile == config.DefaultProfile {
		return ""
	}
	return profile
}

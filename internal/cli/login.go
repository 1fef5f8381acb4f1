package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

type loginOptions struct {
	env        *Env
	noBrowser  bool
	device     bool
	resume     bool
	withAPIKey bool
	apiKey     string
	keyGiven   bool
	storage    string
	issuer     string
	clientID   string
	scope      string
	port       uint16
	browser    bool
	remember   bool
	set        []string
}

func newLoginCmd(env *Env) *cobra.Command {
	opts := &loginOptions{env: env}
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Sign in to Lamina, or keep the key of another service",
		Long: "Sign in with the browser. From then on every command just works: the session refreshes by itself, and ends\n" +
			"after 30 days without use.\n\n" +
			"Where there is no browser, a code is shown that can be approved on any device. For scripts, --device --json\n" +
			"prints the code and exits, and --device --resume finishes; or use an API key.\n\n" +
			"With --provider, the key of another service is asked for, checked and kept in a profile: laminr, lamatic,\n" +
			"lightfast, laghav, or one that you describe in a file.",
		Example: "lamina login\n" +
			"lamina login --device\n" +
			"lamina login --no-browser\n" +
			"lamina login --device --remember\n" +
			"lamina login --issuer https://id.example.com\n" +
			"lamina login --with-api-key < key.txt\n" +
			"lamina login --profile work --storage keyring\n" +
			"lamina login --provider laghav\n" +
			"lamina login --provider lamatic --set project-id=ID --set url=https://HOST/api/graphql --with-api-key < key.txt",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := atMostOne(cmd, "browser", "no-browser", "device", "with-api-key", "api-key"); err != nil {
				return err
			}
			if err := atMostOne(cmd, "issuer", "with-api-key", "api-key"); err != nil {
				return err
			}
			if opts.remember && opts.chosenRoad() == "" {
				return usage("lamina login --device --remember", "--remember needs --device, --no-browser or --browser")
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
	f.BoolVar(&opts.browser, "browser", false, "open the browser here, whatever was remembered or seems to be missing")
	f.BoolVar(&opts.remember, "remember", false, "sign in this way from now on (with --device, --no-browser or --browser)")
	f.StringVar(&opts.issuer, "issuer", "", "sign in to the OAuth 2.0 or OpenID server with this `URL`")
	f.StringVar(&opts.clientID, "client-id", "", "use this client `ID` at the issuer, instead of registering")
	f.Uint16Var(&opts.port, "callback-port", 0, "wait for the browser on this `PORT`, where the client is bound to it")
	f.StringVar(&opts.scope, "scope", "", "ask the issuer for these `SCOPES`, separated by spaces")
	f.StringArrayVar(&opts.set, "set", nil, "give a setting of the service as `NAME=VALUE`, such as url=… or project-id=… (with --provider)")
	env.addProviderFlag(cmd)
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
	pin      *config.Project   // of the folder, nil if there is none
	before   config.Credential // what the profile held, zero if nothing
	vault    config.Encryption // where the secrets will sit
	old      config.Encryption // where those of the login before sat
	http     *http.Client
	account  api.Account
	saved    config.Credential

	settings     map[string]string // of a service that is not Lamina
	learned      keyVerdict        // what that said of the key
	remembered   string            // the road that the person chose for this machine, if any
	unidentified error             // why nobody knows who signed in
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
	if err = road(ctx); err == nil {
		err = s.rememberRoad(ctx)
	}
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
func (e *Env) dropVault(v config.Encryption) {
	if err := e.store().DropKey(v); err != nil {
		e.say("%s a key that opens nothing any more stays in the keyring, as %s: %v", e.styles().Busy("note:"), v.Entry(), err)
	}
}

// prepare decides on profile and service.
func (o *loginOptions) prepare() (*signIn, error) {
	env := o.env
	s := &signIn{loginOptions: o}
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
	s.provider, s.profile, s.pin = chosen.provider, chosen.profile, chosen.pin
	if err := s.checkServiceLogin(); err != nil {
		return nil, err
	}
	if s.storage == "" {
		s.storage = string(doc.Storage(s.profile))
	}
	if _, err := config.ParseStorage(s.storage); err != nil {
		return nil, usage("lamina login --storage file", "--storage: %v", err)
	}
	if p, ok := doc.Profile(s.profile); ok {
		if p, err = env.store().Decrypt(p); err != nil {
			env.debugf("the login before cannot be read: %v", err)
		}
		s.before = p.Credential
	}
	s.remembered = doc.LoginMethod()
	if err := s.chooseService(chosen); err != nil {
		return nil, err
	}
	transport, err := env.transport()
	if err != nil {
		return nil, err
	}
	s.http = &http.Client{Transport: transport, Timeout: env.requestTimeout()}
	return s, nil
}

// chooseService decides where the service is.
func (s *signIn) chooseService(chosen choice) (err error) {
	if !s.provider.IsLamina() {
		return s.gatherSettings()
	}
	s.baseURL, err = auth.NormalizeBase(firstOf(s.env.Getenv("LAMINA_BASE_URL"), s.before.BaseURL, s.provider.BaseURL))
	if err != nil {
		return baseURLError("LAMINA_BASE_URL", err)
	}
	if err := s.chooseIssuer(); err != nil {
		return err
	}
	return chosen.checkBase("this sign-in", s.baseURL, "set LAMINA_BASE_URL to the service, if you trust this file")
}

// openVault makes the place for the secrets.
func (s *signIn) openVault() error {
	var err error
	s.vault, err = s.env.newVault(s.profile, config.Storage(s.storage))
	return err
}

// newVault makes the place for the secrets of a profile.
func (e *Env) newVault(profile string, storage config.Storage) (config.Encryption, error) {
	if storage != config.StorageKeyring {
		return config.Encryption{}, nil
	}
	return e.store().NewKey(profile)
}

// road chooses the way to sign in.
func (s *signIn) road() (func(context.Context) error, error) {
	env := s.env
	person := env.mayPrompt() || env.approver
	switch {
	case !s.provider.IsLamina() && !s.withAPIKey && !s.keyGiven && !env.mayPrompt():
		return nil, &commandError{
			code: codeNoPerson, hint: loginCommand(s.provider) + " --with-api-key < key.txt",
			message: fmt.Sprintf("nobody is here to type the key: set %s, or pipe the key to --with-api-key", s.provider.EnvKey),
		}
	case !s.provider.IsLamina():
		return s.serviceRoad, nil
	case s.withAPIKey, s.keyGiven:
		return s.apiKeyRoad, nil
	case s.resume:
		return s.resumeRoad, nil
	case s.device && env.flags.machine():
		return s.firstStep, nil
	case s.device:
		return s.deviceRoad, nil
	case s.noBrowser, s.browser:
		return s.browserRoad, nil
	case !person:
		return nil, &commandError{
			code: codeNoPerson, hint: "lamina login --device",
			message: "nobody is here to sign in: there is no terminal, or this is CI. Set LAMINA_API_KEY, or name a way: " +
				"--device (approve on another device; with --json in two steps), --no-browser or --with-api-key",
		}
	}
	switch s.remembered {
	case roadDevice:
		s.noBrowser = true
		return s.deviceOrPaste, nil
	case roadPaste:
		s.noBrowser = true
		return s.browserRoad, nil
	case roadBrowser:
		return s.browserRoad, nil
	}
	if reason := term.NoBrowser(env.Getenv); reason != "" && !env.approver {
		env.say("No browser can be opened here: %s.", reason)
		s.noBrowser = true
		return s.deviceOrPaste, nil
	}
	return s.browserRoad, nil
}

// The roads that can be remembered, as they are stored.
const (
	roadBrowser = "browser"
	roadDevice  = "device"
	roadPaste   = "paste"
)

// chosenRoad is the road that the flags name, "" if they name none that can be remembered.
func (o *loginOptions) chosenRoad() string {
	switch {
	case o.browser:
		return roadBrowser
	case o.device:
		return roadDevice
	case o.noBrowser:
		return roadPaste
	}
	return ""
}

// rememberRoad makes the road that was taken the one that plain `lamina login` takes.
func (s *signIn) rememberRoad(ctx context.Context) error {
	if !s.remember {
		return nil
	}
	return s.env.store().Update(ctx, func(doc *config.Document) error {
		doc.SetLoginMethod(s.chosenRoad())
		return nil
	})
}

// finish learns who signed in, and saves the credential together with that, in one write.
func (s *signIn) finish(ctx context.Context, c config.Credential) (string, error) {
	var err error
	if c.Account, err = s.identify(ctx, c); err != nil {
		return "", err
	}
	return firstOf(c.Account.Email, c.Account.UserID), s.save(ctx, c)
}

// save stores the credential in place of the one before.
func (s *signIn) save(ctx context.Context, c config.Credential) (err error) {
	p := config.Profile{Name: s.profile, Credential: c, Encryption: s.vault}
	if s.old, err = s.env.store().Replace(ctx, config.UpdateOptions{ReplaceDamaged: true}, p); err != nil {
		return err
	}
	s.saved = c
	return nil
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
	if err := auth.Revoke(ctx, s.http, provider.Lamina(), s.before); err != nil {
		s.env.debugf("the session before could not be ended: %v", err)
	}
}

// report shows who signed in, where that was saved, and until when it lives.
func (s *signIn) report() error {
	if !s.provider.IsLamina() {
		return s.reportService()
	}
	env, c := s.env, s.saved
	if env.Getenv(s.provider.EnvKey) != "" {
		env.say("%s %s is set and wins over this login as long as it is", env.styles().Busy("note:"), s.provider.EnvKey)
	}
	if s.unidentified != nil {
		env.sayUnidentified(c.BaseURL, s.unidentified)
	}
	if a := c.Account; s.pin != nil && s.pin.Workspace != "" && a.WorkspaceID != s.pin.Workspace {
		env.say("%s this login is of workspace %s, and is refused in this folder: %s pins it to %s",
			env.styles().Busy("note:"), term.Line(describeWorkspace(a)), term.Line(s.pin.Path), s.pin.Workspace)
	}
	st := newStatus(config.Profile{Name: s.profile, Credential: c, Encryption: s.vault}, env.store().Path())
	return env.print(st, func(p *output.Page) {
		writeWho(p, c.Account, c.BaseURL)
		p.Fields(
			"workspace", describeWorkspace(c.Account), "service", c.BaseURL, "issuer", issuerOf(c), "profile", nonDefault(s.profile),
			"saved in", describeStorage(st), "lives", describeLife(c),
		)
	})
}

// describeLife says how long a credential will do.
func describeLife(c config.Credential) string {
	if c.Kind == config.APIKey {
		return "until the key is revoked"
	}
	if c.RefreshExpiresAt.IsZero() && c.RefreshToken == "" && c.Token != "" { // and not merely sealed
		return fmt.Sprintf("until %s: the service renews it no further", c.ExpiresAt.Local().Format("2 January 2006 15:04"))
	}
	if c.RefreshExpiresAt.IsZero() {
		return "as long as the service renews it"
	}
	return fmt.Sprintf("until %s, and 30 days from each use", c.RefreshExpiresAt.Local().Format("2 January 2006"))
}

// writeWho begins what is told of a session.
func writeWho(p *output.Page, a config.Account, baseURL string) {
	if who := firstOf(a.Email, a.UserID); who != "" {
		p.Line("%s %s", p.Good("Signed in as"), p.Bold(who))
		return
	}
	p.Line("%s %s", p.Good("Signed in to"), p.Bold(baseURL))
}

// issuerOf is the issuer of a session where it is worth telling.
func issuerOf(c config.Credential) string {
	if !c.ThirdParty {
		return ""
	}
	return c.Issuer
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

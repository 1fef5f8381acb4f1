package account

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
)

type loginOptions struct {
	env        *cmdutil.Env
	noBrowser  bool
	device     bool
	resume     bool
	copies     bool // --copy
	withAPIKey bool
	apiKey     string
	keyGiven   bool // --api-key was typed, perhaps with an empty value
	storage    string
	issuer     string
	clientID   string
	scope      string
	port       uint16
	browser    bool
	remember   bool
	set        []string

	// of a sign-in at an issuer, see param.go and client.go
	param            []string
	prompt           string
	redirectURI      string
	withSecret       bool
	clientKey        string
	audience         string
	apiURL           string
	registrationFile string
}

// NewLogin returns the command login.
func NewLogin(env *cmdutil.Env) *cobra.Command {
	opts := &loginOptions{env: env}
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Sign in to Lamina, or save the API key of another service",
		Long: "Sign in with the browser. Later commands use the session, which refreshes itself and expires after 30 days\n" +
			"without use.\n\n" +
			"Where no browser can be opened, the command shows a code; enter it on any device to approve the sign-in. In a\n" +
			"script, sign in in two steps: --device --json prints the code and exits, --device --resume waits for the approval.\n" +
			"Or use an API key.\n\n" +
			"With --provider, the command asks for the API key of another service (laminr, lamatic, lightfast, laghav, or one\n" +
			"that you describe in a file), checks it and saves it in a profile.",
		Example: "lamina login\n" +
			"lamina login --device --copy\n" +
			"lamina login --no-browser\n" +
			"lamina login --device --remember\n" +
			"lamina login --issuer https://id.example.com\n" +
			"lamina login --issuer https://id.example.com --client-id ID --with-client-secret --param audience=API < secret.txt\n" +
			"lamina login --with-api-key < key.txt\n" +
			"lamina login --profile work --storage keyring\n" +
			"lamina login --provider laghav\n" +
			"lamina login --provider lamatic --set project-id=ID --set url=https://HOST/api/graphql --with-api-key < key.txt",
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.keyGiven = cmd.Flags().Changed("api-key")
			if err := opts.validate(cmd); err != nil {
				return err
			}
			return login(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&opts.noBrowser, "no-browser", false, "show the address of the sign-in page instead of opening it; you can paste the address where the browser ends")
	f.BoolVar(&opts.device, "device", false, "show a code to enter on any device")
	f.BoolVar(&opts.resume, "resume", false, "finish the sign-in that --device --json began")
	f.BoolVar(&opts.copies, "copy", false, "copy the code of --device to the clipboard, if the terminal supports it (OSC 52)")
	f.BoolVar(&opts.withAPIKey, "with-api-key", false, "read an API key from stdin, or prompt for it")
	f.BoolVar(&opts.browser, "browser", false, "open the browser, even if another method was remembered or no browser was found")
	f.BoolVar(&opts.remember, "remember", false, "make --device, --no-browser or --browser the method of later sign-ins")
	f.StringVar(&opts.issuer, "issuer", "", "sign in to the OAuth 2.0 or OpenID server with this `URL`")
	f.StringVar(&opts.clientID, "client-id", "", "use this client `ID` at the issuer instead of registering a new client")
	f.Uint16Var(&opts.port, "callback-port", 0, "listen for the redirect on this `PORT`, if the client of --client-id is registered for one port")
	f.StringVar(&opts.registrationFile, "registration-token", "", "read the initial access token for the registration at the issuer from this `FILE`; - means stdin")
	f.StringVar(&opts.scope, "scope", "", "request these `SCOPES` from the issuer, separated by spaces")
	f.StringArrayVar(&opts.param, "param", nil, "send this `NAME=VALUE` to the issuer with the authorization request: audience=…, resource=…, login_hint=…; an empty VALUE removes it")
	f.StringVar(&opts.prompt, "prompt", "", "the same as --param prompt=`VALUE`: consent, login, select_account")
	f.StringVar(&opts.redirectURI, "redirect-uri", "", "listen for the redirect at this `URI`: http, localhost, 127.0.0.1 or [::1], any path, and a port if the client is registered for one")
	f.BoolVar(&opts.withSecret, "with-client-secret", false, "read the secret of the client of --client-id from stdin, or prompt for it")
	f.StringVar(&opts.clientKey, "client-key", "", "authenticate the client of --client-id with the private key in this `FILE` (private_key_jwt); PEM or JWK")
	f.StringVar(&opts.audience, "client-key-audience", "", "the `AUDIENCE` of what --client-key signs, if the issuer does not accept its own URL")
	f.StringVar(&opts.apiURL, "api-url", "", "send the requests of this profile to the API at this `URL`")
	f.StringArrayVar(&opts.set, "set", nil, "give a setting of the service of --provider, as `NAME=VALUE`: url=…, project-id=…")
	complete.AddProviderFlag(cmd, env)
	f.StringVar(&opts.storage, "storage", "", "keep the secrets of the profile in `file|keyring`: as they are, or encrypted with a key in the OS keyring")
	f.StringVar(&opts.apiKey, "api-key", "", "save this API `KEY`; other processes can see it, so prefer --with-api-key")
	return cmd
}

func (o *loginOptions) validate(cmd *cobra.Command) error {
	if err := cmdutil.AtMostOne(cmd, "browser", "no-browser", "device", "with-api-key", "api-key"); err != nil {
		return err
	}
	if err := cmdutil.AtMostOne(cmd, "issuer", "with-api-key", "api-key"); err != nil {
		return err
	}
	for _, flags := range [][]string{
		{"api-key", "with-api-key", "with-client-secret", "client-key"}, {"redirect-uri", "callback-port"}, {"client-id", "registration-token"},
	} {
		if err := cmdutil.AtMostOne(cmd, flags...); err != nil {
			return err
		}
	}
	if err := o.checkIssuerFlags(cmd); err != nil {
		return err
	}
	if o.remember && o.typedMethod() == "" {
		return fail.Usage("lamina login --device --remember", "--remember needs --device, --no-browser or --browser")
	}
	if err := cmdutil.AtMostOne(cmd, "copy", "browser", "no-browser", "with-api-key", "api-key", "resume"); err != nil {
		return err
	}
	if o.resume && !o.device {
		return fail.Usage("lamina login --device --resume", "--resume needs --device")
	}
	return nil
}

// signIn is one sign-in: the service, the profile, and what is found out on the way.
type signIn struct {
	*loginOptions
	provider   provider.Provider
	baseURL    string
	profile    string
	project    *config.Project   // nil if the folder has no project config
	previous   config.Credential // of the profile; zero if there is none
	encryption config.Encryption // of the new credential
	replaced   config.Profile    // what the new credential replaced; set by save
	secret     config.Secret     // of --with-client-secret
	http       *http.Client      // for the authorization server
	saved      config.Credential // set by save

	settings     map[string]string // of a service with API keys only
	verdict      session.Verdict   // what such a service said of the key
	remembered   string            // the remembered method; may be empty
	unidentified error             // why the account of the session is unknown

	isMethodTyped     bool          // a flag names the method
	registrationToken config.Secret // for the registration of a client at the issuer; never stored
}

// login signs in. Before it asks the user for anything, it checks everything that could prevent saving the result.
func login(ctx context.Context, opts *loginOptions) error {
	env := opts.env
	s, err := opts.prepare()
	if err != nil {
		return err
	}
	method, err := s.method()
	if err != nil {
		return err
	}
	if err := s.readClientAuth(ctx); err != nil {
		return err
	}
	if err := env.Sessions.Store().CheckWritable(s.profile); err != nil {
		return err
	}
	if err := s.readRegistrationToken(ctx); err != nil {
		return err
	}
	if s.encryption, err = env.Sessions.NewKey(s.profile, config.Storage(s.storage)); err != nil {
		return err
	}
	if err = method(ctx); err == nil {
		err = s.rememberMethod(ctx)
	}
	if s.saved.Kind == "" { // nothing was saved: remove the new encryption key
		env.Sessions.DropKey(s.encryption)
		return err
	}
	if err != nil {
		return err
	}
	s.revokeReplaced(ctx)
	env.Sessions.DropKey(s.replaced.Encryption)
	return s.report()
}

// prepare gathers what a sign-in needs before its method is chosen.
func (o *loginOptions) prepare() (*signIn, error) {
	env := o.env
	s := &signIn{loginOptions: o}
	doc, err := env.Sessions.Load()
	var damaged *config.FileError
	if errors.As(err, &damaged) && damaged.Problem == config.Damaged {
		doc, err = env.Sessions.Store().LoadWithoutDamaged() // saving replaces the damaged file
	}
	if err != nil {
		return nil, err
	}
	chosen, err := env.Sessions.Choose(doc)
	if err != nil {
		return nil, err
	}
	s.provider, s.profile, s.project = chosen.Provider, chosen.Profile, chosen.Project
	if err := s.checkFlags(); err != nil {
		return nil, err
	}
	if err := s.chooseStorage(doc); err != nil {
		return nil, err
	}
	if p, ok := doc.Profile(s.profile); ok {
		if p, err = env.Sessions.Store().Decrypt(p); err != nil {
			env.Sessions.Debugf("the previous credential cannot be decrypted: %v", err)
		}
		s.previous = p.Credential
	}
	s.remembered = doc.LoginMethod()
	if err := s.chooseAddress(chosen); err != nil {
		return nil, err
	}
	s.http, err = env.Sessions.HTTPClient()
	return s, err
}

// chooseStorage decides where the secrets are kept: the value of --storage, or what the configuration says about the profile.
func (s *signIn) chooseStorage(doc *config.Document) error {
	hint := s.again("--storage", string(config.StorageFile))
	if s.storage != "" {
		if err := cmdutil.OneOf("--storage", s.storage, string(config.StorageFile), string(config.StorageKeyring)); err != nil {
			return fail.Usage(hint, "%v", err)
		}
		return nil
	}
	stored, err := config.ParseStorage(string(doc.Storage(s.profile)))
	if err != nil {
		return fail.Usage(hint, "the configuration has an unknown storage for profile %s: %v", s.profile, err)
	}
	s.storage = string(stored)
	return nil
}

// chooseAddress decides on the address of the service and, for a service with OAuth, of its authorization server. For others it
// gathers the settings.
func (s *signIn) chooseAddress(chosen session.Choice) (err error) {
	if s.provider.OAuth == nil {
		return s.gatherSettings()
	}
	if err := s.env.Sessions.RefuseBlank(s.provider.BaseURLEnv...); err != nil {
		return err
	}
	s.baseURL, err = session.Base(s.provider, cmp.Or(s.apiURL, s.env.Sessions.Lookup("LAMINA_BASE_URL"), s.previous.BaseURL, s.provider.BaseURL))
	if err != nil && s.apiURL != "" {
		return fail.Usage("lamina login --api-url https://HOST", "--api-url: %v", err)
	}
	if err != nil {
		return session.BaseURLError("LAMINA_BASE_URL", err)
	}
	if err := s.env.Sessions.RefuseFileAddress(s.provider, "this sign-in", s.baseURL, s.previous.BaseURL); err != nil {
		return err
	}
	if err := s.chooseIssuer(); err != nil {
		return err
	}
	return chosen.CheckBase("this sign-in", s.baseURL, "set LAMINA_BASE_URL to that service, if you trust the file")
}

// finish looks up the account and saves the credential together with it, in one write. It returns the name of the account.
func (s *signIn) finish(ctx context.Context, c config.Credential) (account string, err error) {
	if c.Account, err = s.identify(ctx, c); err != nil {
		return "", err
	}
	return accountName(c.Account), s.save(ctx, c)
}

// save replaces the credential of the profile.
func (s *signIn) save(ctx context.Context, c config.Credential) (err error) {
	p := config.Profile{Name: s.profile, Credential: c, Encryption: s.encryption}
	if s.replaced, err = s.env.Sessions.Store().Replace(ctx, config.UpdateOptions{ReplaceDamaged: true}, p); err != nil {
		return err
	}
	s.saved = c
	return nil
}

// revokeReplaced revokes the session that this sign-in replaced, which another sign-in may have stored in the meantime. A failure is
// shown only with --debug.
func (s *signIn) revokeReplaced(ctx context.Context) {
	p, err := s.env.Sessions.Store().Decrypt(s.replaced)
	c := p.Credential
	if err == nil && (c.Kind != config.OAuth || c.RefreshToken == "" || !c.EndedAt.IsZero()) {
		return
	}
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		err = auth.Revoke(ctx, s.http, provider.Lamina(), c)
	}
	if err != nil {
		s.env.Sessions.Debugf("the previous session could not be revoked: %v", err)
	}
}

// accountOf converts the account of an API reply to the form that is stored.
func accountOf(a api.Account) config.Account {
	account := config.Account{UserID: a.User.ID, Email: a.User.Email}
	if a.Workspace != nil {
		account.WorkspaceID, account.WorkspaceName, account.Role = a.Workspace.ID, a.Workspace.Name, a.Workspace.Role
	}
	return account
}

package doctor

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
)

// An examination is one run of the checks. It holds the facts that several checks need; each fact is determined once.
type examination struct {
	sessions   *session.Manager
	store      *config.Store
	provider   provider.Provider
	baseURL    string // the address that commands would use; empty if it is unknown
	inspection config.Inspection

	session    *session.Session // nil if sessionErr is set
	sessionErr error
	decrypt    func() (decrypted, error) // of the stored credential in use
	probeAPI   func() api.Probe
	probeToken func() api.Probe // of the token endpoint; must not be called for a service without OAuth

	email string // of the account, if the service was asked; set by checkAccount
}

// newExamination prepares an examination. It reads files and sends nothing.
func newExamination(ctx context.Context, sessions *session.Manager) (*examination, error) {
	e := &examination{sessions: sessions, store: sessions.Store(), provider: provider.Lamina()}
	e.inspection = e.store.Inspect() // before the session is opened, which repairs the modes of files
	if name := sessions.Flags.Provider; name != "" {
		var err error
		if e.provider, err = sessions.FindProvider(name); err != nil {
			return nil, err
		}
	}
	_, base := sessions.LookupFirst(e.provider.BaseURLEnv)
	e.baseURL = cmp.Or(base, e.provider.BaseURL)
	// A Manager is not safe for concurrent use until its session is open.
	if e.session, e.sessionErr = sessions.Open(); e.sessionErr == nil {
		e.provider, e.baseURL = e.session.Provider, e.session.BaseURL
	}
	e.decrypt = sync.OnceValues(e.decryptCredential)
	e.probeAPI = sync.OnceValue(func() api.Probe { return e.probe(ctx, http.MethodGet, provider.Join(e.baseURL, e.probePath())) })
	e.probeToken = sync.OnceValue(func() api.Probe { return e.probe(ctx, http.MethodPost, e.tokenURL()) })
	return e, nil
}

// decrypted is a stored credential with its secrets, and the time that it took to get them.
type decrypted struct {
	config.Credential
	took time.Duration
}

// decryptCredential gets the secrets of the stored credential, which may need the keyring. The result is empty if no stored
// credential is in use.
func (e *examination) decryptCredential() (decrypted, error) {
	if e.sessionErr != nil {
		return decrypted{}, e.sessionErr
	}
	if !e.session.Stored() {
		return decrypted{}, nil
	}
	started := e.sessions.Now()
	p, err := e.store.Decrypt(e.session.StoredProfile())
	return decrypted{p.Credential, e.sessions.Now().Sub(started)}, err
}

// probe sends one request without a credential.
func (e *examination) probe(ctx context.Context, method, address string) api.Probe {
	if _, err := safeurl.Normalize(e.baseURL); err != nil {
		return api.Probe{Err: e.addressError(err)}
	}
	if _, err := safeurl.Check(address); err != nil {
		return api.Probe{Err: err}
	}
	transport, err := e.sessions.Transport()
	if err != nil {
		return api.Probe{Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime(e.sessions))
	defer cancel()
	return api.SendProbe(ctx, transport, method, address, e.sessions.UserAgent, e.sessions.Now)
}

// addressError returns the error for an unusable address of the service. It names the environment variable that sets the address.
func (e *examination) addressError(err error) error {
	variables := e.provider.BaseURLEnv
	variable, _ := e.sessions.LookupFirst(variables)
	if variable == "" && len(variables) > 0 {
		variable = variables[0]
	}
	if variable == "" {
		return &fail.Error{Code: fail.InvalidArgument, Message: "the address of " + e.provider.Title + ": " + err.Error(), Err: err}
	}
	return session.BaseURLError(variable, err)
}

// probePath returns a path that the service answers, even to a request without a credential.
func (e *examination) probePath() string {
	if e.provider.AccountPath != "" || len(e.provider.Checks) == 0 {
		return e.provider.AccountPath
	}
	return e.provider.Checks[0].Path
}

// tokenURL returns the address that a refresh would be sent to. A recorded endpoint on another origin is used only for a third-party
// session, as the refresh does.
func (e *examination) tokenURL() string {
	if e.sessionErr == nil {
		c := e.session.Credential
		if c.TokenEndpoint != "" && (c.ThirdParty || safeurl.SameOrigin(c.TokenEndpoint, e.baseURL)) {
			return c.TokenEndpoint
		}
	}
	return strings.TrimRight(e.baseURL, "/") + e.provider.OAuth.TokenPath
}

// describe returns a failure with the message, the hint and the code that any command would print for an error.
func (e *examination) describe(err error) Finding {
	f := e.sessions.Describe(err)
	return failed(f.ErrorCode(), f.Hint, "%s", f.Message)
}

// signIn returns the command that signs in to the profile in use.
func (e *examination) signIn(flags ...string) string {
	c := e.sessions.FailContext()
	return c.SignIn(c.Credential.Profile, flags...)
}

// command returns a command for the profile in use.
func (e *examination) command(args ...string) string {
	return e.sessions.FailContext().Command(args...)
}

// signInByDevice returns the command that signs in without a browser on this machine.
func (e *examination) signInByDevice() string {
	if e.provider.OAuth == nil { // what is checked matters only for a sign-in to Lamina
		return "lamina login --device"
	}
	return e.signIn("--device")
}

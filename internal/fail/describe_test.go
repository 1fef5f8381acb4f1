package fail_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/redact"
	"github.com/uselamina/lamina/internal/transfer"
)

// TestDescribe checks, for every error type, the code, a part of the message and the hint. All errors happen to profile work.
func TestDescribe(t *testing.T) {
	t.Parallel()
	const login = "lamina login --profile work"
	work := fail.Context{Credential: fail.Credential{Provider: provider.Lamina(), Profile: "work", Session: true}}
	ended := &auth.SessionEndedError{Profile: "work", Reason: auth.ReasonUnused}
	tests := []struct {
		name      string
		err       error
		code      fail.Code
		message   string // a part of it
		hint      string
		retryable bool
	}{
		{name: "usage", err: fail.Usage("lamina x", "--a and %d", 1), code: fail.InvalidArgument, message: "--a and 1", hint: "lamina x"},
		{name: "own error", err: &fail.Error{Code: fail.RunFailed, Message: "failed"}, code: fail.RunFailed, message: "failed"},
		{name: "own error, wrapped", err: fmt.Errorf("x: %w", &fail.Error{Code: fail.RunFailed, Message: "failed"}), code: fail.RunFailed, message: "failed"},
		{name: "code of the cause", err: &fail.Error{Around: "%s; and more", Err: ended}, code: fail.SessionExpired, message: "; and more", hint: login},
		{name: "jq expression", err: &output.FilterError{Err: errors.New("x")}, code: fail.InvalidFilter, message: "jq: x"},
		{name: "jq on data", err: &output.FilterError{Err: errors.New("x"), OnData: true}, code: fail.FilterFailed, message: "jq: x"},

		{name: "not signed in", err: &auth.NotSignedInError{Profile: "default"}, code: fail.NotLoggedIn, message: "you are not signed in", hint: "lamina login"},
		{name: "profile not signed in", err: &auth.NotSignedInError{Profile: "work"}, code: fail.NotLoggedIn, message: "profile work is not signed in", hint: login},
		{name: "session ended", err: ended, code: fail.SessionExpired, message: "expired", hint: login},
		{name: "lost response", err: &auth.LostResponseError{SentAt: time.Now(), Ended: ended}, code: fail.SessionExpired, message: "lost", hint: login},
		{name: "declined", err: &auth.DeniedError{}, code: fail.Denied, message: "declined", hint: login},
		{name: "code expired", err: &auth.ExpiredError{}, code: fail.LoginTimeout, message: "expired", hint: login},
		{name: "sign-in timeout", err: &auth.TimeoutError{After: time.Minute}, code: fail.LoginTimeout, message: "1m0s", hint: login},
		{name: "pasted key", err: &auth.PastedSecretError{What: "an API key", Title: "Lamina"}, code: fail.InvalidArgument, message: "an API key of Lamina", hint: "Ctrl-C, then " + login + " --with-api-key"},
		{name: "port in use", err: &auth.PortError{Port: "8080", Err: syscall.EADDRINUSE}, code: fail.AddressInUse, message: "8080", hint: login + " --device"},
		{name: "OAuth refusal", err: &auth.OAuthError{Doing: "sign in", Code: "invalid_scope"}, code: fail.LoginFailed, message: "invalid_scope", hint: login},
		{name: "metadata", err: &auth.MetadataError{URL: "https://h.example", Detail: "x"}, code: fail.LoginFailed, message: "h.example", hint: "tell who runs that server, or sign in at another one with --issuer"},
		{name: "not offered", err: &auth.NotOfferedError{Host: "h.example", What: "device codes"}, code: fail.LoginFailed, message: "device codes", hint: "check the address of the server (--issuer)"},
		{name: "only in the browser", err: &auth.NotOfferedError{Host: "h.example", What: "device codes", Instead: auth.InBrowser}, code: fail.LoginFailed, message: "device codes", hint: login + " --browser"},
		{name: "only keys", err: &auth.NotOfferedError{Host: "h.example", What: "a browser", Instead: auth.WithKey}, code: fail.LoginFailed, message: "a browser", hint: login + " --with-api-key"},
		{name: "address", err: &safeurl.Error{URL: "http://h.example", Detail: "no TLS"}, code: fail.InvalidArgument, message: "no TLS"},
		{name: "token endpoint 503", err: &auth.RefreshError{Err: &auth.StatusError{Doing: "refresh", Host: "h.example", Status: 503}}, code: fail.ServerError, message: "503", retryable: true},
		{name: "token endpoint 429", err: &auth.StatusError{Doing: "refresh", Host: "h.example", Status: 429}, code: fail.RateLimited, message: "429", retryable: true},
		{name: "token endpoint 408", err: &auth.RefreshError{Err: &auth.StatusError{Doing: "refresh", Host: "h.example", Status: 408}}, code: fail.ServerError, message: "408", retryable: true},
		{name: "token endpoint 425", err: &auth.RefreshError{Err: &auth.StatusError{Doing: "refresh", Host: "h.example", Status: 425}}, code: fail.ServerError, message: "425", retryable: true},
		{name: "passing refusal", err: &auth.RefreshError{Err: &auth.OAuthError{Doing: "refresh", Code: "temporarily_unavailable", Status: 400}}, code: fail.ServerError, message: "temporarily_unavailable", retryable: true},
		{name: "token endpoint 400", err: &auth.StatusError{Doing: "refresh", Host: "h.example", Status: 400}, code: fail.ServerError, message: "400", hint: login},
		{name: "token endpoint garbage", err: &auth.ResponseError{Doing: "refresh", Host: "h.example", Detail: "x"}, code: fail.Unexpected, message: "h.example", hint: "lamina doctor --profile work"},
		{name: "token endpoint unreachable", err: &auth.UnreachableError{Doing: "refresh", Host: "h.example", Err: syscall.ECONNREFUSED}, code: fail.Unreachable, message: "h.example", retryable: true},
		{name: "not saved", err: &auth.NotSavedError{Profile: "work", Err: syscall.ENOSPC}, code: fail.ConfigUnusable, message: "no space", hint: login},

		{name: "busy", err: &config.BusyError{Path: "/x/lock", Waited: time.Second}, code: fail.Busy, message: "/x/lock", retryable: true},
		{name: "config file", err: &config.FileError{Path: "/x/config.json", Problem: config.Unreadable}, code: fail.ConfigUnusable, message: "/x/config.json", hint: "check the owner and the permissions of the file"},
		{name: "damaged config file", err: &config.FileError{Path: "/x/config.json", Problem: config.Damaged}, code: fail.ConfigUnusable, message: "damaged", hint: "repair the file, or sign in again, which moves it aside: " + login},
		{name: "cannot listen", err: &auth.ListenError{Err: syscall.EACCES}, code: fail.Unknown, message: "", hint: login + " --device"},
		{name: "registration refused", err: &auth.RegistrationError{Err: &auth.OAuthError{Doing: "register", Code: "x"}}, code: fail.LoginFailed, message: "x", hint: "register a public (native) client there, and pass its id with --client-id"},
		{name: "immutable config file", err: &config.FileError{Path: "/x/config.json", Problem: config.Unwritable, Detail: "immutable, see chattr", Err: fs.ErrPermission}, code: fail.ConfigUnusable, message: "it is immutable", hint: "make it writable (chattr -i, chattr -a, or another mount), or choose another folder with LAMINA_CONFIG_DIR"},
		{name: "config file of another user", err: &config.FileError{Path: "/x/config.json", Problem: config.Untrusted, Detail: "belongs to user 7"}, code: fail.ConfigUnusable, message: "/x/config.json belongs to user 7, so it is not used", hint: "if it is yours, change its owner with chown and its mode with chmod go-w; else remove it, or choose another folder with LAMINA_CONFIG_DIR"},
		{name: "no home", err: &config.NoHomeError{}, code: fail.ConfigUnusable, message: "home", hint: "set HOME or LAMINA_CONFIG_DIR, or pass a key in LAMINA_API_KEY, which is not stored"},
		{name: "not signed in, no home", err: &auth.NotSignedInError{Err: &config.NoHomeError{}}, code: fail.NotLoggedIn, message: "HOME is not set", hint: "set HOME or LAMINA_CONFIG_DIR, or pass a key in LAMINA_API_KEY, which is not stored"},
		{name: "project config", err: &config.ProjectError{Path: "/x/.lamina.toml", Line: 3, Detail: "x"}, code: fail.InvalidProject, message: ".lamina.toml"},
		{name: "link to itself", err: &config.FileError{Path: "/x/config.json", Problem: config.LinkLoop}, code: fail.ConfigUnusable, message: "leads to itself", hint: "restore the target of the link, or remove the link"},
		{name: "lock that is a link", err: &config.FileError{Path: "/x/config.lock", Problem: config.ForbiddenLink, Detail: "is a symbolic link"}, code: fail.ConfigUnusable, message: "/x/config.lock is a symbolic link, so it is not used", hint: "remove it"},
		{name: "keyring absent", err: &config.KeyringError{Problem: config.KeyringAbsent, Profile: "work"}, code: fail.KeyringAbsent, message: "keyring", hint: login + " --storage file"},
		{name: "keyring locked", err: &config.KeyringError{Problem: config.KeyringLocked, Profile: "work"}, code: fail.KeyringLocked, message: "unlock", hint: login + " --storage file"},
		{name: "keyring timeout", err: &config.KeyringError{Problem: config.KeyringTimeout, Profile: "work"}, code: fail.KeyringTimeout, message: "keyring", hint: login + " --storage file", retryable: true},
		{name: "keyring failed", err: &config.KeyringError{Problem: config.KeyringFailed, Profile: "work"}, code: fail.KeyringFailed, message: "keyring", hint: login + " --storage file"},
		{name: "keyring key missing", err: &config.KeyringError{Problem: config.KeyringKeyMissing, Profile: "work"}, code: fail.KeyringGone, message: "sign in again", hint: login},
		{name: "keyring mismatch", err: &config.KeyringError{Problem: config.KeyringMismatch}, code: fail.KeyringMismatch, message: "sign in again", hint: login},

		{name: "file exists", err: &transfer.ExistsError{Path: "a.png"}, code: fail.FileExists, message: "a.png", hint: "choose another name with --download, or replace the file with --force"},
		{name: "truncated download", err: &transfer.TruncatedError{}, code: fail.DownloadFailed, message: "", retryable: true},
		{name: "disk full", err: &os.PathError{Op: "write", Path: "a", Err: syscall.ENOSPC}, code: fail.Unknown, message: "no partial file", hint: "free space on the disk"},
		{name: "path", err: &os.PathError{Op: "open", Path: "a", Err: fs.ErrPermission}, code: fail.Unknown, message: "open a"},

		{name: "DNS", err: unreachable(api.DNS), code: fail.Unreachable, message: "h.example: the host is unknown", hint: networkHint, retryable: true},
		{name: "refused connection", err: unreachable(api.Refused), code: fail.Unreachable, message: "nothing listens", hint: networkHint, retryable: true},
		{name: "TLS", err: unreachable(api.TLS), code: fail.Unreachable, message: "certificate", hint: "behind a company proxy, name its certificate authority with --ca-file"},
		{name: "timeout", err: unreachable(api.Timeout), code: fail.Timeout, message: "did not answer", retryable: true},
		{name: "cut", err: unreachable(api.Cut), code: fail.Unreachable, message: "closed the connection", retryable: true},
		{name: "network", err: unreachable(api.Network), code: fail.Unreachable, message: "h.example", hint: networkHint, retryable: true},
		{name: "interrupted request", err: unreachable(api.Interrupted), code: fail.Interrupted, message: "interrupted"},
		{name: "unexpected answer", err: &api.UnexpectedError{Status: 502, Reason: "a web page"}, code: fail.Unexpected, message: "a web page", hint: "check the address of the service and the proxy settings", retryable: true},
		{name: "canceled", err: context.Canceled, code: fail.Interrupted, message: "interrupted"},
		{name: "anything else", err: errors.New("x"), code: fail.Unknown, message: "x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := work.Describe(tt.err)
			if f.ErrorCode() != tt.code {
				t.Errorf("code: got %v, want %v", f.ErrorCode(), tt.code)
			}
			if !strings.Contains(f.Message, tt.message) {
				t.Errorf("message: got %q, want %q in it", f.Message, tt.message)
			}
			if f.Hint != tt.hint {
				t.Errorf("hint: got %q, want %q", f.Hint, tt.hint)
			}
			if f.Retryable != tt.retryable {
				t.Errorf("retryable: got %v, want %v", f.Retryable, tt.retryable)
			}
		})
	}
}

const networkHint = "check the network, the address of the service and the proxy settings"

func unreachable(kind api.Kind) error {
	return &api.UnreachableError{BaseURL: "https://h.example", Kind: kind, Err: errors.New("x")}
}

// TestErrorsOfAuthHoldNoCommand checks that commands are composed here, where the profile and the service are known.
func TestErrorsOfAuthHoldNoCommand(t *testing.T) {
	t.Parallel()
	ended := &auth.SessionEndedError{Profile: "work", Reason: auth.ReasonRefused}
	for _, err := range []error{
		ended, &auth.LostResponseError{Ended: ended}, &auth.NotSignedInError{Profile: "work"}, &auth.DeniedError{}, &auth.ExpiredError{},
		&auth.TimeoutError{}, &auth.PortError{Port: "1", Err: syscall.EADDRINUSE}, &auth.NotOfferedError{}, &auth.MetadataError{},
		&auth.RegistrationError{Err: &auth.NotOfferedError{}}, &auth.RefreshError{Err: &auth.StatusError{}}, &auth.NotSavedError{Err: syscall.ENOSPC},
		&auth.RejectedError{}, &auth.PastedError{Detail: "x"}, &auth.PastedSecretError{What: "an API key", Title: "Lamina"}, &auth.OAuthError{},
		&config.KeyringError{Problem: config.KeyringLocked}, &config.NoHomeError{}, &config.BusyError{}, &config.FileError{Problem: config.Damaged},
	} {
		if strings.Contains(err.Error(), "`lamina") {
			t.Errorf("%T holds a command: %q", err, err)
		}
	}
}

// refused returns the refusal that a client makes of a response.
func refused(p provider.Provider, status int, header http.Header, body string) *api.Error {
	e, _ := (&api.Client{Provider: p}).ReadRefusal(api.Call{Method: http.MethodGet, Path: "/x"}, status, header, []byte(body))
	return e
}

func TestDescribeRefusal(t *testing.T) {
	t.Parallel()
	stored := func(p provider.Provider, profile string) fail.Credential {
		return fail.Credential{Provider: p, Profile: profile}
	}
	fromEnv := func(p provider.Provider) fail.Credential { return fail.Credential{Provider: p, Variable: p.EnvKey} }
	lamina, laghav, lamatic, laminr := provider.Lamina(), provider.Laghav(), provider.Lamatic(), provider.Laminr()
	tests := []struct {
		name       string
		credential fail.Credential
		err        *api.Error
		code       fail.Code
		message    string
		hint       string
	}{
		{
			"a stored session is refused",
			fail.Credential{Provider: lamina, Profile: "work", Session: true},
			refused(lamina, 401, nil, `{"error":"Invalid API key","code":"AUTH_INVALID_KEY"}`),
			fail.InvalidKey,
			"Lamina does not accept the session of profile work: Invalid API key (401 AUTH_INVALID_KEY); the key is malformed, revoked or unknown",
			"lamina login --profile work",
		},
		{
			"a key of the environment is refused",
			fromEnv(lamina),
			refused(lamina, 401, nil, `{"error":"Invalid API key","code":"AUTH_INVALID_KEY"}`),
			fail.InvalidKey,
			"Lamina does not accept the API key in LAMINA_API_KEY: Invalid API key (401 AUTH_INVALID_KEY); the key is malformed, revoked or unknown",
			"set LAMINA_API_KEY to a valid key (https://app.uselamina.ai/settings?tab=api)",
		},
		{
			"a key of a file is refused",
			fail.Credential{Provider: lamina, Variable: "LAMINA_API_KEY", File: ".env"},
			refused(lamina, 401, nil, `{"error":"Invalid API key"}`),
			fail.InvalidKey,
			"Lamina does not accept the API key in LAMINA_API_KEY of .env: Invalid API key (401); the key is malformed, revoked or unknown",
			"set LAMINA_API_KEY to a valid key in .env (https://app.uselamina.ai/settings?tab=api)",
		},
		{
			"credits are used up at Lamina",
			stored(lamina, "default"),
			refused(lamina, 402, nil, `{"error":"Insufficient credits"}`),
			fail.QuotaExceeded, "Lamina answered 402: Insufficient credits", "",
		},
		{
			"a budget is used up at Laghav",
			stored(laghav, "laghav"),
			refused(laghav, 402, nil, `{"error":"over budget","code":"BUDGET_EXCEEDED"}`),
			fail.QuotaExceeded, "Laghav answered 402 BUDGET_EXCEEDED: over budget; the budget is spent, and its limit is hard", "lamina laghav budgets list",
		},
		{
			"too many requests",
			stored(lamina, "default"),
			refused(lamina, 429, http.Header{"Retry-After": {"7"}}, `{"error":"Slow down"}`),
			fail.RateLimited, "Lamina answered 429 RATE_LIMITED: Slow down (retry in 7s)", "",
		},
		{
			"too many requests, for a time that overflows",
			stored(lamina, "default"),
			refused(lamina, 429, http.Header{"Retry-After": {"99999999999999999999"}}, `{"error":"Slow down"}`),
			fail.RateLimited, "Lamina answered 429 RATE_LIMITED: Slow down (retry in 12 days or more)", "",
		},
		{
			"too many requests, for a time in the body that overflows",
			stored(lamina, "default"),
			refused(lamina, 429, http.Header{}, `{"error":"Slow down","retryAfter":99999999999999999999}`),
			fail.RateLimited, "Lamina answered 429 RATE_LIMITED: Slow down (retry in 12 days or more)", "",
		},
		{
			"a revoked key of another service",
			stored(laghav, "team"),
			refused(laghav, 401, nil, `{"error":"revoked","code":"KEY_REVOKED"}`),
			fail.KeyRevoked,
			"Laghav does not accept the API key of profile team: revoked (401 KEY_REVOKED); it cannot be restored; create a new one",
			"lamina login --provider laghav --profile team",
		},
		{
			"settings of a stored key are wrong",
			stored(lamatic, "lamatic"),
			refused(lamatic, 404, nil, `{"message":"not found"}`),
			fail.MisplacedKey,
			"Lamatic does not accept the API key of profile lamatic: not found (404); the Project ID or the Project URL is wrong, or the project is not deployed",
			"lamina login --provider lamatic --set project-id=ID --set url=URL",
		},
		{
			"settings of the environment are wrong",
			fromEnv(lamatic),
			refused(lamatic, 404, nil, `{"message":"not found"}`),
			fail.MisplacedKey,
			"Lamatic does not accept the API key in LAMATIC_API_KEY: not found (404); the Project ID or the Project URL is wrong, or the project is not deployed",
			"export LAMATIC_PROJECT_ID=ID LAMATIC_ENDPOINT=URL",
		},
		{
			"an action, then a sign-in",
			stored(lamatic, "lamatic"),
			refused(lamatic, 401, nil, `{"message":"no"}`),
			fail.InvalidKey,
			"Lamatic does not accept the API key of profile lamatic: no (401); the key is wrong or expired, or the project was not deployed after the key was made",
			"deploy the project in Studio, or lamina login --provider lamatic",
		},
		{
			"an address that may be wrong",
			stored(laminr, "laminr"),
			refused(laminr, 404, nil, `{"error":{"message":"no route"}}`),
			fail.NotFound, "Laminr answered 404: no route; the address may need the prefix /api",
			"lamina login --provider laminr --set url=https://api.laminr.ai/api",
		},
		{
			"forbidden",
			stored(lamina, "work"),
			refused(lamina, 403, nil, `{"error":"App access denied","code":"FORBIDDEN"}`),
			fail.Forbidden, "Lamina answered 403 FORBIDDEN: App access denied", "lamina whoami --profile work",
		},
		{
			"the service fails without a reason",
			stored(lamina, "default"),
			refused(lamina, 503, nil, ``),
			fail.ServerError, "Lamina answered 503: Service Unavailable", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := fail.Context{Credential: tt.credential}.Describe(fmt.Errorf("x: %w", tt.err))
			if f.ErrorCode() != tt.code || f.Message != tt.message || f.Hint != tt.hint {
				t.Errorf("got  %v %q\n     hint %q\nwant %v %q\n     hint %q", f.ErrorCode(), f.Message, f.Hint, tt.code, tt.message, tt.hint)
			}
		})
	}
	t.Run("another workspace", func(t *testing.T) {
		t.Parallel()
		e, _ := (&api.Client{Workspace: "ws_1"}).ReadRefusal(api.Call{}, 403, nil, []byte(`{"error":"no"}`))
		f := fail.Context{}.Describe(e)
		if want := "the credential does not belong to workspace ws_1: no"; !f.Is(fail.WrongWorkspace) || f.Message != want || f.Hint != "lamina whoami" {
			t.Errorf("got %q %q, hint %q", f.Code, f.Message, f.Hint)
		}
	})
}

// TestSecretsAreRemoved checks every text of a failure.
func TestSecretsAreRemoved(t *testing.T) {
	t.Parallel()
	const secret = "s3cret-0123456789"
	secrets := redact.New(func() []string { return []string{"lma_"} })
	secrets.Add(secret)
	f := fail.Context{Secrets: secrets}.Describe(&fail.Error{
		Message: "a " + secret, Hint: "lamina x " + secret, RequestID: secret, RunID: "lma_0123456789abcdef",
		Details: []api.Detail{{Field: secret, Code: secret, Message: secret, Allowed: []string{secret}}}, Run: []byte(`{"a":"` + secret + `"}`),
	})
	if got := fmt.Sprintf("%+v %s", f, f.Run); strings.Contains(got, secret) || strings.Contains(got, "lma_0") {
		t.Errorf("a secret is visible: %s", got)
	}
	if want := "a [redacted]"; f.Message != want {
		t.Errorf("got %q, want %q", f.Message, want)
	}
}

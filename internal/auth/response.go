package auth

import (
	"crypto/subtle"
	"fmt"
	"net/url"
	"strings"

	"github.com/uselamina/lamina/internal/provider"
)

// An answer is the authorization response (RFC 6749 section 4.1.2), whichever way it came.
type answer struct {
	code, state, iss     string
	failure, description string // error and error_description in place of a code
	bare                 bool   // a code that a person copied, without the response it came in
}

// An attempt is what one sign-in must remember to recognise its answer.
type attempt struct {
	provider        provider.Provider
	server          Server
	client          Client
	state, verifier string
}

// answerFrom reads the query of a redirect. Parameters must not come twice (RFC 6749 section 3.1).
func answerFrom(q url.Values) (answer, error) {
	for _, name := range []string{"code", "state", "iss", "error", "error_description"} {
		if len(q[name]) > 1 {
			return answer{}, fmt.Errorf("it names %s twice", name)
		}
	}
	a := answer{
		code: q.Get("code"), state: q.Get("state"), iss: q.Get("iss"),
		failure: clean(q.Get("error"), 60), description: clean(q.Get("error_description"), 200),
	}
	if a.failure == "" && !isToken(a.code) {
		return answer{}, fmt.Errorf("it holds no code")
	}
	return a, nil
}

// ours reports whether an answer belongs to this attempt.
func (t *attempt) ours(state string) bool {
	return subtle.ConstantTimeCompare([]byte(state), []byte(t.state)) == 1
}

// refusal is the error in an answer, or nil. The issuer is checked when it was sent, and must be sent by a server that
// says it does (RFC 9207); a bare code has nothing that could name it, and PKCE keeps a foreign code from being
// accepted. Without metadata only the issuer's origin is known for sure.
func (t *attempt) refusal(a answer) error {
	known := a.iss == t.server.Issuer || !t.server.Discovered && SameOrigin(a.iss, t.server.Issuer)
	switch {
	case a.iss != "" && !known:
		return &ResponseError{Doing: "sign in", Host: hostOf(t.server.Issuer), Detail: "was issued by another server: " + clean(a.iss, 100)}
	case a.iss == "" && t.server.sendsIssuer && !a.bare:
		return &ResponseError{Doing: "sign in", Host: hostOf(t.server.Issuer), Detail: "does not name its issuer"}
	case a.failure == "access_denied":
		return &DeniedError{Description: a.description}
	case a.failure != "":
		return &OAuthError{Doing: "sign in", Code: a.failure, Description: a.description}
	}
	return nil
}

// PastedError explains what is wrong with a pasted text. The person may paste again.
type PastedError struct {
	Detail string
}

// Error says what was expected.
func (e *PastedError) Error() string { return e.Detail }

// PastedSecretError means that an API key or a token was pasted where a code belongs.
type PastedSecretError struct {
	What  string // "an API key" or "an access token"
	Title string // of the service
}

// Error names the way out.
func (e *PastedSecretError) Error() string {
	return fmt.Sprintf("that is %s of %s, not the code from the browser: to sign in with it, stop here (Ctrl-C) and run "+
		"`lamina login --with-api-key`", e.What, e.Title)
}

// readPaste understands the address that the browser ended at, its query, "code#state", and a bare code.
// Errors: *PastedError, *PastedSecretError.
func (t *attempt) readPaste(text string) (answer, error) {
	text = strings.Trim(clean(text, 16<<10), ` "'<>`)
	if err := pastedSecret(text, t.provider); err != nil {
		return answer{}, err
	}
	if _, query, found := strings.Cut(text, "?"); found || looksLikeQuery(text) {
		if !found {
			query = text
		}
		return t.readPastedQuery(query)
	}
	code, state, found := strings.Cut(text, "#")
	switch {
	case text == "":
		return answer{}, &PastedError{"nothing was pasted: paste the address that the browser shows after you approved"}
	case strings.Contains(text, "://") || !isToken(code):
		return answer{}, &PastedError{"that is no code: paste the whole address that the browser shows after you approved"}
	case found && !t.ours(state):
		return answer{}, &PastedError{"that code belongs to another sign-in: approve this one, and paste what it shows"}
	}
	return answer{code: code, bare: true}, nil
}

func looksLikeQuery(text string) bool {
	return strings.HasPrefix(text, "code=") || strings.HasPrefix(text, "state=") || strings.Contains(text, "&code=")
}

func (t *attempt) readPastedQuery(query string) (answer, error) {
	query, _, _ = strings.Cut(query, "#") // some servers add #_=_
	q, err := url.ParseQuery(query)
	if err != nil {
		return answer{}, &PastedError{"that address is damaged: copy it again as a whole"}
	}
	if q.Get("response_type") != "" {
		return answer{}, &PastedError{"that is the address to open: approve there, and paste the address that it leads to"}
	}
	a, err := answerFrom(q)
	switch {
	case err != nil:
		return answer{}, &PastedError{"that address does not come from the approval (" + err.Error() + ")"}
	case !t.ours(a.state):
		return answer{}, &PastedError{"that address belongs to another sign-in: approve this one, and paste the address it leads to"}
	}
	return a, nil
}

func isKey(text string, p provider.Provider) bool {
	_, shaped := p.Shape(text)
	return shaped
}

// pastedSecret recognises a key or token by its start. Codes of the same server may share the longer start.
func pastedSecret(text string, p provider.Provider) error {
	switch {
	case p.OAuth.TokenPrefix != "" && strings.HasPrefix(text, p.OAuth.TokenPrefix):
		return &PastedSecretError{What: "an access token", Title: p.Title}
	case isKey(text, p) && !strings.HasPrefix(text, p.OAuth.IssuedPrefix):
		return &PastedSecretError{What: "an API key", Title: p.Title}
	}
	return nil
}

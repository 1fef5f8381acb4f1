package auth

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/uselamina/lamina/internal/provider"
)

// An authResponse is the authorization response (RFC 6749 section 4.1.2), from the redirect or pasted by the user.
type authResponse struct {
	code, state, iss       string
	errorCode, description string // error and error_description; code is then empty
	isBare                 bool   // only a code was pasted, without the rest of the response
	problem                string // what is wrong with a response that has the right state; empty if nothing is
}

// An attempt is one sign-in: the values that its authorization response must match.
type attempt struct {
	provider        provider.Provider
	server          Server
	client          Client
	state, verifier string
	first           *grant // of the preceding attempt, which had no refresh token; see consent.go
}

// parseResponse reads the query of a redirect. A parameter must not occur twice (RFC 6749 section 3.1).
func parseResponse(q url.Values) (authResponse, error) {
	for _, name := range []string{"code", "state", "iss", "error", "error_description"} {
		if len(q[name]) > 1 {
			return authResponse{}, fmt.Errorf("contains %s twice", name)
		}
	}
	r := authResponse{
		code: q.Get("code"), state: q.Get("state"), iss: q.Get("iss"),
		errorCode: clean(q.Get("error"), 60), description: clean(q.Get("error_description"), 200),
	}
	if r.errorCode == "" && !isToken(r.code) {
		return authResponse{}, errors.New("contains neither a code nor an error")
	}
	return r, nil
}

// hasState reports whether a response with this state belongs to the attempt.
func (t *attempt) hasState(state string) bool {
	return subtle.ConstantTimeCompare([]byte(state), []byte(t.state)) == 1
}

// check returns the error of a response, and nil if the code may be used. It checks the issuer if the response names one. A
// server whose metadata promises an issuer must name it (RFC 9207), except for a bare code, which has none; PKCE prevents the
// use of a code from another sign-in.
func (t *attempt) check(r authResponse) error {
	switch {
	case r.problem != "":
		return &ResponseError{Doing: "sign in", Host: hostOf(t.server.Issuer), Detail: r.problem}
	case r.iss != "" && !t.server.isIssuer(r.iss):
		return &ResponseError{Doing: "sign in", Host: hostOf(t.server.Issuer), Detail: "was issued by another server: " + clean(r.iss, 100)}
	case r.iss == "" && t.server.sendsIssuer && !r.isBare:
		return &ResponseError{Doing: "sign in", Host: hostOf(t.server.Issuer), Detail: "does not name its issuer"}
	case r.errorCode == "access_denied":
		return &DeniedError{Description: r.description}
	case r.errorCode != "":
		return &OAuthError{Doing: "sign in", Code: r.errorCode, Description: r.description}
	}
	return nil
}

// PastedError means that a pasted text is not the authorization response of this sign-in. The user may paste again.
type PastedError struct {
	Detail string
}

// Error describes the problem and what to paste.
func (e *PastedError) Error() string { return e.Detail }

// PastedSecretError means that the user pasted an API key or a token in place of the authorization response.
type PastedSecretError struct {
	What  string // "an API key" or "an access token"
	Title string // of the service
}

// Error describes the problem.
func (e *PastedSecretError) Error() string {
	return fmt.Sprintf("that is %s of %s, not the code from the browser", e.What, e.Title)
}

// readPaste reads a pasted text: the last address in the browser, its query, "code#state", or a bare code. Errors:
// *PastedError, *PastedSecretError.
func (t *attempt) readPaste(text string) (authResponse, error) {
	text = strings.Trim(clean(text, 16<<10), ` "'<>`)
	if err := pastedSecret(text, t.provider); err != nil {
		return authResponse{}, err
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
		return authResponse{}, &PastedError{"the text is empty: paste the address that the browser shows after you approve"}
	case strings.Contains(text, "://") || !isToken(code):
		return authResponse{}, &PastedError{"that is not a code: paste the whole address that the browser shows after you approve"}
	case found && !t.hasState(state):
		return authResponse{}, &PastedError{"that code belongs to another sign-in: approve this one, and paste the code that it shows"}
	}
	return authResponse{code: code, isBare: true}, nil
}

func looksLikeQuery(text string) bool {
	return strings.HasPrefix(text, "code=") || strings.HasPrefix(text, "state=") || strings.Contains(text, "&code=")
}

func (t *attempt) readPastedQuery(query string) (authResponse, error) {
	query, _, _ = strings.Cut(query, "#") // some servers append #_=_
	q, err := url.ParseQuery(query)
	if err != nil {
		return authResponse{}, &PastedError{"that address is damaged: copy the whole address again"}
	}
	if q.Get("response_type") != "" {
		return authResponse{}, &PastedError{"that is the address to open: approve there, and paste the address that the browser shows then"}
	}
	r, err := parseResponse(q)
	switch {
	case err != nil:
		return authResponse{}, &PastedError{"that address is not the result of the approval (it " + err.Error() + ")"}
	case !t.hasState(r.state):
		return authResponse{}, &PastedError{"that address belongs to another sign-in: approve this one, and paste the address that the browser shows then"}
	}
	return r, nil
}

// pastedSecret recognizes an API key or an access token by its prefix. A code of the same server may begin with the prefix
// of the keys that it issues.
func pastedSecret(text string, p provider.Provider) error {
	_, isKey := p.Shape(text)
	switch {
	case p.OAuth.TokenPrefix != "" && strings.HasPrefix(text, p.OAuth.TokenPrefix):
		return &PastedSecretError{What: "an access token", Title: p.Title}
	case isKey && !strings.HasPrefix(text, p.OAuth.IssuedPrefix):
		return &PastedSecretError{What: "an API key", Title: p.Title}
	}
	return nil
}

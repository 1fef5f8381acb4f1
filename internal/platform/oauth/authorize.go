package oauth

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/page"
)

// serveAuthorize starts the code flow (RFC 6749 §4.1.1). A mistake in the client id or the redirect URI is shown on a page;
// other mistakes are sent to the redirect URI.
func (s *Server) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	query := r.URL.Query()
	req := consent{
		ClientID: query.Get("client_id"), RedirectURI: query.Get("redirect_uri"), State: query.Get("state"),
		ExpiresAt: s.Clock.Now().Add(consentTTL),
	}
	var c client
	s.Store.View(func(tx *wire.Tx) { c, _ = wire.Get[client](tx, bucketClients, req.ClientID) })
	if m, isUnsafe := checkRedirectTarget(c, query); isUnsafe {
		page.RenderMessage(w, http.StatusBadRequest, m)
		return
	}
	if refused := req.check(c, r.URL.RawQuery); refused != nil {
		http.Redirect(w, r, s.redirectTo(req, url.Values{"error": {refused.Code}, "error_description": {refused.Description}}),
			http.StatusSeeOther)
		return
	}
	next, err := s.startConsent(req)
	if err != nil {
		page.RenderMessage(w, http.StatusInternalServerError, page.NotSaved())
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// checkRedirectTarget reports whether an authorization request must not be answered at its redirect URI, with a message
// for the user.
func checkRedirectTarget(c client, query url.Values) (m page.Message, isUnsafe bool) {
	switch {
	case c.ID == "" || len(query["client_id"]) > 1:
		return page.Message{
			Icon: page.IconProblem, Title: "This app is not known here",
			Text: "It has to register with this platform first. Start the sign-in again from the app.",
		}, true
	case len(query["redirect_uri"]) != 1 || !c.redirectsTo(query.Get("redirect_uri")):
		return page.Message{
			Icon: page.IconProblem, Title: "This sign-in would end in the wrong place",
			Text: "The app did not register the address to return to, so nothing was sent there.",
		}, true
	}
	return page.Message{}, false
}

// isChallenge reports whether s has the form of an S256 code challenge (RFC 7636 §4.2).
func isChallenge(s string) bool { return len(s) == 43 && hasOnly(s, "-_") }

// hasOnly reports whether s has only ASCII letters, digits and the characters of others.
func hasOnly(s, others string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(others, r) {
			return false
		}
	}
	return true
}

// check validates an authorization request with a valid redirect URI, and sets its challenge and scope.
func (c *consent) check(by client, rawQuery string) *refusal {
	p, refused := parseForm(rawQuery)
	if refused == nil {
		refused = p.require("response_type")
	}
	if refused != nil {
		return refused
	}
	switch {
	case p["response_type"] != "code":
		return refuse("unsupported_response_type", "Only the response type code is supported")
	case !by.allows(grantCode):
		return refuse("unauthorized_client", "The client did not register for this grant type")
	case p["code_challenge_method"] != "S256":
		return refuse("invalid_request", "PKCE is required: send code_challenge and code_challenge_method=S256")
	case !isChallenge(p["code_challenge"]):
		return refuse("invalid_request", "The code_challenge is not a SHA-256 in unpadded base64url")
	}
	c.Challenge = p["code_challenge"]
	c.Scope, refused = narrowScope(p["scope"], by.Scope)
	return refused
}

// startConsent stores a request and returns the next address: the consent page or, with AutoApprove, the redirect URI with
// an authorization response.
func (s *Server) startConsent(req consent) (next string, err error) {
	id := wire.RandomToken(24)
	next = "/oauth/consent?request=" + id
	err = s.Store.Update(func(tx *wire.Tx) error {
		s.sweep(tx)
		if s.opts.AutoApprove {
			next = s.approve(tx, &req, wire.SampleWorkspaces()[0].ID)
			return nil
		}
		wire.Put(tx, bucketConsents, s.Secrets.Digest(id), req)
		return nil
	})
	return next, err
}

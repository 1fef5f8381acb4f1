package platform

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A consent is an authorization request that waits for a person's answer. It stays after the answer until it expires,
// because a person may click twice, and the browser shows only what the second click brings.
type consent struct {
	ClientID    string    `json:"clientId"`
	RedirectURI string    `json:"redirectUri"`
	State       string    `json:"state"`
	Scope       string    `json:"scope"`
	Challenge   string    `json:"challenge"`
	ExpiresAt   time.Time `json:"expiresAt"`
	CodeID      string    `json:"codeId,omitempty"` // key in bucketCodes of the code that was given
	Denied      bool      `json:"denied,omitempty"`
}

// serveAuthorize starts the code flow (RFC 6749 §4.1.1). What is wrong with the client or the redirect URI is told to
// the person; only then is there an address that may be told the rest.
func (s *Server) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	query := r.URL.Query()
	req := consent{
		ClientID: query.Get("client_id"), RedirectURI: query.Get("redirect_uri"), State: query.Get("state"),
		ExpiresAt: s.now().Add(consentTTL),
	}
	var c client
	s.store.view(func(tx *tx) { c, _ = get[client](tx, bucketClients, req.ClientID) })
	if m, ok := unsafeToAnswer(c, query); ok {
		renderMessage(w, http.StatusBadRequest, m)
		return
	}
	if refusal := req.check(c, r.URL.RawQuery); refusal != nil {
		http.Redirect(w, r, s.redirect(req, url.Values{"error": {refusal.Code}, "error_description": {refusal.Description}}),
			http.StatusSeeOther)
		return
	}
	next, err := s.startConsent(req)
	if err != nil {
		renderMessage(w, http.StatusInternalServerError, messageNotSaved)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// unsafeToAnswer says what is wrong with the client and the redirect URI of an authorization request.
func unsafeToAnswer(c client, query url.Values) (message, bool) {
	switch {
	case c.ID == "" || len(query["client_id"]) > 1:
		return message{
			iconProblem, "This app is not known here",
			"It has to register with this platform first. Start the sign-in again from the app.",
		}, true
	case len(query["redirect_uri"]) != 1 || !c.redirectsTo(query.Get("redirect_uri")):
		return message{
			iconProblem, "This sign-in would end in the wrong place",
			"The address to return to is not one that the app registered, so nothing was sent there.",
		}, true
	}
	return message{}, false
}

// isChallenge reports whether s has the form of an S256 code challenge (RFC 7636 §4.2).
func isChallenge(s string) bool { return len(s) == 43 && hasOnly(s, "-_") }

// hasOnly reports whether s is made of ASCII letters, digits and the characters of others.
func hasOnly(s, others string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(others, r) {
			return false
		}
	}
	return true
}

// check checks what is left of an authorization request once the redirect URI is proven, and fills in c.
func (c *consent) check(by client, rawQuery string) *oauthError {
	p, refusal := parseForm(rawQuery)
	if refusal == nil {
		refusal = p.require("response_type")
	}
	if refusal != nil {
		return refusal
	}
	switch {
	case p["response_type"] != "code":
		return deny("unsupported_response_type", "Only the response type code is supported")
	case !by.may(grantCode):
		return deny("unauthorized_client", "The client did not register for this grant type")
	case p["code_challenge_method"] != "S256":
		return deny("invalid_request", "PKCE is required: send code_challenge and code_challenge_method=S256")
	case !isChallenge(p["code_challenge"]):
		return deny("invalid_request", "The code_challenge is not a SHA-256 in unpadded base64url")
	}
	c.Challenge = p["code_challenge"]
	c.Scope, refusal = narrowScope(p["scope"], by.Scope)
	return refusal
}

// redirect returns where the browser takes an answer, which names its issuer (RFC 9207) and the state it answers.
func (s *Server) redirect(req consent, answer url.Values) string {
	answer.Set("iss", s.issuer())
	if req.State != "" {
		answer.Set("state", req.State)
	}
	u, _ := url.Parse(req.RedirectURI) // was parsed when it was checked
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += answer.Encode()
	return u.String()
}

// startConsent keeps a request and returns where it goes on: the page that asks the person or, where the platform
// answers for the person, back to the client.
func (s *Server) startConsent(req consent) (next string, err error) {
	id := randomToken(24)
	next = "/oauth/consent?request=" + id
	err = s.store.update(func(tx *tx) error {
		s.sweepOAuth(tx)
		if s.opts.AutoApprove {
			next = s.approve(tx, &req, sampleWorkspaces[0].ID)
			return nil
		}
		put(tx, bucketConsents, s.digest(id), req)
		return nil
	})
	return next, err
}

// approve gives a code for a request and returns the redirect that carries it.
func (s *Server) approve(tx *tx, req *consent, workspaceID string) string {
	code := randomToken(32)
	g := s.newGrant(tx, req.ClientID, workspaceID, req.Scope, codeTTL)
	req.CodeID = s.digest(code)
	put(tx, bucketCodes, req.CodeID, authorizationCode{
		GrantID: g.ID, ClientID: req.ClientID, RedirectURI: req.RedirectURI, Challenge: req.Challenge, ExpiresAt: g.ExpiresAt,
	})
	return s.redirect(*req, url.Values{"code": {code}})
}

// showConsent asks the person.
func (s *Server) showConsent(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("request")
	var page consentPage
	var problem *message
	s.store.view(func(tx *tx) {
		var req consent
		if req, problem = s.openConsent(tx, id); problem == nil {
			page = newConsentPage(tx, req.ClientID, req.Scope)
			page.Host = hostOf(req.RedirectURI)
		}
	})
	if problem != nil {
		renderMessage(w, http.StatusBadRequest, *problem)
		return
	}
	page.Action, page.Field, page.Subject = "/oauth/consent", "request", id
	page.FormToken = s.issueFormToken(w, r, page.Action, id)
	render(w, http.StatusOK, consentHTML(page))
}

// openConsent returns a request that the person can still answer, or what to tell the person instead.
func (s *Server) openConsent(tx *tx, id string) (consent, *message) {
	req, ok := get[consent](tx, bucketConsents, s.digest(id))
	if !ok || !s.now().Before(req.ExpiresAt) {
		return req, &messageConsentOver
	}
	code, _ := get[authorizationCode](tx, bucketCodes, req.CodeID)
	if code.UsedAt != nil {
		return req, &messageConsentAnswered
	}
	return req, nil
}

// answerConsent takes the person's answer to the client.
func (s *Server) answerConsent(w http.ResponseWriter, r *http.Request) {
	form, ok := s.readForm(w, r, "request")
	if !ok {
		return
	}
	var next string
	var problem *message
	var name string
	err := s.store.update(func(tx *tx) error {
		var req consent
		if req, problem = s.openConsent(tx, form.subject); problem != nil {
			return nil
		}
		next, problem = s.decide(tx, &req, form)
		put(tx, bucketConsents, s.digest(form.subject), req)
		name = clientName(tx, req.ClientID)
		return nil
	})
	switch {
	case err != nil:
		renderMessage(w, http.StatusInternalServerError, messageNotSaved)
	case problem != nil:
		renderMessage(w, http.StatusBadRequest, *problem)
	default:
		renderReturn(w, name, next)
	}
}

// decide records an answer and returns the redirect that carries it. An earlier answer that the client has not used
// is replaced.
func (s *Server) decide(tx *tx, req *consent, form answer) (next string, problem *message) {
	if form.approved && req.Denied {
		return "", &messageConsentAnswered
	}
	if form.approved && !isMember(tx, form.workspaceID) {
		return "", &messageNoWorkspace
	}
	if code, ok := get[authorizationCode](tx, bucketCodes, req.CodeID); ok {
		s.revokeGrant(tx, code.GrantID)
	}
	if form.approved {
		return s.approve(tx, req, form.workspaceID), nil
	}
	req.Denied = true
	return s.redirect(*req, url.Values{
		"error": {"access_denied"}, "error_description": {"The person denied the request"},
	}), nil
}

// isMember reports whether the signed-in person belongs to a workspace.
func isMember(tx *tx, workspaceID string) bool {
	u, _ := get[user](tx, bucketUsers, sampleUser.ID)
	_, ok := u.Roles[workspaceID]
	return ok
}

// clientName is how a client is named to a person.
func clientName(tx *tx, id string) string {
	c, _ := get[client](tx, bucketClients, id)
	if c.Name == "" {
		return "An app without a name"
	}
	return c.Name
}

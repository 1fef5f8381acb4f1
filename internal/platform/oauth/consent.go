package oauth

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/page"
)

// A consent is an authorization request that waits for a decision of the user. It remains until it expires, because a user
// may click twice, and the browser then shows only the second answer.
type consent struct {
	ClientID    string    `json:"clientId"`
	RedirectURI string    `json:"redirectUri"`
	State       string    `json:"state"`
	Scope       string    `json:"scope"`
	Challenge   string    `json:"challenge"`
	ExpiresAt   time.Time `json:"expiresAt"`
	CodeID      string    `json:"codeId,omitempty"` // key in bucketCodes of the issued code
	Denied      bool      `json:"denied,omitempty"`
}

// approve issues a code for a request and returns the redirect with the code.
func (s *Server) approve(tx *wire.Tx, req *consent, workspaceID string) string {
	code := wire.RandomToken(32)
	g := s.newGrant(tx, req.ClientID, workspaceID, req.Scope, codeTTL)
	req.CodeID = s.Secrets.Digest(code)
	wire.Put(tx, bucketCodes, req.CodeID, authorizationCode{
		GrantID: g.ID, ClientID: req.ClientID, RedirectURI: req.RedirectURI, Challenge: req.Challenge, ExpiresAt: g.ExpiresAt,
	})
	return s.redirectTo(*req, url.Values{"code": {code}})
}

// showConsent draws the consent page of a request.
func (s *Server) showConsent(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("request")
	var view consentPage
	var problem *page.Message
	s.Store.View(func(tx *wire.Tx) {
		var req consent
		if req, problem = s.openConsent(tx, id); problem == nil {
			view = newConsentPage(tx, req.ClientID, req.Scope)
			view.host = hostOf(req.RedirectURI)
		}
	})
	if problem != nil {
		page.RenderMessage(w, http.StatusBadRequest, *problem)
		return
	}
	view.action, view.field, view.subject = "/oauth/consent", "request", id
	view.formToken = s.forms.IssueToken(w, r, view.action, id)
	page.Render(w, http.StatusOK, view.draw())
}

// openConsent returns a request that the user can still answer, or a message for the user.
func (s *Server) openConsent(tx *wire.Tx, id string) (consent, *page.Message) {
	req, ok := wire.Get[consent](tx, bucketConsents, s.Secrets.Digest(id))
	if !ok || !s.Clock.Now().Before(req.ExpiresAt) {
		return req, consentExpired()
	}
	code, _ := wire.Get[authorizationCode](tx, bucketCodes, req.CodeID)
	if code.UsedAt != nil {
		return req, consentAnswered()
	}
	return req, nil
}

// answerConsent stores the decision of the user and returns the browser to the client.
func (s *Server) answerConsent(w http.ResponseWriter, r *http.Request) {
	form, ok := s.readDecision(w, r, "request")
	if !ok {
		return
	}
	var next string
	var problem *page.Message
	var name string
	err := s.Store.Update(func(tx *wire.Tx) error {
		var req consent
		if req, problem = s.openConsent(tx, form.subject); problem != nil {
			return nil
		}
		next, problem = s.decide(tx, &req, form)
		wire.Put(tx, bucketConsents, s.Secrets.Digest(form.subject), req)
		name = clientName(tx, req.ClientID)
		return nil
	})
	switch {
	case err != nil:
		page.RenderMessage(w, http.StatusInternalServerError, page.NotSaved())
	case problem != nil:
		page.RenderMessage(w, http.StatusBadRequest, *problem)
	default:
		renderReturn(w, name, next)
	}
}

// decide stores a decision and returns the redirect to the client. It replaces an earlier decision that the client has not
// used.
func (s *Server) decide(tx *wire.Tx, req *consent, form decision) (next string, problem *page.Message) {
	if form.isApproved && req.Denied {
		return "", consentAnswered()
	}
	if form.isApproved && !isMember(tx, form.workspaceID) {
		return "", noWorkspace()
	}
	if code, ok := wire.Get[authorizationCode](tx, bucketCodes, req.CodeID); ok {
		s.revokeGrant(tx, code.GrantID)
	}
	if form.isApproved {
		return s.approve(tx, req, form.workspaceID), nil
	}
	req.Denied = true
	return s.redirectTo(*req, url.Values{
		"error": {"access_denied"}, "error_description": {"The user denied the request"},
	}), nil
}

// isMember reports whether the signed-in user belongs to a workspace.
func isMember(tx *wire.Tx, workspaceID string) bool {
	_, memberships := wire.Memberships(tx, wire.SampleUser().ID)
	return slices.ContainsFunc(memberships, func(m wire.Membership) bool { return m.ID == workspaceID })
}

// A decision is the answer of a user on a consent page.
type decision struct {
	subject     string // id of a request, or a user code
	isApproved  bool
	workspaceID string
}

// readDecision reads the form of a consent page. field has the subject. If the form is not valid, readDecision answers.
func (s *Server) readDecision(w http.ResponseWriter, r *http.Request, field string) (decision, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, page.MaxForm)
	subject := r.PostFormValue(field)
	if !s.forms.IsValid(r, r.URL.Path, subject) {
		page.RenderMessage(w, http.StatusForbidden, formInvalid())
		return decision{}, false
	}
	choice := r.PostFormValue("decision")
	if choice != "approve" && choice != "deny" {
		page.RenderMessage(w, http.StatusBadRequest, formInvalid())
		return decision{}, false
	}
	return decision{subject: subject, isApproved: choice == "approve", workspaceID: r.PostFormValue("workspace")}, true
}

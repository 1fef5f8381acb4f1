package platform

import (
	"crypto/hmac"
	"net/http"
)

// An answer is what a person decided on a consent page.
type answer struct {
	subject     string // what is answered: the id of a request, or a user code
	approved    bool
	workspaceID string
}

// A form can be sent only from the page that the platform showed: it carries a token which belongs to its subject and
// to a cookie of this browser. Another page can neither read the token nor, as the cookie is SameSite=Strict, send it.

// issueFormToken returns the token for a form about a subject, and gives the browser the cookie that goes with it. Each
// subject has its own cookie, so that two pages can be open side by side.
func (s *Server) issueFormToken(w http.ResponseWriter, r *http.Request, action, subject string) string {
	name := s.formCookie(subject)
	value := randomToken(24)
	if cookie, err := r.Cookie(name); err == nil {
		value = cookie.Value
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // not Secure: the platform is reached over http, on this machine
		Name: name, Value: value, Path: action, MaxAge: int(deviceTTL.Seconds()), HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	})
	return s.formToken(action, subject, value)
}

func (s *Server) formCookie(subject string) string {
	return "lamina_form_" + s.digest("form cookie\n" + subject)[:16]
}

func (s *Server) formToken(action, subject, cookie string) string {
	return s.digest("form token\n" + action + "\n" + subject + "\n" + cookie)
}

// isOurForm reports whether a form was sent from the page that the platform showed about a subject.
func (s *Server) isOurForm(r *http.Request, action, subject string) bool {
	cookie, err := r.Cookie(s.formCookie(subject))
	return err == nil && http.NewCrossOriginProtection().Check(r) == nil &&
		hmac.Equal([]byte(r.PostFormValue("form_token")), []byte(s.formToken(action, subject, cookie.Value)))
}

// readForm reads a person's answer about the subject in a field, or tells the browser why it is not accepted.
func (s *Server) readForm(w http.ResponseWriter, r *http.Request, field string) (answer, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxOAuthBody)
	subject := r.PostFormValue(field)
	if !s.isOurForm(r, r.URL.Path, subject) {
		renderMessage(w, http.StatusForbidden, messageForged)
		return answer{}, false
	}
	decision := r.PostFormValue("decision")
	if decision != "approve" && decision != "deny" {
		renderMessage(w, http.StatusBadRequest, messageForged)
		return answer{}, false
	}
	return answer{subject: subject, approved: decision == "approve", workspaceID: r.PostFormValue("workspace")}, true
}

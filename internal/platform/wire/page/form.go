package page

import (
	"crypto/hmac"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// MaxForm is the largest body of a form, in bytes.
const MaxForm = 64 << 10

// formTTL is how long a browser keeps the cookie of a form.
const formTTL = 15 * time.Minute

// Forms protects forms against requests of other sites. A form carries a token that belongs to its action, its subject
// and a cookie of the browser. Another site cannot read the token and, because the cookie is SameSite=Strict, cannot
// send the cookie.
type Forms struct{ Secrets *wire.Secrets }

// IssueToken returns the token of a form and sets its cookie. Each subject has a cookie of its own, so that two pages
// can be open at the same time.
func (f Forms) IssueToken(w http.ResponseWriter, r *http.Request, action, subject string) string {
	name := f.cookieName(subject)
	value := wire.RandomToken(24)
	if cookie, err := r.Cookie(name); err == nil {
		value = cookie.Value
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // not Secure: the platform is served over http on this machine
		Name: name, Value: value, Path: action, MaxAge: int(formTTL.Seconds()), HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	})
	return f.token(action, subject, value)
}

func (f Forms) cookieName(subject string) string {
	return "lamina_form_" + f.Secrets.Digest("form cookie\n" + subject)[:16]
}

func (f Forms) token(action, subject, cookie string) string {
	return f.Secrets.Digest("form token\n" + action + "\n" + subject + "\n" + cookie)
}

// IsValid reports whether a form was sent from the page of the platform with this action and subject.
func (f Forms) IsValid(r *http.Request, action, subject string) bool {
	cookie, err := r.Cookie(f.cookieName(subject))
	return err == nil && http.NewCrossOriginProtection().Check(r) == nil &&
		hmac.Equal([]byte(r.PostFormValue("form_token")), []byte(f.token(action, subject, cookie.Value)))
}

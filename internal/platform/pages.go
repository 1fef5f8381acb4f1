package platform

import (
	"embed"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	g "maragu.dev/gomponents"

	"github.com/uselamina/lamina/internal/api"
)

//go:embed pages/style.css pages/icon.svg
var pageFiles embed.FS

// pagePolicy allows a page its own style sheet and icon, and to send its forms back here. The answer to a form is never
// a redirect to a client: Chromium applies form-action to every redirect that follows a form, and so would stop clients
// that send the browser on from their callback (see renderReturn).
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; " +
	"frame-ancestors 'none'"

// A consentPage asks the person to approve or deny what an app, or the device that shows UserCode, wants.
type consentPage struct {
	Client     string
	Host       string // where the browser returns to; empty for a device
	UserCode   string // empty unless a device asks
	User       api.User
	Scopes     []scope
	Workspaces []api.Membership

	Action    string // path that takes the answer
	Field     string // name of the field that says what is answered
	Subject   string // its value
	FormToken string
}

// A devicePage asks for a user code.
type devicePage struct {
	Code    string // as typed before
	Problem string // with what was typed before
}

// A message tells the person how something ended.
type message struct{ Icon, Title, Text string }

// The icons of a message.
const (
	iconDone    = "done"
	iconDenied  = "denied"
	iconProblem = "problem"
)

// What the pages say when there is nothing to answer.
var (
	messageNotSaved = message{
		iconProblem, "That could not be saved",
		"The platform could not write its state. Look at its output, then try again.",
	}
	messageConsentOver = message{
		iconProblem, "This request is over",
		"A request waits ten minutes for an answer. Start the sign-in again from the app.",
	}
	messageConsentAnswered = message{
		iconProblem, "This request was answered before",
		"You can close this page. To sign in again, start from the app.",
	}
	messageNoWorkspace = message{
		iconProblem, "No workspace was chosen",
		"Go back and choose one of your workspaces.",
	}
	messageForged = message{
		iconProblem, "This answer could not be checked",
		"It did not come from the page that asked you, or that page is too old. Start the sign-in again from the app.",
	}
	messageTooManyGuesses = message{
		iconProblem, "Too many wrong codes",
		"To keep codes from being guessed, no more are taken for ten minutes. Then ask the device for a new one.",
	}
	messageDeviceApproved = message{
		iconDone, "Your device is signed in",
		"You can close this page and go back to your terminal.",
	}
	messageDeviceDenied = message{
		iconDenied, "You denied the request",
		"The device gets no access. You can close this page.",
	}
	messageDeviceOver = message{
		iconProblem, "This code has expired",
		"Codes live for fifteen minutes. Ask the device for a new one.",
	}
)

// newConsentPage describes what a client asks of the signed-in person.
func newConsentPage(tx *tx, clientID, scopeNames string) consentPage {
	names := strings.Fields(scopeNames)
	who := account(tx, principal{UserID: sampleUser.ID})
	return consentPage{
		Client: clientName(tx, clientID), User: who.User, Workspaces: who.Memberships,
		Scopes: slices.DeleteFunc(slices.Clone(supportedScopes), func(sc scope) bool { return !slices.Contains(names, sc.Name) }),
	}
}

// render answers with a page that no cache keeps, no other page frames, and that tells nobody where it was.
func render(w http.ResponseWriter, status int, page g.Node) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = page.Render(w) // fails only if the browser has left
}

func renderMessage(w http.ResponseWriter, status int, m message) { render(w, status, messageHTML(m)) }

// renderReturn sends the browser back to a client with a page that moves on by itself, where a redirect would fall
// under form-action.
func renderReturn(w http.ResponseWriter, client, next string) {
	w.Header().Set("Refresh", "0; url="+next)
	render(w, http.StatusOK, returnHTML(client, next))
}

// renderDeviceOutcome says how a device authorization request ended.
func renderDeviceOutcome(w http.ResponseWriter, d device, now time.Time) {
	switch {
	case d.State == deviceApproved || d.State == deviceUsed:
		renderMessage(w, http.StatusOK, messageDeviceApproved)
	case d.State == deviceDenied:
		renderMessage(w, http.StatusOK, messageDeviceDenied)
	case !now.Before(d.ExpiresAt):
		renderMessage(w, http.StatusGone, messageDeviceOver)
	default:
		renderMessage(w, http.StatusBadRequest, messageNoWorkspace)
	}
}

// showHome says what this server is and where to go.
func (s *Server) showHome(w http.ResponseWriter, _ *http.Request) {
	render(w, http.StatusOK, homeHTML(s.opts.BaseURL, sampleUser.Email))
}

// servePageFile serves the style sheet or the icon of the pages.
func servePageFile(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, pageFiles, "pages/"+path.Base(r.URL.Path))
}

func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return u.Host
}

package oauth

import (
	"net/http"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/page"
)

// A devicePage asks for a user code.
type devicePage struct {
	code    string // as typed before
	problem string // with the typed code
}

// showDevice draws the page that asks for a user code or, with a user code in the address, the consent page of its device.
func (s *Server) showDevice(w http.ResponseWriter, r *http.Request) {
	typed := r.URL.Query().Get("user_code")
	if strings.TrimSpace(typed) == "" {
		page.Render(w, http.StatusOK, devicePage{}.draw())
		return
	}
	userCode, ok := readUserCode(typed)
	if !ok {
		page.Render(w, http.StatusBadRequest, devicePage{
			code: wire.CleanText(typed, 20), problem: "A code has eight letters, like BCDF-GHJK. It has no digits and no vowels.",
		}.draw())
		return
	}
	found, err := s.lookUpDevice(r, userCode)
	switch {
	case err != nil:
		page.RenderMessage(w, http.StatusInternalServerError, page.NotSaved())
	case found.isLocked:
		page.RenderMessage(w, http.StatusTooManyRequests, tooManyGuesses())
	case !found.isKnown:
		page.Render(w, http.StatusNotFound, devicePage{
			code: userCode, problem: "No device shows this code. Compare it letter by letter, or ask the device for a new one.",
		}.draw())
	case found.consent == nil:
		renderDeviceOutcome(w, found.device, s.Clock.Now())
	default:
		found.consent.formToken = s.forms.IssueToken(w, r, "/device", userCode)
		page.Render(w, http.StatusOK, found.consent.draw())
	}
}

// A foundDevice is the result of looking up a user code.
type foundDevice struct {
	device   device
	isKnown  bool
	isLocked bool         // after too many wrong codes
	consent  *consentPage // nil if the user can no longer answer
}

// lookUpDevice looks up a user code and counts a wrong one.
func (s *Server) lookUpDevice(r *http.Request, userCode string) (found foundDevice, err error) {
	address := wire.ClientAddress(r)
	err = s.Store.Update(func(tx *wire.Tx) error {
		g, _ := wire.Get[guesses](tx, bucketGuesses, address)
		if s.Clock.Now().Sub(g.Since) >= guessWindow {
			g = guesses{Since: s.Clock.Now()}
		}
		if found.isLocked = g.Wrong >= maxGuesses; found.isLocked {
			return nil
		}
		if found.device, _, found.isKnown = s.findDevice(tx, userCode); !found.isKnown {
			g.Wrong++
			bound(tx)
			wire.Put(tx, bucketGuesses, address, g)
			return nil
		}
		if d := found.device; d.State == devicePending && s.Clock.Now().Before(d.ExpiresAt) {
			view := newConsentPage(tx, d.ClientID, d.Scope)
			view.action, view.field, view.subject, view.userCode = "/device", "user_code", userCode, userCode
			found.consent = &view
		}
		return nil
	})
	return found, err
}

// findDevice returns the device with a user code, and its key in bucketDevices.
func (s *Server) findDevice(tx *wire.Tx, userCode string) (d device, id string, ok bool) {
	id, ok = wire.Get[string](tx, bucketUserCodes, s.Secrets.Digest(userCode))
	if !ok {
		return device{}, "", false
	}
	d, ok = wire.Get[device](tx, bucketDevices, id)
	return d, id, ok
}

// answerDevice stores the decision of the user about a device. The form token proves that the page of this code was shown,
// so a client cannot guess codes here.
func (s *Server) answerDevice(w http.ResponseWriter, r *http.Request) {
	form, ok := s.readDecision(w, r, "user_code")
	if !ok {
		return
	}
	var d device
	err := s.Store.Update(func(tx *wire.Tx) error {
		var id string
		d, id, ok = s.findDevice(tx, form.subject)
		if !ok || d.State != devicePending || !s.Clock.Now().Before(d.ExpiresAt) {
			return nil
		}
		switch {
		case !form.isApproved:
			d.State = deviceDenied
		case isMember(tx, form.workspaceID):
			s.approveDevice(tx, &d, form.workspaceID)
		}
		wire.Put(tx, bucketDevices, id, d)
		return nil
	})
	if err != nil {
		page.RenderMessage(w, http.StatusInternalServerError, page.NotSaved())
		return
	}
	renderDeviceOutcome(w, d, s.Clock.Now())
}

// renderDeviceOutcome draws the state of a device authorization request.
func renderDeviceOutcome(w http.ResponseWriter, d device, now time.Time) {
	switch {
	case d.State == deviceApproved || d.State == deviceUsed:
		page.RenderMessage(w, http.StatusOK, deviceIsApproved())
	case d.State == deviceDenied:
		page.RenderMessage(w, http.StatusOK, deviceIsDenied())
	case !now.Before(d.ExpiresAt):
		page.RenderMessage(w, http.StatusGone, deviceExpired())
	default:
		page.RenderMessage(w, http.StatusBadRequest, *noWorkspace())
	}
}

func (p devicePage) draw() g.Node {
	isWrong := p.problem != ""
	return page.Layout("Sign in a device",
		h.H1(g.Text("Sign in a device")),
		h.P(h.Class("lead"), g.Text("Type the code that your terminal or device shows.")),
		h.Form(
			h.Method("get"), h.Action("/device"),
			h.Label(h.Class("field-label"), h.For("user_code"), g.Text("Code")),
			h.Input(
				h.Class("field"), h.ID("user_code"), h.Name("user_code"), h.Value(p.code),
				h.Placeholder("XXXX-XXXX"), h.MaxLength("24"), h.Required(), h.AutoFocus(),
				h.AutoComplete("off"), g.Attr("autocapitalize", "characters"), g.Attr("autocorrect", "off"),
				g.Attr("spellcheck", "false"),
				g.If(isWrong, g.Group{h.Aria("invalid", "true"), h.Aria("describedby", "problem")}),
			),
			g.If(isWrong, h.P(h.Class("problem"), h.ID("problem"), h.Role("alert"), g.Text(p.problem))),
			h.Div(h.Class("buttons"), h.Button(h.Class("primary"), g.Text("Continue"))),
		),
		h.P(h.Class("fine"), g.Text("Lamina never asks for a code by mail, phone or chat. "+
			"Type only one that you can see on your own screen.")),
	)
}

package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/auth/safeurl"
)

// probeTimeout limits the request of the authorization page before the browser opens it.
const probeTimeout = 10 * time.Second

// A probe is a request of the authorization page, as a browser would load it. A server reports an unknown client or redirect
// URI on a page of its own, and does not redirect to the client (RFC 6749 section 4.1.2.1), so that only the user would see it.
type probe struct {
	redirectURI string
	found       *pageError // in a redirect
}

// A pageError is an error of the authorization endpoint. It is empty if the page reports none.
type pageError struct {
	code, description string // may be empty
	status            int    // 400 or above; otherwise 0
	isCertain         bool   // a browser would see the same error
}

// probe loads the authorization page of a client. The result is nil if the page reports no error.
func (l *Loopback) probe(ctx context.Context, client Client) (*pageError, error) {
	ctx, cancelProbe := withLimit(ctx, min(probeTimeout, requestLimit(l.HTTP)))
	defer cancelProbe()
	call, cancel := newCall(ctx, l.HTTP, l.Provider.OAuth, "sign in")
	defer cancel()
	p := &probe{redirectURI: client.RedirectURI}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	call.cookies, call.follows = looseJar{jar}, p.follows
	address := l.authorizeURL(&attempt{client: client, state: randomText(32), verifier: randomText(64)})
	req, err := http.NewRequestWithContext(call.ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r, err := call.send(req)
	if err != nil {
		return nil, err
	}
	if p.found != nil {
		return p.found, nil
	}
	return errorOfPage(r), nil
}

// follows allows redirects within the server. It never follows one to the client, and stops at one that reports an error.
func (p *probe) follows(from, to *url.URL) bool {
	isCallback := safeurl.SameOrigin(to.String(), p.redirectURI)
	p.found = errorOfRedirect(to, isCallback)
	return p.found == nil && !isCallback && followSameOrigin(from, to)
}

// errorOfRedirect returns the error in the address of a redirect. The program receives the errors of a redirect to itself, and
// only those of an unusable client matter before.
func errorOfRedirect(to *url.URL, isCallback bool) *pageError {
	for _, text := range []string{to.RawQuery, to.Fragment} {
		q, err := url.ParseQuery(text)
		if err != nil {
			continue
		}
		e := &pageError{code: clean(q.Get("error"), 60), description: clean(q.Get("error_description"), 200), isCertain: true}
		if e.isOfClient() || !isCallback && slices.Contains(requestErrors, e.code) {
			return e
		}
	}
	return nil
}

// The error codes of an authorization endpoint that mean that the client or its redirect URI is not accepted, and those that
// mean that the request can never succeed (RFC 6749 section 4.1.2.1, RFC 7591 section 3.2.2; some are of single servers).
var (
	clientErrors  = []string{"invalid_client", "unauthorized_client", "invalid_client_id", "invalid_redirect_uri", "redirect_uri_mismatch"}
	requestErrors = []string{"invalid_request", "invalid_scope", "unsupported_response_type"}
)

// isOfClient reports whether the error means that the client or its redirect URI is not accepted.
func (e *pageError) isOfClient() bool {
	return slices.Contains(clientErrors, e.code) ||
		e.code == "invalid_request" && strings.Contains(strings.ToLower(e.description), "redirect")
}

// certainStatuses are those that neither a filter that stops programs nor a request for credentials of the network has.
var certainStatuses = []int{http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity}

// errorOfPage returns the error that the last response of a probe reports.
func errorOfPage(r response) *pageError {
	switch {
	case r.status >= 500 || r.status == http.StatusTooManyRequests:
		return &pageError{status: r.status}
	case r.status >= 300 && r.status < 400:
		return nil
	}
	var body struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	var e pageError
	text, isForm := visibleText(string(r.body))
	if json.Unmarshal(r.body, &body) == nil && body.Code != "" {
		e.code, e.description = clean(body.Code, 60), clean(body.Description, 200)
	} else if !isForm {
		e.code = errorInText(text)
	}
	e.isCertain = e.code != ""
	if r.status >= 400 {
		e.status = r.status
		isChallenge := r.header.Get("WWW-Authenticate") != ""
		isBare := len(bytes.TrimSpace(r.body)) == 0 // a filter explains itself
		e.isCertain = e.isCertain || slices.Contains(certainStatuses, r.status) ||
			!isChallenge && (r.status == http.StatusUnauthorized || isBare || !isForm && blamesClient(text))
	}
	if e == (pageError{}) {
		return nil
	}
	return &e
}

// visibleText returns the text of a page, and whether the user can type on it: then it is a sign-in page, whatever it says.
// Scripts are left out, because they may contain the codes of all errors. The address of a page that is shown next is a part of
// the text.
func visibleText(page string) (text string, isForm bool) {
	page = regexp.MustCompile(`(?is)<!--.*?-->|<script\b.*?</script\s*>|<style\b.*?</style\s*>|<template\b.*?</template\s*>`).ReplaceAllString(page, " ")
	hidden := regexp.MustCompile(`(?i)\btype\s*=\s*["']?(hidden|submit|button|image|reset)\b`)
	for _, input := range regexp.MustCompile(`(?is)<(input|textarea|select)\b[^>]*>`).FindAllString(page, -1) {
		if !hidden.MatchString(input) {
			return "", true
		}
	}
	next := regexp.MustCompile(`(?is)<meta\b[^>]*\bhttp-equiv\s*=\s*["']?refresh\b[^>]*>`).FindString(page)
	tags := regexp.MustCompile(`(?s)<[^>]*>`)
	return html.UnescapeString(strings.Trim(next, "<>") + " " + tags.ReplaceAllString(page, " ")), false
}

// errorInText returns the error code of an unusable client in the text of a page; "" if there is none.
func errorInText(text string) string {
	code := regexp.MustCompile(`\b(` + strings.Join(clientErrors, "|") + `|invalid_request)\b`).FindString(text)
	if code == "invalid_request" && !regexp.MustCompile(`(?i)redirect[_ ]?ur[il]`).MatchString(text) {
		return ""
	}
	return code
}

// blamesClient reports whether the text of an error page mentions the client or its redirect URI, other than in the address that
// was requested.
func blamesClient(text string) bool {
	return regexp.MustCompile(`(?i)\b(redirect[_ -]?ur[il]|callback ur[il]|client[_ -]?id|(unknown|invalid|unregistered) client)\b([^=%]|$)`).MatchString(text)
}

// A looseJar keeps the cookies of a server on this machine, as browsers do, although it may require https for them.
type looseJar struct{ http.CookieJar }

// SetCookies implements http.CookieJar.
func (j looseJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		c.Secure = c.Secure && u.Scheme == "https"
	}
	j.CookieJar.SetCookies(u, cookies)
}

// checkGiven returns a *ClientRefusedError if the server certainly refuses a client that the user named. An uncertain error is
// only a warning.
func (l *Loopback) checkGiven(ctx context.Context, client Client) error {
	e, err := l.probe(ctx, client)
	switch {
	case err != nil:
		l.logf("the client could not be checked: %v", err)
	case e != nil && e.isCertain:
		return client.refused("sign in", hostOf(l.Server.AuthorizationEndpoint), e)
	case e != nil && e.status < 500 && l.Warn != nil:
		l.Warn(hostOf(l.Server.AuthorizationEndpoint) + " answers " + statusText(e.status) +
			" to the address of the sign-in; if the browser shows an error, too, check the client ID and its redirect URI")
	}
	return nil
}

// isKnown reports whether the server accepts a client that was registered before.
func (l *Loopback) isKnown(ctx context.Context, client Client) bool {
	e, err := l.probe(ctx, client)
	return err == nil && e == nil
}

func (c Client) refused(doing, host string, e *pageError) error {
	return &ClientRefusedError{
		Doing: doing, Host: host, ClientID: c.ID, RedirectURI: c.RedirectURI, Code: e.code, Description: e.description, Status: e.status,
	}
}

// refusesClient reports whether an error is the server's decision about the request of a client, so that another client may
// be accepted.
func refusesClient(err error) bool {
	var oauth *OAuthError
	var status *StatusError
	var malformed *ResponseError
	switch {
	case errors.As(err, &oauth), errors.As(err, &malformed):
		return true
	case errors.As(err, &status):
		return status.Status < 500 && status.Status != http.StatusTooManyRequests
	}
	return false
}

// describeRefusal returns the *ClientRefusedError of an error that concerns the client: one with such a code, or with one of
// these statuses and no code. It returns other errors as they are.
func (c Client) describeRefusal(err error, statuses ...int) error {
	var oauth *OAuthError
	var status *StatusError
	switch {
	case errors.As(err, &oauth) && slices.Contains(clientErrors, oauth.Code):
		return &ClientRefusedError{
			Doing: oauth.Doing, ClientID: c.ID, RedirectURI: c.RedirectURI, Code: oauth.Code, Description: oauth.Description, Status: oauth.Status,
		}
	case errors.As(err, &status) && slices.Contains(statuses, status.Status):
		return &ClientRefusedError{Doing: status.Doing, Host: status.Host, ClientID: c.ID, RedirectURI: c.RedirectURI, Status: status.Status}
	}
	return err
}

//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
)

// A tokenProxy forwards requests to the platform and calls hooks around each refresh.
type tokenProxy struct {
	*httptest.Server
	busy         sync.WaitGroup
	mu           sync.Mutex
	before       func() // called when a refresh has arrived
	after        func() // called when the platform has rotated the token, before the response is sent
	refusesReuse bool   // refuse a refresh token that arrives twice, which would make the platform end the session
	spent        map[string]bool
}

// newTokenProxy starts a proxy and makes the user's stored session use it.
func newTokenProxy(u *signedInUser) *tokenProxy {
	p := &tokenProxy{spent: map[string]bool{}}
	target, err := url.Parse(u.url)
	if err != nil {
		u.t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.ErrorLog = log.New(io.Discard, "", 0) // killed clients are expected
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/cli/oauth/token" {
			forward.ServeHTTP(w, r)
			return
		}
		p.refresh(w, r, forward)
	}))
	u.t.Cleanup(p.Close)
	u.setAddress(p.URL)
	return p
}

// refresh forwards a refresh and calls the hooks.
func (p *tokenProxy) refresh(w http.ResponseWriter, r *http.Request, platform http.Handler) {
	p.busy.Add(1)
	defer p.busy.Done()
	body, _ := io.ReadAll(r.Body)
	var fields struct {
		Token string `json:"refresh_token"`
	}
	_ = json.Unmarshal(body, &fields)
	p.mu.Lock()
	before, after, isRefused := p.before, p.after, p.refusesReuse && p.spent[fields.Token]
	p.spent[fields.Token] = true
	p.mu.Unlock()
	if isRefused {
		answer(w, http.StatusBadRequest, object{"error": "invalid_grant"})
		return
	}
	if before != nil {
		before()
	}
	rec := httptest.NewRecorder()
	again := r.Clone(context.WithoutCancel(r.Context())) // a service completes a request after its client has died
	again.Body = io.NopCloser(bytes.NewReader(body))
	platform.ServeHTTP(rec, again)
	if after != nil {
		after()
	}
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// setHooks replaces the hooks; nil means none.
func (p *tokenProxy) setHooks(before, after func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before, p.after = before, after
}

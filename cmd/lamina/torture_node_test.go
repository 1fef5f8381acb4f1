//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"
)

// TestTortureNodeClient runs commands next to a simulation of the Node client, which takes no lock, truncates the
// configuration, and writes back what it had read with its own changes. The proxy refuses a refresh token that arrives
// twice without ending the session, as far as is known like the service.
func TestTortureNodeClient(t *testing.T) {
	t.Parallel()
	user := newSignedInUser(t)
	proxy := newTokenProxy(user)
	proxy.refusesReuse = true
	for range tortureRounds() {
		t.Run("Node refreshes first", func(t *testing.T) {
			u := user.with(t)
			u.expireToken()
			rotated := make(chan struct{})
			proxy.setHooks(nil, func() { close(rotated) })
			var node sync.WaitGroup
			node.Go(func() { u.nodeRefresh(proxy, 40*time.Millisecond) })
			<-rotated
			proxy.setHooks(nil, nil)
			u.wantSuccess(u.runParallel(8, "whoami"))
			node.Wait()
			if _, granted := u.countRefreshes(); granted != 1 {
				t.Errorf("got %d granted refreshes, want 1", granted)
			}
			_ = u.refreshToken()
		})
		t.Run("commands refresh first", func(t *testing.T) {
			u := user.with(t)
			u.expireToken()
			u.wantSuccess(u.runParallel(8, "whoami"))
			u.nodeRefresh(proxy, 0)
			u.wantRefreshes(1)
		})
		t.Run("Node writes another setting", func(t *testing.T) {
			u := user.with(t)
			ctx, stop := context.WithCancel(t.Context())
			var node sync.WaitGroup
			node.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					u.nodeWrite(u.document(), func(doc map[string]any) { doc["webhook"] = map[string]any{"port": float64(n)} }, 3*time.Millisecond)
					time.Sleep(30 * time.Millisecond)
				}
			})
			u.wantSuccess(u.runParallel(16, "whoami"))
			stop()
			node.Wait()
		})
	}
}

// nodeRefresh refreshes as the Node client does, if the token expires within a minute. It pauses while it writes.
func (u *signedInUser) nodeRefresh(proxy *tokenProxy, pause time.Duration) {
	doc := u.document()
	credentials := doc["credentials"].(map[string]any)
	expiry, err := time.Parse(time.RFC3339, credentials["expiresAt"].(string))
	if err == nil && time.Until(expiry) > time.Minute {
		return
	}
	body, _ := json.Marshal(map[string]any{
		"grant_type": "refresh_token", "refresh_token": credentials["refreshToken"], "client_id": credentials["clientId"],
	})
	resp, err := http.Post(proxy.URL+"/cli/oauth/token", "application/json", bytes.NewReader(body))
	if err != nil {
		u.t.Error(err)
		return
	}
	defer resp.Body.Close()
	var tokens map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&tokens); err != nil || resp.StatusCode != http.StatusOK {
		u.t.Errorf("refresh of the Node client: got %s and %v, want 200", resp.Status, err)
		return
	}
	u.nodeWrite(doc, func(map[string]any) {
		credentials["apiKey"], credentials["refreshToken"] = tokens["access_token"], tokens["refresh_token"]
		life := time.Duration(tokens["expires_in"].(float64)) * time.Second
		credentials["expiresAt"] = time.Now().Add(life).UTC().Format("2006-01-02T15:04:05.000Z")
	}, pause)
}

// nodeWrite truncates the configuration and writes it in two parts, with pauses.
func (u *signedInUser) nodeWrite(doc map[string]any, change func(map[string]any), pause time.Duration) {
	change(doc)
	raw, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		u.t.Error(err)
		return
	}
	f, err := os.OpenFile(u.configPath(), os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		u.t.Error(err)
		return
	}
	defer f.Close()
	time.Sleep(pause)
	_, _ = f.Write(raw[:len(raw)/2])
	time.Sleep(pause / 4)
	_, _ = f.Write(raw[len(raw)/2:])
}

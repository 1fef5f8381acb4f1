package oauth

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// The data file contains no code, token or other secret.
func TestStateHasNoSecrets(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.db")
	f := newRigAt(t, file, Options{})
	id := f.register("x")
	code := f.code(id)
	access, refresh := f.tokens(f.exchange(id, code))
	device := f.PostForm("/cli/oauth/device_authorization", url.Values{"client_id": {id}}).Object()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw, []byte(id)) {
		t.Error("the data file does not have the client id: this test does not see its values")
	}
	for _, secret := range []string{code, access, refresh, device["device_code"].(string), device["user_code"].(string)} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("the data file has the secret %s", secret)
		}
	}
}

func TestStateSurvives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newRigAt(t, filepath.Join(dir, "state.db"), Options{})
	id := f.register("x")
	access, used := f.signIn(id)
	_, fresh := f.tokens(f.refresh(id, used))
	code := f.code(id)

	// The data file of a process that is killed now.
	raw, err := os.ReadFile(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "copy.db")
	if err := os.WriteFile(copied, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // after a kill, and again after an orderly end
		g := newRigAt(t, copied, Options{})
		g.wantAccepted(access, true)
		if err := g.Deps.Store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	g := newRigAt(t, copied, Options{})
	if res := g.exchange(id, code); res.Status != http.StatusOK {
		t.Errorf("the code after a restart: got %d %s, want 200", res.Status, res.Body)
	}
	_, fresh = g.tokens(g.refresh(id, fresh))
	wantError(t, g.refresh(id, used), "invalid_grant")
	wantError(t, g.refresh(id, fresh), "invalid_grant")
}

func TestSweep(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	id := f.register("x")
	f.signIn(id)
	f.PostForm("/cli/oauth/device_authorization", url.Values{"client_id": {id}})
	f.Get("/device?user_code=BCDF-GHJK")
	f.Clock.Advance(32 * 24 * time.Hour)
	f.PostForm("/cli/oauth/device_authorization", url.Values{"client_id": {id}})
	f.Deps.Store.View(func(tx *wire.Tx) {
		for _, tt := range []struct {
			bucket string
			want   int
		}{
			{bucketClients, 1},
			{bucketConsents, 0},
			{bucketGrants, 0},
			{bucketCodes, 0},
			{bucketAccessTokens, 0},
			{bucketRefreshTokens, 0},
			{bucketDevices, 1},
			{bucketUserCodes, 1},
			{bucketGuesses, 0},
		} {
			if got := len(tx.Keys(tt.bucket)); got != tt.want {
				t.Errorf("bucket %s: got %d records, want %d", tt.bucket, got, tt.want)
			}
		}
	})
}

// golang.org/x/oauth2 is a client that was not written for this server.
func TestForeignClient(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AutoApprove: true, DeviceInterval: time.Second})
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, f.HTTP)
	meta := f.Get("/.well-known/oauth-authorization-server/cli/oauth").Object()
	config := &oauth2.Config{
		ClientID: f.register("x"), RedirectURL: testRedirect, Scopes: []string{"lamina:creative:read"},
		Endpoint: oauth2.Endpoint{
			AuthURL: meta["authorization_endpoint"].(string), TokenURL: meta["token_endpoint"].(string),
			DeviceAuthURL: meta["device_authorization_endpoint"].(string),
		},
	}
	verifier := oauth2.GenerateVerifier()
	res := f.Get(config.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil || back.Query().Get("state") != "s" {
		t.Fatalf("authorize: got %v, %v; want the state s", back, err)
	}
	token, err := config.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if token.Type() != "Bearer" || token.Extra("scope") != "lamina:creative:read" {
		t.Errorf("token: got type %v and scope %v, want Bearer and lamina:creative:read", token.Type(), token.Extra("scope"))
	}
	token.Expiry = time.Now().Add(-time.Hour)
	renewed, err := config.TokenSource(ctx, token).Token()
	if err != nil {
		t.Fatal(err)
	}
	f.wantAccepted(renewed.AccessToken, true)

	_, err = config.TokenSource(ctx, token).Token()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
		t.Errorf("second use of a refresh token: got %v, want invalid_grant", err)
	}

	device, err := config.DeviceAuth(ctx)
	if err != nil {
		t.Fatal(err)
	}
	token, err = config.DeviceAccessToken(ctx, device)
	if err != nil {
		t.Fatal(err)
	}
	f.wantAccepted(token.AccessToken, true)
}

func TestBasicAuthenticationIsRefused(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	req := f.Request("POST", "/cli/oauth/token", "application/x-www-form-urlencoded", "grant_type=refresh_token&refresh_token=x")
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(f.register("x")+":")))
	wantError(t, f.Do(req), "invalid_client")
}

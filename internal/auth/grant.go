package auth

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

const (
	defaultLifetime = time.Hour           // of an access token if the response names none
	refreshLifetime = 30 * 24 * time.Hour // of a refresh token, from its last use
)

// A grant is the result of a token request.
type grant struct {
	access, refresh, scope string
	requested              string // the scopes that the sign-in requested
	lifetime               time.Duration
	date                   time.Time // the server's Date header; zero if it sent none
}

// requestToken sends a token request of a client through x/oauth2.
func requestToken(
	ctx context.Context, hc *http.Client, p provider.Provider, client Client, doing, endpoint string,
	send func(context.Context) (*oauth2.Token, error),
) (grant, error) {
	u, err := safeurl.Check(endpoint)
	if err != nil {
		return grant{}, err
	}
	call, cancel := newCall(ctx, hc, p.OAuth, doing)
	defer cancel()
	call.as, call.extra = client, client.resources()
	token, err := send(call.context())
	if err != nil {
		return grant{}, call.convert(u.Host, err)
	}
	if !isToken(token.AccessToken) || token.RefreshToken != "" && !isToken(token.RefreshToken) {
		return grant{}, &ResponseError{Doing: doing, Host: u.Host, Detail: "contains a malformed token"}
	}
	if !strings.EqualFold(token.Type(), "Bearer") {
		return grant{}, &ResponseError{Doing: doing, Host: u.Host, Detail: "contains a token of an unknown type"}
	}
	scope, _ := token.Extra("scope").(string)
	g := grant{
		access: token.AccessToken, refresh: token.RefreshToken, scope: clean(scope, 2000),
		lifetime: time.Duration(token.ExpiresIn) * time.Second, date: call.date,
	}
	if g.lifetime <= 0 {
		g.lifetime = defaultLifetime
	}
	return g, nil
}

// apply stores the tokens in a credential. The credential keeps its refresh token if the response contained no new one.
func (g grant) apply(c *config.Credential, now time.Time) {
	c.Kind = config.OAuth
	c.Token = config.Secret(g.access)
	if g.refresh != "" {
		c.RefreshToken = config.Secret(g.refresh)
	}
	if g.scope != "" {
		c.Scope = g.scope
	}
	c.ObtainedAt, c.IssuedAt, c.Lifetime = now, g.date, g.lifetime
	c.ExpiresAt = now.Add(g.lifetime)
	if c.RefreshToken != "" && !c.ThirdParty { // the idle lifetime of other servers is unknown
		c.RefreshExpiresAt = now.Add(refreshLifetime)
	}
	c.ForcedAt, c.RotationSentAt = time.Time{}, time.Time{}
	c.EndedAt, c.EndedReason, c.EndedDetail = time.Time{}, "", ""
}

// credential returns the credential of a new sign-in.
func (g grant) credential(base string, server Server, client Client, now time.Time) config.Credential {
	c := config.Credential{
		BaseURL: base, SavedAt: now, ClientID: client.ID, RedirectURI: client.RedirectURI, Issuer: server.Issuer,
		TokenEndpoint: server.TokenEndpoint, RevocationEndpoint: server.RevocationEndpoint,
		RegistrationEndpoint: server.RegistrationEndpoint, UserinfoEndpoint: server.UserinfoEndpoint, ThirdParty: server.ThirdParty,
		Params: client.Params, ClientAuth: client.Auth.Method, ClientSecret: client.Auth.Secret, ClientKeyFile: client.Auth.KeyFile,
		ClientAudience: client.Auth.Audience, RequestedScope: g.requested,
	}
	if client.UserProvided {
		c.RegistrationEndpoint = "" // marks the client as user-provided for ClientOf
	}
	g.scope = cmp.Or(g.scope, g.requested) // a server may omit it if it granted what was requested
	g.apply(&c, now)
	return c
}

func oauthConfig(p provider.Provider, server Server, clientID, redirectURI string) *oauth2.Config {
	return &oauth2.Config{
		ClientID:    clientID,
		RedirectURL: redirectURI,
		Scopes:      p.OAuth.Scopes,
		Endpoint: oauth2.Endpoint{
			AuthURL: server.AuthorizationEndpoint, TokenURL: server.TokenEndpoint, DeviceAuthURL: server.DeviceEndpoint,
			AuthStyle: oauth2.AuthStyleInParams, // the id is in the body; call.authenticate adds the secret of a confidential client
		},
	}
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

package platform

import (
	"strings"
	"time"
)

// A grant is what a person allowed a client to do, once. Everything that was given for it (a code, access and refresh
// tokens) names it, and is worth nothing once it is revoked.
type grant struct {
	ID          string     `json:"id"`
	ClientID    string     `json:"clientId"`
	UserID      string     `json:"userId"`
	WorkspaceID string     `json:"workspaceId"`
	Scope       string     `json:"scope"`
	CreatedAt   time.Time  `json:"createdAt"`
	ExpiresAt   time.Time  `json:"expiresAt"` // of the last thing that was given for it
	RevokedAt   *time.Time `json:"revokedAt,omitempty"`
}

// An authorizationCode is what is kept of a code: not the code.
type authorizationCode struct {
	GrantID     string     `json:"grantId"`
	ClientID    string     `json:"clientId"`
	RedirectURI string     `json:"redirectUri"`
	Challenge   string     `json:"challenge"` // PKCE, S256
	ExpiresAt   time.Time  `json:"expiresAt"`
	UsedAt      *time.Time `json:"usedAt,omitempty"`
}

// An accessToken is what is kept of an access token.
type accessToken struct {
	GrantID   string    `json:"grantId"`
	Scope     string    `json:"scope"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// A refreshToken is what is kept of a refresh token. A used one stays until it would have expired, so that its reuse
// is noticed.
type refreshToken struct {
	GrantID   string     `json:"grantId"`
	ExpiresAt time.Time  `json:"expiresAt"`
	UsedAt    *time.Time `json:"usedAt,omitempty"`
}

// Prefixes of the secrets, by which people and secret scanners know them.
const (
	prefixAccessToken  = "lma_mcp_at_"
	prefixRefreshToken = "lma_mcp_rt_"
)

// authenticate returns who an API key or an access token speaks for. It refuses what is unknown, expired or revoked.
func (s *Server) authenticate(tx *tx, token string) (principal, bool) {
	if strings.HasPrefix(token, prefixAccessToken) {
		return s.authenticateAccessToken(tx, token)
	}
	key, ok := get[apiKey](tx, bucketAPIKeys, s.digest(token))
	if !ok || key.RevokedAt != nil {
		return principal{}, false
	}
	return principal{UserID: key.UserID, WorkspaceID: key.WorkspaceID}, true
}

func (s *Server) authenticateAccessToken(tx *tx, token string) (principal, bool) {
	access, ok := get[accessToken](tx, bucketAccessTokens, s.digest(token))
	if !ok || !s.now().Before(access.ExpiresAt) {
		return principal{}, false
	}
	g, ok := liveGrant(tx, access.GrantID)
	if !ok {
		return principal{}, false
	}
	return principal{UserID: g.UserID, WorkspaceID: g.WorkspaceID, ClientID: g.ClientID, Scope: access.Scope}, true
}

// newGrant records that the sample user allowed a client to use a workspace.
func (s *Server) newGrant(tx *tx, clientID, workspaceID, scope string, ttl time.Duration) grant {
	g := grant{
		ID: "grt_" + randomToken(12), ClientID: clientID, UserID: sampleUser.ID, WorkspaceID: workspaceID, Scope: scope,
		CreatedAt: s.now(), ExpiresAt: s.now().Add(ttl),
	}
	put(tx, bucketGrants, g.ID, g)
	return g
}

func liveGrant(tx *tx, id string) (grant, bool) {
	g, ok := get[grant](tx, bucketGrants, id)
	return g, ok && g.RevokedAt == nil
}

// revokeGrant makes everything worthless that was given for a grant.
func (s *Server) revokeGrant(tx *tx, id string) {
	if g, ok := liveGrant(tx, id); ok {
		now := s.now()
		g.RevokedAt = &now
		put(tx, bucketGrants, id, g)
	}
}

// tokenReply is the answer of the token endpoint (RFC 6749 §5.1); ExpiresIn is in seconds.
type tokenReply struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
}

// issueTokens makes an access token with a scope and, for a client that may use one, a refresh token with the scope of
// the grant.
func (s *Server) issueTokens(tx *tx, c client, g grant, scope string) tokenReply {
	s.sweepOAuth(tx)
	now := s.now()
	reply := tokenReply{
		AccessToken: prefixAccessToken + randomToken(32), TokenType: "Bearer",
		ExpiresIn: int64(s.opts.AccessTokenTTL / time.Second), Scope: scope,
	}
	g.ExpiresAt = now.Add(s.opts.AccessTokenTTL)
	put(tx, bucketAccessTokens, s.digest(reply.AccessToken), accessToken{GrantID: g.ID, Scope: scope, ExpiresAt: g.ExpiresAt})
	if c.may(grantRefresh) {
		reply.RefreshToken = prefixRefreshToken + randomToken(32)
		g.ExpiresAt = now.Add(s.opts.RefreshTokenTTL)
		put(tx, bucketRefreshTokens, s.digest(reply.RefreshToken), refreshToken{GrantID: g.ID, ExpiresAt: g.ExpiresAt})
	}
	put(tx, bucketGrants, g.ID, g)
	return reply
}

// sweepOAuth forgets, at most once an hour, what expired more than a day ago. The day lets a client that is late learn
// that its code expired, and not that it never was one.
func (s *Server) sweepOAuth(tx *tx) {
	now := s.now()
	last, _ := get[time.Time](tx, bucketServer, "oauth-swept")
	if now.Sub(last) < time.Hour {
		return
	}
	put(tx, bucketServer, "oauth-swept", now)
	old := now.Add(-24 * time.Hour)
	sweep(tx, bucketConsents, func(c consent) bool { return c.ExpiresAt.Before(old) })
	sweep(tx, bucketCodes, func(c authorizationCode) bool { return c.ExpiresAt.Before(old) })
	sweep(tx, bucketAccessTokens, func(t accessToken) bool { return t.ExpiresAt.Before(old) })
	sweep(tx, bucketRefreshTokens, func(t refreshToken) bool { return t.ExpiresAt.Before(old) })
	sweep(tx, bucketDevices, func(d device) bool { return d.ExpiresAt.Before(old) })
	sweep(tx, bucketUserCodes, func(deviceID string) bool { return tx.bytes(bucketDevices, deviceID) == nil })
	sweep(tx, bucketGuesses, func(g guesses) bool { return g.Since.Before(old) })
	sweep(tx, bucketGrants, func(g grant) bool { return g.ExpiresAt.Before(old) })
}

func sweep[T any](tx *tx, bucket string, dead func(T) bool) {
	for _, key := range tx.keys(bucket) {
		if v, _ := get[T](tx, bucket, key); dead(v) {
			tx.remove(bucket, key)
		}
	}
}

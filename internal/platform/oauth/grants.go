package oauth

import (
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// A grant is one approval of a client by a user. The code and the tokens that were issued for it contain its id, and are
// invalid when the grant is revoked.
type grant struct {
	ID          string     `json:"id"`
	ClientID    string     `json:"clientId"`
	UserID      string     `json:"userId"`
	WorkspaceID string     `json:"workspaceId"`
	Scope       string     `json:"scope"`
	CreatedAt   time.Time  `json:"createdAt"`
	ExpiresAt   time.Time  `json:"expiresAt"` // expiry of its last code or token
	RevokedAt   *time.Time `json:"revokedAt,omitempty"`
}

// An authorizationCode is the stored description of a code, without the code itself.
type authorizationCode struct {
	GrantID     string     `json:"grantId"`
	ClientID    string     `json:"clientId"`
	RedirectURI string     `json:"redirectUri"`
	Challenge   string     `json:"challenge"` // PKCE, S256
	ExpiresAt   time.Time  `json:"expiresAt"`
	UsedAt      *time.Time `json:"usedAt,omitempty"`
}

// An accessToken is the stored description of an access token.
type accessToken struct {
	GrantID   string    `json:"grantId"`
	Scope     string    `json:"scope"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// A refreshToken is the stored description of a refresh token. It remains after its use until it expires, so that a second
// use is detected.
type refreshToken struct {
	GrantID   string     `json:"grantId"`
	ExpiresAt time.Time  `json:"expiresAt"`
	UsedAt    *time.Time `json:"usedAt,omitempty"`
}

// Prefixes of tokens, by which users and secret scanners recognize them.
const (
	prefixAccessToken  = "lma_mcp_at_"
	prefixRefreshToken = "lma_mcp_rt_"
)

// Authenticate returns the principal of an access token. It refuses an unknown, expired or revoked token.
func (s *Server) Authenticate(token string) (p wire.Principal, ok bool) {
	s.Store.View(func(tx *wire.Tx) { p, ok = s.principal(tx, token) })
	return p, ok
}

func (s *Server) principal(tx *wire.Tx, token string) (wire.Principal, bool) {
	access, ok := wire.Get[accessToken](tx, bucketAccessTokens, s.Secrets.Digest(token))
	if !ok || !s.Clock.Now().Before(access.ExpiresAt) {
		return wire.Principal{}, false
	}
	g, ok := validGrant(tx, access.GrantID)
	if !ok {
		return wire.Principal{}, false
	}
	return wire.Principal{UserID: g.UserID, WorkspaceID: g.WorkspaceID, ClientID: g.ClientID, Scope: access.Scope}, true
}

// newGrant stores the approval of a client by the sample user for a workspace.
func (s *Server) newGrant(tx *wire.Tx, clientID, workspaceID, scope string, ttl time.Duration) grant {
	g := grant{
		ID: "grt_" + wire.RandomToken(12), ClientID: clientID, UserID: wire.SampleUser().ID, WorkspaceID: workspaceID, Scope: scope,
		CreatedAt: s.Clock.Now(), ExpiresAt: s.Clock.Now().Add(ttl),
	}
	wire.Put(tx, bucketGrants, g.ID, g)
	return g
}

func validGrant(tx *wire.Tx, id string) (grant, bool) {
	g, ok := wire.Get[grant](tx, bucketGrants, id)
	return g, ok && g.RevokedAt == nil
}

// revokeGrant revokes a grant, and thereby its code and tokens.
func (s *Server) revokeGrant(tx *wire.Tx, id string) {
	if g, ok := validGrant(tx, id); ok {
		now := s.Clock.Now()
		g.RevokedAt = &now
		wire.Put(tx, bucketGrants, id, g)
	}
}

// A tokenReply is the answer of the token endpoint (RFC 6749 §5.1); ExpiresIn is in seconds.
type tokenReply struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
}

// issueTokens issues an access token with a scope and, if the client registered for it, a refresh token with the scope of
// the grant.
func (s *Server) issueTokens(tx *wire.Tx, c client, g grant, scope string) tokenReply {
	s.sweep(tx)
	now := s.Clock.Now()
	reply := tokenReply{
		AccessToken: prefixAccessToken + wire.RandomToken(32), TokenType: "Bearer",
		ExpiresIn: int64(s.opts.AccessTokenTTL / time.Second), Scope: scope,
	}
	g.ExpiresAt = now.Add(s.opts.AccessTokenTTL)
	wire.Put(tx, bucketAccessTokens, s.Secrets.Digest(reply.AccessToken), accessToken{GrantID: g.ID, Scope: scope, ExpiresAt: g.ExpiresAt})
	if c.allows(grantRefresh) {
		reply.RefreshToken = prefixRefreshToken + wire.RandomToken(32)
		g.ExpiresAt = now.Add(s.opts.RefreshTokenTTL)
		wire.Put(tx, bucketRefreshTokens, s.Secrets.Digest(reply.RefreshToken), refreshToken{GrantID: g.ID, ExpiresAt: g.ExpiresAt})
	}
	wire.Put(tx, bucketGrants, g.ID, g)
	return reply
}

// sweep removes, at most once an hour, the records that expired more than a day ago. Within this day a client learns that
// its code has expired; afterwards the code is unknown. At every call, sweep removes what is too much.
func (s *Server) sweep(tx *wire.Tx) {
	bound(tx)
	now := s.Clock.Now()
	last, _ := wire.Get[time.Time](tx, bucketSwept, "oauth-swept")
	if now.Sub(last) < time.Hour {
		return
	}
	wire.Put(tx, bucketSwept, "oauth-swept", now)
	old := now.Add(-24 * time.Hour)
	removeIf(tx, bucketConsents, func(c consent) bool { return c.ExpiresAt.Before(old) })
	removeIf(tx, bucketCodes, func(c authorizationCode) bool { return c.ExpiresAt.Before(old) })
	removeIf(tx, bucketAccessTokens, func(t accessToken) bool { return t.ExpiresAt.Before(old) })
	removeIf(tx, bucketRefreshTokens, func(t refreshToken) bool { return t.ExpiresAt.Before(old) })
	removeIf(tx, bucketDevices, func(d device) bool { return d.ExpiresAt.Before(old) })
	removeIf(tx, bucketUserCodes, func(deviceID string) bool { return tx.Bytes(bucketDevices, deviceID) == nil })
	removeIf(tx, bucketGuesses, func(g guesses) bool { return g.Since.Before(old) })
	removeIf(tx, bucketGrants, func(g grant) bool { return g.ExpiresAt.Before(old) })
}

// removeIf removes the records of a bucket for which a condition holds.
func removeIf[T any](tx *wire.Tx, bucket string, condition func(T) bool) {
	for _, key := range tx.Keys(bucket) {
		if v, _ := wire.Get[T](tx, bucket, key); condition(v) {
			tx.Remove(bucket, key)
		}
	}
}

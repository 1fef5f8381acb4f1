package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// serveToken issues tokens for a code, a refresh token or a device code (RFC 6749 §3.2).
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	answerClient(s, w, r, s.exchange)
}

// serveRevoke revokes a token (RFC 7009).
func (s *Server) serveRevoke(w http.ResponseWriter, r *http.Request) { answerClient(s, w, r, s.revoke) }

// answerClient runs handle for the client of a request. The state is stored before the answer is sent.
func answerClient[T any](s *Server, w http.ResponseWriter, r *http.Request, handle func(*wire.Tx, client, params) (T, *refusal)) {
	p, refused := readParams(w, r)
	if refused != nil {
		refused.write(w)
		return
	}
	var reply T
	err := s.Store.Update(func(tx *wire.Tx) error {
		var c client
		if c, refused = identify(tx, r, p); refused == nil {
			reply, refused = handle(tx, c, p)
		}
		return nil // a refusal also changes the state: it can revoke a grant
	})
	switch {
	case err != nil:
		writeNotSaved(w)
	case refused != nil:
		refused.write(w)
	default:
		writeJSON(w, http.StatusOK, reply)
	}
}

func (s *Server) exchange(tx *wire.Tx, c client, p params) (tokenReply, *refusal) {
	if refused := p.require("grant_type"); refused != nil {
		return tokenReply{}, refused
	}
	switch grantType := p["grant_type"]; {
	case grantType != grantCode && grantType != grantRefresh && grantType != grantDevice:
		return tokenReply{}, refuse("unsupported_grant_type", "Use authorization_code, refresh_token or device_code")
	case !c.allows(grantType):
		return tokenReply{}, refuse("unauthorized_client", "The client did not register for this grant type")
	case grantType == grantCode:
		return s.exchangeCode(tx, c, p)
	case grantType == grantRefresh:
		return s.exchangeRefreshToken(tx, c, p)
	default:
		return s.exchangeDeviceCode(tx, c, p)
	}
}

// exchangeCode issues tokens for an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6).
func (s *Server) exchangeCode(tx *wire.Tx, c client, p params) (tokenReply, *refusal) {
	if refused := p.require("code", "redirect_uri", "code_verifier"); refused != nil {
		return tokenReply{}, refused
	}
	id := s.Secrets.Digest(p["code"])
	code, ok := wire.Get[authorizationCode](tx, bucketCodes, id)
	if !ok {
		return tokenReply{}, refuse("invalid_grant", "The authorization code is unknown")
	}
	if code.UsedAt != nil {
		// A code that is used twice was stolen (RFC 6749 §4.1.2).
		s.revokeGrant(tx, code.GrantID)
		return tokenReply{}, refuse("invalid_grant", "The authorization code was used before; its tokens are revoked")
	}
	g, isValid := validGrant(tx, code.GrantID)
	switch {
	case code.ClientID != c.ID:
		return tokenReply{}, refuse("invalid_grant", "The authorization code was given to another client")
	case !s.Clock.Now().Before(code.ExpiresAt) || !isValid:
		return tokenReply{}, refuse("invalid_grant", "The authorization code has expired")
	case code.RedirectURI != p["redirect_uri"]:
		return tokenReply{}, refuse("invalid_grant", "The redirect_uri differs from the authorization request")
	case !provesPKCE(p["code_verifier"], code.Challenge):
		return tokenReply{}, refuse("invalid_grant", "The code_verifier does not match the code_challenge")
	}
	now := s.Clock.Now()
	code.UsedAt = &now
	wire.Put(tx, bucketCodes, id, code)
	return s.issueTokens(tx, c, g, g.Scope), nil
}

// isVerifier reports whether s has the form of a PKCE code verifier (RFC 7636 §4.1).
func isVerifier(s string) bool { return len(s) >= 43 && len(s) <= 128 && hasOnly(s, "-._~") }

func provesPKCE(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	computed := base64.RawURLEncoding.EncodeToString(sum[:])
	return isVerifier(verifier) && subtle.ConstantTimeCompare([]byte(computed), []byte(challenge)) == 1
}

// exchangeRefreshToken issues new tokens for a refresh token, which can be used once (RFC 6749 §6, RFC 9700 §4.14.2).
func (s *Server) exchangeRefreshToken(tx *wire.Tx, c client, p params) (tokenReply, *refusal) {
	if refused := p.require("refresh_token"); refused != nil {
		return tokenReply{}, refused
	}
	id := s.Secrets.Digest(p["refresh_token"])
	token, ok := wire.Get[refreshToken](tx, bucketRefreshTokens, id)
	g, isValid := validGrant(tx, token.GrantID)
	switch {
	case !ok:
		return tokenReply{}, refuse("invalid_grant", "The refresh token is unknown")
	case g.ClientID != c.ID:
		return tokenReply{}, refuse("invalid_grant", "The refresh token was given to another client")
	case !isValid:
		return tokenReply{}, refuse("invalid_grant", "The refresh token is revoked")
	case token.UsedAt != nil:
		s.revokeGrant(tx, g.ID)
		return tokenReply{}, refuse("invalid_grant", "The refresh token was used before; the whole sign-in is revoked")
	case !s.Clock.Now().Before(token.ExpiresAt):
		return tokenReply{}, refuse("invalid_grant", "The refresh token has expired")
	}
	scope, refused := narrowScope(p["scope"], g.Scope)
	if refused != nil {
		return tokenReply{}, refused
	}
	now := s.Clock.Now()
	token.UsedAt = &now
	wire.Put(tx, bucketRefreshTokens, id, token)
	return s.issueTokens(tx, c, g, scope), nil
}

// revoke revokes an access token, or a refresh token with its whole grant. An unknown token is a success (RFC 7009 §2.2).
func (s *Server) revoke(tx *wire.Tx, c client, p params) (struct{}, *refusal) {
	if refused := p.require("token"); refused != nil {
		return struct{}{}, refused
	}
	id := s.Secrets.Digest(p["token"])
	access, isAccess := wire.Get[accessToken](tx, bucketAccessTokens, id)
	refresh, isRefresh := wire.Get[refreshToken](tx, bucketRefreshTokens, id)
	grantID := refresh.GrantID
	if isAccess {
		grantID = access.GrantID
	}
	g, ok := validGrant(tx, grantID)
	switch {
	case !ok:
		return struct{}{}, nil
	case g.ClientID != c.ID:
		return struct{}{}, refuse("invalid_grant", "The token was given to another client")
	case isAccess:
		tx.Remove(bucketAccessTokens, id)
	case isRefresh:
		s.revokeGrant(tx, g.ID)
	}
	return struct{}{}, nil
}

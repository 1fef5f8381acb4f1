package platform

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
)

// serveToken gives tokens for a code, a refresh token or a device code (RFC 6749 §3.2).
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	answerClient(s, w, r, s.exchange)
}

// serveRevoke makes a token worthless (RFC 7009).
func (s *Server) serveRevoke(w http.ResponseWriter, r *http.Request) { answerClient(s, w, r, s.revoke) }

// answerClient runs do for the client that makes the request. The state has changed, durably, before the client hears
// of it.
func answerClient[T any](s *Server, w http.ResponseWriter, r *http.Request, do func(*tx, client, params) (T, *oauthError)) {
	p, refusal := readParams(w, r)
	if refusal != nil {
		refusal.write(w)
		return
	}
	var reply T
	err := s.store.update(func(tx *tx) error {
		var c client
		if c, refusal = identify(tx, r, p); refusal == nil {
			reply, refusal = do(tx, c, p)
		}
		return nil // a refusal may have changed the state, too: it revokes what was stolen
	})
	switch {
	case err != nil:
		serverError(w)
	case refusal != nil:
		refusal.write(w)
	default:
		writeOAuth(w, http.StatusOK, reply)
	}
}

func (s *Server) exchange(tx *tx, c client, p params) (tokenReply, *oauthError) {
	if refusal := p.require("grant_type"); refusal != nil {
		return tokenReply{}, refusal
	}
	switch grantType := p["grant_type"]; {
	case grantType != grantCode && grantType != grantRefresh && grantType != grantDevice:
		return tokenReply{}, deny("unsupported_grant_type", "Use authorization_code, refresh_token or device_code")
	case !c.may(grantType):
		return tokenReply{}, deny("unauthorized_client", "The client did not register for this grant type")
	case grantType == grantCode:
		return s.exchangeCode(tx, c, p)
	case grantType == grantRefresh:
		return s.exchangeRefreshToken(tx, c, p)
	default:
		return s.exchangeDeviceCode(tx, c, p)
	}
}

// exchangeCode gives tokens for an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6).
func (s *Server) exchangeCode(tx *tx, c client, p params) (tokenReply, *oauthError) {
	if refusal := p.require("code", "redirect_uri", "code_verifier"); refusal != nil {
		return tokenReply{}, refusal
	}
	id := s.digest(p["code"])
	code, ok := get[authorizationCode](tx, bucketCodes, id)
	if !ok {
		return tokenReply{}, deny("invalid_grant", "The authorization code is unknown")
	}
	if code.UsedAt != nil {
		// Of two who present one code, one has stolen it (RFC 6749 §4.1.2).
		s.revokeGrant(tx, code.GrantID)
		return tokenReply{}, deny("invalid_grant", "The authorization code was used before; what it gave is revoked")
	}
	g, live := liveGrant(tx, code.GrantID)
	switch {
	case code.ClientID != c.ID:
		return tokenReply{}, deny("invalid_grant", "The authorization code was given to another client")
	case !s.now().Before(code.ExpiresAt) || !live:
		return tokenReply{}, deny("invalid_grant", "The authorization code has expired")
	case code.RedirectURI != p["redirect_uri"]:
		return tokenReply{}, deny("invalid_grant", "The redirect_uri is not that of the authorization request")
	case !provesPKCE(p["code_verifier"], code.Challenge):
		return tokenReply{}, deny("invalid_grant", "The code_verifier does not fit the code_challenge")
	}
	now := s.now()
	code.UsedAt = &now
	put(tx, bucketCodes, id, code)
	return s.issueTokens(tx, c, g, g.Scope), nil
}

// isVerifier reports whether s has the form of a PKCE code verifier (RFC 7636 §4.1).
func isVerifier(s string) bool { return len(s) >= 43 && len(s) <= 128 && hasOnly(s, "-._~") }

func provesPKCE(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	computed := base64.RawURLEncoding.EncodeToString(sum[:])
	return isVerifier(verifier) && subtle.ConstantTimeCompare([]byte(computed), []byte(challenge)) == 1
}

// exchangeRefreshToken gives a new pair of tokens for a refresh token, which is used up by that (RFC 6749 §6,
// RFC 9700 §4.14.2).
func (s *Server) exchangeRefreshToken(tx *tx, c client, p params) (tokenReply, *oauthError) {
	if refusal := p.require("refresh_token"); refusal != nil {
		return tokenReply{}, refusal
	}
	id := s.digest(p["refresh_token"])
	token, ok := get[refreshToken](tx, bucketRefreshTokens, id)
	g, live := liveGrant(tx, token.GrantID)
	switch {
	case !ok:
		return tokenReply{}, deny("invalid_grant", "The refresh token is unknown")
	case g.ClientID != c.ID:
		return tokenReply{}, deny("invalid_grant", "The refresh token was given to another client")
	case !live:
		return tokenReply{}, deny("invalid_grant", "The refresh token is revoked")
	case token.UsedAt != nil:
		s.revokeGrant(tx, g.ID)
		return tokenReply{}, deny("invalid_grant", "The refresh token was used before; the whole sign-in is revoked")
	case !s.now().Before(token.ExpiresAt):
		return tokenReply{}, deny("invalid_grant", "The refresh token has expired")
	}
	scope, refusal := narrowScope(p["scope"], g.Scope)
	if refusal != nil {
		return tokenReply{}, refusal
	}
	now := s.now()
	token.UsedAt = &now
	put(tx, bucketRefreshTokens, id, token)
	return s.issueTokens(tx, c, g, scope), nil
}

// revoke makes an access token worthless alone, and a refresh token with all of its grant. An unknown token is
// worthless already, so that is a success (RFC 7009 §2.2).
func (s *Server) revoke(tx *tx, c client, p params) (struct{}, *oauthError) {
	if refusal := p.require("token"); refusal != nil {
		return struct{}{}, refusal
	}
	id := s.digest(p["token"])
	access, isAccess := get[accessToken](tx, bucketAccessTokens, id)
	refresh, isRefresh := get[refreshToken](tx, bucketRefreshTokens, id)
	grantID := refresh.GrantID
	if isAccess {
		grantID = access.GrantID
	}
	g, ok := liveGrant(tx, grantID)
	switch {
	case !ok:
		return struct{}{}, nil
	case g.ClientID != c.ID:
		return struct{}{}, deny("invalid_grant", "The token was given to another client")
	case isAccess:
		tx.remove(bucketAccessTokens, id)
	case isRefresh:
		s.revokeGrant(tx, g.ID)
	}
	return struct{}{}, nil
}

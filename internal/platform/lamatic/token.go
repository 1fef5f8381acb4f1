package lamatic

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// An access token is the credential of Lamatic for browsers: a JWT (RFC 7519) signed with HS256, with the project in a
// claim, in the header X-Lamatic-Signature. In Lamatic, a server of the user signs it with a secret of the project. This
// platform stores only the digests of keys, so it signs with a secret of its own and issues tokens by a control.

// A claimSet is the payload of an access token.
type claimSet struct {
	ProjectID string `json:"project_id"`
	Expires   int64  `json:"exp,omitempty"` // Unix seconds; 0: never
}

func (s *Server) sign(text string) string {
	return base64.RawURLEncoding.EncodeToString(s.Secrets.MAC("lamatic access token\n" + text))
}

func (s *Server) newToken(claims claimSet) string {
	body, _ := json.Marshal(claims) // a string and a number: cannot fail
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	return text + "." + s.sign(text)
}

// tokenOwner returns the project of an access token. It refuses an invalid token with 401, an expired one with 403.
func (s *Server) tokenOwner(token string) (project string, err error) {
	invalid := &refusal{http.StatusUnauthorized, "Unauthorized: the access token is invalid"}
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 || !hmac.Equal([]byte(s.sign(token[:dot])), []byte(token[dot+1:])) {
		return "", invalid
	}
	_, payload, _ := strings.Cut(token[:dot], ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	var claims claimSet
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return "", invalid
	}
	if claims.Expires != 0 && s.Clock.Now().Unix() >= claims.Expires {
		return "", &refusal{http.StatusForbidden, "Forbidden: the access token has expired"}
	}
	return claims.ProjectID, nil
}

// issueToken answers POST /dev/lamatic/tokens with a new access token.
func (s *Server) issueToken(w http.ResponseWriter, r *http.Request) error {
	body := struct {
		ProjectID string `json:"projectId"`
		ExpiresIn string `json:"expiresIn"`
	}{ProjectID: SampleProject}
	if err := wire.DecodeStrict(w, r, &body); err != nil {
		return err
	}
	if err := checkProject(body.ProjectID); err != nil {
		return err
	}
	claims := claimSet{ProjectID: body.ProjectID}
	if body.ExpiresIn != "" {
		d, err := time.ParseDuration(body.ExpiresIn)
		if err != nil || d <= 0 {
			return wire.Invalid(`"expiresIn" must be a duration above 0, like "5m"`)
		}
		claims.Expires = s.Clock.Now().Add(d).Unix()
	}
	return wire.WriteData(w, http.StatusCreated, map[string]string{"accessToken": s.newToken(claims)})
}

package platform

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Access tokens are the form of Lamatic's credential that browsers may hold: JWTs (RFC 7519) of HS256 with the project in a
// claim, in the header X-Lamatic-Signature. In Lamatic your own server signs them with a secret of the project. Of keys the
// platform keeps no more than a digest, so it signs with a secret of its own and gives out tokens through a control.

// lamaticClaims are what a token says.
type lamaticClaims struct {
	ProjectID string `json:"project_id"`
	Expires   int64  `json:"exp,omitempty"` // Unix seconds; 0: never
}

func (s *Server) signLamatic(text string) string {
	mac := hmac.New(sha256.New, s.hmacKey)
	mac.Write([]byte("lamatic access token\n" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *Server) newLamaticToken(claims lamaticClaims) string {
	body, _ := json.Marshal(claims) // a string and a number: it cannot fail
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	return text + "." + s.signLamatic(text)
}

// lamaticTokenOwner returns the project of a token: 401 for one that is no good, 403 for one that has expired.
func (s *Server) lamaticTokenOwner(token string) (string, *lamaticRefusal) {
	bad := &lamaticRefusal{http.StatusUnauthorized, "Unauthorized: the access token is invalid"}
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 || !hmac.Equal([]byte(s.signLamatic(token[:dot])), []byte(token[dot+1:])) {
		return "", bad
	}
	_, payload, _ := strings.Cut(token[:dot], ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	var claims lamaticClaims
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return "", bad
	}
	if claims.Expires != 0 && s.now().Unix() >= claims.Expires {
		return "", &lamaticRefusal{http.StatusForbidden, "Forbidden: the access token has expired"}
	}
	return claims.ProjectID, nil
}

// issueLamaticToken is the control that gives out tokens.
func (s *Server) issueLamaticToken(w http.ResponseWriter, r *http.Request) error {
	body := struct {
		ProjectID string `json:"projectId"`
		ExpiresIn string `json:"expiresIn"`
	}{ProjectID: lamaticSample}
	if err := decodeStrictly(w, r, &body); err != nil {
		return err
	}
	if err := knownLamaticProject(body.ProjectID); err != nil {
		return err
	}
	claims := lamaticClaims{ProjectID: body.ProjectID}
	if body.ExpiresIn != "" {
		d, err := time.ParseDuration(body.ExpiresIn)
		if err != nil || d <= 0 {
			return invalid(`"expiresIn" must be a duration above 0, like "5m"`)
		}
		claims.Expires = s.now().Add(d).Unix()
	}
	return writeData(w, http.StatusCreated, map[string]string{"accessToken": s.newLamaticToken(claims)})
}

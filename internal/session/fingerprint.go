package session

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Fingerprint identifies the address, the profile and the workspace of the session in caches. For a key of the environment, whose
// workspace is unknown, it depends on the key, which cannot be derived from it.
func (s *Session) Fingerprint() string {
	parts := []string{s.BaseURL, s.Profile, s.Credential.Account.WorkspaceID, s.key.Reveal()}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:8])
}

package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

// A note says that a refresh token was sent to be renewed. It is safely on the disk before the request is on its way,
// and is removed when nothing is in doubt any more. So whoever comes after a process that was killed, or a machine that
// lost power, knows why the service no longer takes the token. It has a file of its own: a further write to the document
// would be one more that the Node client, which knows no lock, could collide with.
type note struct {
	Of     string    `json:"of"` // the fingerprint of the refresh token
	SentAt time.Time `json:"sentAt"`
}

func noteFile(profile string) string { return config.RefreshLock(profile).Journal() }

// sentBefore is when the refresh token was sent by a refresh whose answer is not known; zero if there was none.
func (s *Source) sentBefore(c config.Credential) time.Time {
	raw, err := s.Store.ReadFile(noteFile(s.Profile))
	var n note
	if err != nil || json.Unmarshal(raw, &n) != nil || n.Of != fingerprint(c.RefreshToken) {
		return time.Time{}
	}
	return n.SentAt
}

func (s *Source) noteSending(ctx context.Context, c config.Credential) error {
	raw, err := json.Marshal(note{Of: fingerprint(c.RefreshToken), SentAt: now(s.Now).UTC()})
	if err != nil {
		return err
	}
	return s.Store.WriteFile(ctx, noteFile(s.Profile), append(raw, '\n'))
}

func (s *Source) forgetSending() {
	if err := s.Store.RemoveFile(noteFile(s.Profile)); err != nil {
		s.logf("the note of the renewal could not be removed: %v", err) // it does no harm: the token is another now
	}
}

// fingerprint names a secret without telling it.
func fingerprint(secret config.Secret) string {
	sum := sha256.Sum256([]byte(secret.Reveal()))
	return hex.EncodeToString(sum[:8])
}

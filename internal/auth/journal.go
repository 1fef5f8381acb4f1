package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

// A journal records that a refresh token was sent. It is on the disk before the request is sent, and is removed when the
// outcome is known. If the process is killed or the machine loses power in between, the next process finds in it why the
// service no longer accepts the refresh token.
//
// The journal is a file of its own. A further write of config.json could collide with the Node client, which takes no lock.
type journal struct {
	Of     string    `json:"of"` // the fingerprint of the refresh token
	SentAt time.Time `json:"sentAt"`
}

func journalFile(profile string) string { return config.RefreshLock(profile).Journal() }

// sentBefore returns the time at which the refresh token was sent in an earlier refresh without a known outcome, and zero if
// there was none.
func (s *Session) sentBefore(c config.Credential) time.Time {
	raw, err := s.Store.ReadFile(journalFile(s.Profile))
	var j journal
	if err != nil || json.Unmarshal(raw, &j) != nil || j.Of != fingerprint(c.RefreshToken) {
		return time.Time{}
	}
	return j.SentAt
}

func (s *Session) writeJournal(ctx context.Context, c config.Credential) error {
	raw, err := json.Marshal(journal{Of: fingerprint(c.RefreshToken), SentAt: now(s.Now).UTC()})
	if err != nil {
		return err
	}
	return s.Store.WriteFile(ctx, journalFile(s.Profile), append(raw, '\n'))
}

// clearJournal removes the journal. A journal that cannot be removed does no harm: it belongs to another refresh token.
func (s *Session) clearJournal() {
	if err := s.Store.RemoveFile(journalFile(s.Profile)); err != nil {
		s.logf("the refresh journal could not be removed: %v", err)
	}
}

// fingerprint identifies a secret without revealing it.
func fingerprint(secret config.Secret) string {
	sum := sha256.Sum256([]byte(secret.Reveal()))
	return hex.EncodeToString(sum[:8])
}

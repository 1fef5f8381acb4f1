package auth

import (
	"time"

	"github.com/uselamina/lamina/internal/config"
)

// RemainingIdle returns the remaining idle lifetime of a session: the time until it expires if it is not refreshed. It uses
// the server's clock if a response has shown it, otherwise this machine's. The result is 0 if the lifetime is unknown or the
// session has ended.
func (s *Session) RemainingIdle(c config.Credential) time.Duration {
	if c.Kind != config.OAuth || c.RefreshExpiresAt.IsZero() || !c.EndedAt.IsZero() {
		return 0
	}
	now := now(s.Now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.skewed && !c.IssuedAt.IsZero() && !c.ObtainedAt.IsZero() {
		life := c.RefreshExpiresAt.Sub(c.ObtainedAt)
		return max(0, life-now.Add(s.skew).Sub(c.IssuedAt))
	}
	return max(0, c.RefreshExpiresAt.Sub(now))
}

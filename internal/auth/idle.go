package auth

import (
	"time"

	"github.com/uselamina/lamina/internal/config"
)

// RemainingIdle tells how long a session still lives if it is not renewed: by the server's clock where one of its replies
// told the time, else by this machine's. It is 0 where that is not known, and for a session that is over.
func (s *Source) RemainingIdle(c config.Credential) time.Duration {
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

package session

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/uselamina/lamina/internal/provider"
)

// InboxName returns the name of the folder with the webhook deliveries of the account that a command of Lamina uses: that of its profile, or
// for a key of the environment that of its address.
func (m *Manager) InboxName() (string, error) {
	p := provider.Lamina()
	if m.Flags.Profile == "" && m.Lookup(p.EnvKey) != "" {
		base, err := m.baseFromEnvironment(p)
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256([]byte(base))
		return "environment-" + hex.EncodeToString(sum[:6]), nil
	}
	c, err := m.ChooseFor(p)
	if err != nil {
		return "", err
	}
	return "profile-" + c.Profile + "-inbox", nil
}

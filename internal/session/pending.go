package session

import (
	"context"

	"github.com/uselamina/lamina/internal/auth"
)

// pendingFile holds a two-step sign-in between its steps, in the folder of the configuration.
const pendingFile = "login-pending.json"

// PendingLogin returns the two-step sign-in that waits for its second step; errors.Is(err, fs.ErrNotExist) if there is none.
func (m *Manager) PendingLogin() (auth.DeviceLogin, error) {
	raw, err := m.Store().ReadFile(pendingFile)
	if err != nil {
		return auth.DeviceLogin{}, err
	}
	return auth.DecodeDeviceLogin(raw)
}

// SavePendingLogin stores a two-step sign-in for its second step, in place of an earlier one. Errors: those of config.Store.WriteFile.
func (m *Manager) SavePendingLogin(ctx context.Context, login auth.DeviceLogin) error {
	raw, err := login.Encode()
	if err != nil {
		return err
	}
	return m.Store().WriteFile(ctx, pendingFile, raw)
}

// RemovePendingLogin forgets a two-step sign-in. It returns no error if there is none.
func (m *Manager) RemovePendingLogin() error { return m.Store().RemoveFile(pendingFile) }

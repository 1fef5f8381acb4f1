package session

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
)

// A two-step sign-in is kept between its steps in a file of its profile, in the folder of the configuration. The profile "" stands for
// the file of an earlier version, which does not name its profile and is only removed.
const (
	pendingPrefix = "login-pending-"
	pendingSuffix = ".json"
	oldPending    = "login-pending.json"
)

// pendingLogin is the stored form. The profile is part of the content, because file names may ignore case.
type pendingLogin struct {
	Profile string          `json:"profile"`
	Login   json.RawMessage `json:"login"`
}

func pendingFile(profile string) string {
	if profile == "" {
		return oldPending
	}
	return pendingPrefix + profile + pendingSuffix
}

// PendingLogin returns the two-step sign-in of a profile that waits for its second step; errors.Is(err, fs.ErrNotExist) if there is
// none.
func (m *Manager) PendingLogin(profile string) (auth.DeviceLogin, error) {
	raw, err := m.Store().ReadFile(pendingFile(profile))
	if err != nil {
		return auth.DeviceLogin{}, err
	}
	var p pendingLogin
	if err := json.Unmarshal(raw, &p); err != nil {
		return auth.DeviceLogin{}, err
	}
	if p.Profile != profile {
		return auth.DeviceLogin{}, fs.ErrNotExist
	}
	return auth.DecodeDeviceLogin(p.Login)
}

// SavePendingLogin stores a two-step sign-in of a profile for its second step, in place of an earlier one of the same profile.
// Errors: those of config.Store.WriteFile.
func (m *Manager) SavePendingLogin(ctx context.Context, profile string, login auth.DeviceLogin) error {
	stored, err := login.Encode()
	if err != nil {
		return err
	}
	raw, err := json.Marshal(pendingLogin{Profile: profile, Login: stored})
	if err != nil {
		return err
	}
	_ = m.RemovePendingLogin("")
	return m.Store().WriteFile(ctx, pendingFile(profile), raw)
}

// RemovePendingLogin removes a two-step sign-in of a profile, or with "" the file of an earlier version. It returns no error if there is
// none.
func (m *Manager) RemovePendingLogin(profile string) error {
	return m.Store().RemoveFile(pendingFile(profile))
}

// PendingProfiles returns the profiles with a file of a two-step sign-in, in order.
func (m *Manager) PendingProfiles() []string {
	entries, err := os.ReadDir(m.Store().Dir)
	if err != nil {
		return nil
	}
	var profiles []string
	for _, entry := range entries {
		name, isPending := strings.CutPrefix(entry.Name(), pendingPrefix)
		name, isJSON := strings.CutSuffix(name, pendingSuffix)
		switch {
		case entry.Name() == oldPending:
			profiles = append(profiles, "")
		case isPending && isJSON && config.CheckProfileName(name) == nil:
			profiles = append(profiles, name)
		}
	}
	slices.Sort(profiles)
	return profiles
}

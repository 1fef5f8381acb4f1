package doctor

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
)

func TestBundle(t *testing.T) {
	t.Parallel()
	service := newService(t)
	home := t.TempDir()
	dir := filepath.Join(home, ".lamina")
	path := filepath.Join(t.TempDir(), "report.json")
	sessions := newSessions(t, "HOME="+home, "LAMINA_CONFIG_DIR="+dir, "LAMINA_BASE_URL="+service.URL, "LAMINA_API_KEY="+testKey, "SHELL=/bin/bash")
	report, err := Run(t.Context(), Options{Sessions: sessions, Bundle: path, Program: "lamina 1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{testKey, "sam@example.com", home} {
		if strings.Contains(string(raw), secret) {
			t.Errorf("got a bundle with %q, want none:\n%s", secret, raw)
		}
	}
	var got bundle
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.Program != "lamina 1.2.3" || got.Service != service.URL || !got.MadeAt.Equal(now) {
		t.Errorf("got program %q, service %q, time %s", got.Program, got.Service, got.MadeAt)
	}
	if key, shell := got.Environment["LAMINA_API_KEY"], got.Environment["SHELL"]; key != "[set]" || shell != "/bin/bash" {
		t.Errorf("got LAMINA_API_KEY %q and SHELL %q, want [set] and /bin/bash", key, shell)
	}
	if len(got.Report.Checks) != len(report.Checks) {
		t.Errorf("got %d checks, want %d", len(got.Report.Checks), len(report.Checks))
	}
	if info, err := os.Stat(path); runtime.GOOS != "windows" && (err != nil || info.Mode().Perm() != 0o600) {
		t.Errorf("got %v, %v, want the mode 0600", info, err)
	}
}

// TestBundleHidesUnsentSecrets checks that the secrets of a stored session are removed although no request carried them.
func TestBundleHidesUnsentSecrets(t *testing.T) {
	t.Parallel()
	sessions := newSessions(t, "LAMINA_OUTPUT=token-123456 and refresh-123456 of sam@example.com")
	saveCredential(t, sessions, config.Credential{
		Kind: config.OAuth, Token: "token-123456", RefreshToken: "refresh-123456", BaseURL: "https://lamina.example",
		Account: config.Account{Email: "sam@example.com"},
	})
	raw, err := examine(t, sessions).encodeBundle("lamina", Report{})
	if err != nil {
		t.Fatal(err)
	}
	if want := `"LAMINA_OUTPUT": "[redacted] and [redacted] of [email]"`; !strings.Contains(string(raw), want) {
		t.Errorf("got %s, want %s", raw, want)
	}
}

func TestBundleKeepsFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "report.json")
	write(t, path, "mine", 0o600)
	_, err := Run(t.Context(), Options{Sessions: newSessions(t), Bundle: path})
	var refused *fail.Error
	if !errors.As(err, &refused) || refused.Code != fail.FileExists {
		t.Errorf("got %v, want code %s", err, fail.FileExists.Name)
	}
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "mine" {
		t.Errorf("got %q, %v, want the file unchanged", raw, err)
	}
}

package session

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/uselamina/lamina/internal/redact"
)

// TestChildEnviron: no child sees a key, whatever the variable is called.
func TestChildEnviron(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "providers"), 0o700); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		"weather.json": `{"name": "weather", "title": "Weather", "baseUrl": "https://weather.example", "keyHeader": "x-key",
			"envKey": "WEATHER_PASS", "settings": [{"name": "region", "title": "Region", "header": "x-region", "env": ["WEATHER_REGION"]}]}`,
		"broken.json": `{`,
	} {
		if err := os.WriteFile(filepath.Join(dir, "providers", file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := &Manager{
		Getenv: func(name string) string { return map[string]string{"LAMINA_CONFIG_DIR": dir}[name] }, Secrets: redact.New(func() []string { return []string{"lma_", "lgh_live_"} }),
	}
	m.Secrets.Add("a-key-of-no-shape")
	kept := []string{"PATH=/bin", "HOME=/home/sam", "DISPLAY=:0", "XDG_ACTIVATION_TOKEN=x", "LAMINA_BASE_URL=https://app.example", "KEYBOARD=de",
		"SSH_AUTH_SOCK=/run/agent", "HTTPS_PROXY=http://u:p@proxy:8080", "HOMEPAGE=https://user@host/", "GNOME_KEYRING_CONTROL=/run/k", "PATIENCE=1"}
	secret := []string{
		"LAMINA_API_KEY=x", "LAMATIC_PROJECT_ID=x", "WEATHER_PASS=hunter2", "WEATHER_REGION=eu", "Weather_Pass=hunter2", "OTHER_API_KEY=x",
		"LAMINA_CLIENT_SECRET=x", "GH_TOKEN=x", "AWS_SECRET_ACCESS_KEY=x", "MY_DB_PASSWORD=x", "DATABASE_URL=postgres://u:p@db/x", "GITHUB_PAT=x",
		"BACKUP=lma_abcdefghijklmnop", "HEADERS=Authorization: Bearer lgh_live_abcdefghijklmnop", "COPY=a-key-of-no-shape",
	}
	if got := m.withoutSecrets(slices.Concat(kept, secret)); !slices.Equal(got, kept) {
		t.Errorf("got %q, want %q", got, kept)
	}
}

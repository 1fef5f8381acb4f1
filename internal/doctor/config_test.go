package doctor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/session"
)

// write creates a file with its folders.
func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestCheckConfig(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		settings []string
		document string // of config.json; empty: there is none
		mode     os.FileMode
		unix     bool // the test needs the modes of Unix
		status   Status
		text     string
	}{
		{name: "no home", settings: []string{"LAMINA_CONFIG_DIR=", "HOME="}, status: Warning, text: "no home folder"},
		{name: "new", status: OK, text: "the first sign-in creates"},
		{name: "valid", document: `{"version": 1}`, mode: 0o600, status: OK, text: "is valid, private and writable"},
		{name: "damaged", document: `{"version`, mode: 0o600, status: Failed, text: "config.json"},
		{name: "exposed", document: `{"version": 1}`, mode: 0o644, unix: true, status: Warning, text: "had the mode 0644"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.unix && runtime.GOOS == "windows" {
				t.Skip("Windows has no such modes")
			}
			sessions := newSessions(t, tt.settings...)
			if tt.document != "" {
				write(t, sessions.Store().Path(), tt.document, tt.mode)
			}
			expect(t, checkConfig(t.Context(), examine(t, sessions)), tt.status, tt.text)
		})
	}
}

// savePending stores a two-step sign-in.
func savePending(t *testing.T, sessions *session.Manager, expiry time.Time) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"profile": "work", "login": map[string]any{
		"userCode": "ABCD-EFGH", "expiresAt": expiry, "baseUrl": "https://lamina.example", "tokenEndpoint": "https://lamina.example/token",
	}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(sessions.Store().Dir, "login-pending-work.json"), string(raw), 0o600)
}

func TestCheckLeftovers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(*testing.T, *session.Manager)
		status  Status
		text    string
		repairs bool // a repair removes it
	}{
		{"none", func(*testing.T, *session.Manager) {}, OK, "there are none", false},
		{"copy", func(t *testing.T, m *session.Manager) {
			path := m.Store().Path() + ".tmp-1"
			write(t, path, "x", 0o600)
			if err := os.Chtimes(path, now.Add(-time.Hour), now.Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}, Warning, "config.json.tmp-1", true},
		{"waiting sign-in", func(t *testing.T, m *session.Manager) { savePending(t, m, now.Add(time.Minute)) }, OK, "waits for `lamina login --profile work --device --resume`", false},
		{"expired sign-in", func(t *testing.T, m *session.Manager) { savePending(t, m, now.Add(-time.Minute)) }, Warning, "its code has expired", true},
		{"damaged sign-in", func(t *testing.T, m *session.Manager) {
			write(t, filepath.Join(m.Store().Dir, "login-pending-work.json"), "{", 0o600)
		}, Warning, "cannot be read", true},
		{"sign-in of an earlier version", func(t *testing.T, m *session.Manager) {
			write(t, filepath.Join(m.Store().Dir, "login-pending.json"), "{}", 0o600)
		}, Warning, "cannot be read", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sessions := newSessions(t)
			tt.prepare(t, sessions)
			expect(t, checkLeftovers(t.Context(), examine(t, sessions)), tt.status, tt.text)
			done, err := repair(t.Context(), sessions)
			if err != nil || (len(done) > 0) != tt.repairs {
				t.Errorf("repair: got %q, %v, want a repair: %v", done, err, tt.repairs)
			}
			if tt.repairs {
				expect(t, checkLeftovers(t.Context(), examine(t, sessions)), OK, "there are none")
			}
		})
	}
}

func TestCheckOtherWriters(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	write(t, filepath.Join(bin, "lamina"), "#!/usr/bin/env node\n", 0o700)
	nodeSession := config.Credential{
		Kind: config.OAuth, Token: "token-123456", RefreshToken: "refresh-123456", BaseURL: "https://lamina.example", ExpiresAt: now.Add(time.Hour),
	}
	ownSession := nodeSession
	ownSession.ObtainedAt = now
	tests := []struct {
		name       string
		path       string
		credential *config.Credential
		status     Status
		text       string
	}{
		{"none", "", nil, OK, "no other program"},
		{"own session", "", &ownSession, OK, "no other program"},
		{"installed", bin, &ownSession, Warning, filepath.Join(bin, "lamina")},
		{"wrote the session", "", &nodeSession, Warning, "last written by another program, such as"},
		{"installed and wrote the session", bin, &nodeSession, Warning, "probably " + filepath.Join(bin, "lamina")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sessions := newSessions(t, "PATH="+tt.path)
			if tt.credential != nil {
				saveCredential(t, sessions, *tt.credential)
			}
			expect(t, checkOtherWriters(t.Context(), examine(t, sessions)), tt.status, tt.text)
		})
	}
}

func TestNodeClients(t *testing.T) {
	t.Parallel()
	files := []struct {
		name, text string
		isNode     bool
	}{
		{"npm/lamina", "#!/usr/bin/env node\nimport '../lib/cli.js'\n", true},
		{"npm/lamina.cmd", "@ECHO off\r\nnode \"%~dp0\\cli.js\" %*\r\n", true},
		{"abs-node/lamina", "#!/usr/local/bin/node --no-warnings\n", true},
		{"go/lamina", "\x7fELF\x02node", false},
		{"wrapper/lamina", "#!/bin/sh\nexec node /x\n", false},
		{"folder/lamina/x", "", false},
	}
	root := t.TempDir()
	var path, want []string
	for _, f := range files {
		file := filepath.Join(root, f.name)
		write(t, file, f.text, 0o700)
		if f.isNode {
			want = append(want, file)
		}
		if dir := filepath.Join(root, strings.SplitN(f.name, "/", 2)[0]); !slices.Contains(path, dir) {
			path = append(path, dir)
		}
	}
	path = append(path, filepath.Join(root, "missing"), "")
	if got := nodeClients(strings.Join(path, string(filepath.ListSeparator))); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCheckLock(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		locks  []config.LockState
		status Status
		text   string
		fix    string
	}{
		{"none", nil, OK, "no command holds a lock", ""},
		{"free", []config.LockState{{Path: "/h/config.lock"}}, OK, "no command holds a lock", ""},
		{"held", []config.LockState{{Path: "/h/a.lock"}, {Path: "/h/refresh-1.lock", Held: true}}, Warning, "refresh-1.lock is held by another lamina", ""},
		{"known process", []config.LockState{{Path: "/h/refresh-1.lock", Held: true, PID: 7}}, Warning, "held by process 7", "ps -fp 7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := checkLock(t.Context(), &examination{inspection: config.Inspection{Locks: tt.locks}})
			expect(t, got, tt.status, tt.text)
			if got.Fix != tt.fix {
				t.Errorf("got the fix %q, want %q", got.Fix, tt.fix)
			}
		})
	}
}

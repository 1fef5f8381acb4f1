package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
)

// fixture is a configuration folder, a working folder and an environment.
type fixture struct {
	*testing.T
	home, folder string
	env          map[string]string
	notes        []string
	manager      *session.Manager
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, home: t.TempDir(), env: map[string]string{}}
	f.folder = filepath.Join(f.home, "work")
	if err := os.Mkdir(f.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	f.env["HOME"], f.env["LAMINA_CONFIG_DIR"] = f.home, filepath.Join(f.home, ".lamina")
	note := func(format string, args ...any) { f.notes = append(f.notes, fmt.Sprintf(format, args...)) }
	f.manager = &session.Manager{
		Getenv: func(name string) string { return f.env[name] }, Now: time.Now, Say: note, Note: note,
		Folder: func() (string, error) { return f.folder, nil },
	}
	return f
}

// signIn stores an API key in a profile.
func (f *fixture) signIn(profile, service string, change func(*config.Credential)) {
	f.Helper()
	c := config.Credential{Kind: config.APIKey, Provider: service, Token: config.Secret("key-of-" + profile), BaseURL: "https://app.uselamina.ai", SavedAt: time.Now()}
	if change != nil {
		change(&c)
	}
	if _, err := f.manager.Store().Replace(f.Context(), config.UpdateOptions{}, config.Profile{Name: profile, Credential: c}); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) useProfile(name string) {
	f.Helper()
	err := f.manager.Store().Update(f.Context(), func(doc *config.Document) error {
		session.SetCurrentProfile(doc, provider.Lamina(), name)
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) projectConfig(text string) {
	f.Helper()
	if err := os.WriteFile(filepath.Join(f.folder, config.ProjectFile), []byte(text), 0o644); err != nil {
		f.Fatal(err)
	}
}

// TestOrderOfSources checks every pair of sources of a credential: the first of flag, environment key, environment profile,
// project config, current profile and default wins.
func TestOrderOfSources(t *testing.T) {
	t.Parallel()
	sources := []struct {
		name string
		set  func(f *fixture)
		want string // the key that is used
	}{
		{"--profile", func(f *fixture) { f.manager.Flags.Profile = "flag" }, "key-of-flag"},
		{"LAMINA_API_KEY", func(f *fixture) { f.env["LAMINA_API_KEY"] = "lma_key_of_environment" }, "lma_key_of_environment"},
		{"LAMINA_PROFILE", func(f *fixture) { f.env["LAMINA_PROFILE"] = "env" }, "key-of-env"},
		{"project config", func(f *fixture) { f.projectConfig(`profile = "project"` + "\n") }, "key-of-project"},
		{"current profile", func(f *fixture) { f.useProfile("current") }, "key-of-current"},
		{"default profile", func(*fixture) {}, "key-of-default"},
	}
	for i, first := range sources {
		for _, second := range sources[i:] {
			t.Run(first.name+" before "+second.name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				for _, profile := range []string{"default", "flag", "env", "project", "current"} {
					f.signIn(profile, "", nil)
				}
				second.set(f)
				first.set(f)
				s, err := f.manager.Open()
				if err != nil {
					t.Fatal(err)
				}
				if got := s.Key().Reveal(); got != first.want {
					t.Errorf("got %s, want %s", got, first.want)
				}
			})
		}
	}
}

// TestOrderOfServices checks how a command finds its service.
func TestOrderOfServices(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		set  func(f *fixture)
		want string // service and profile
	}{
		{"nothing", func(*fixture) {}, "lamina default"},
		{"--provider", func(f *fixture) { f.manager.Flags.Provider = "laghav" }, "laghav laghav"},
		{"the service of --profile", func(f *fixture) { f.manager.Flags.Profile = "team" }, "laghav team"},
		{"the service of LAMINA_PROFILE", func(f *fixture) { f.env["LAMINA_PROFILE"] = "team" }, "laghav team"},
		{"--provider, and LAMINA_PROFILE of another service", func(f *fixture) {
			f.manager.Flags.Provider, f.env["LAMINA_PROFILE"] = "laghav", "default"
		}, "laghav laghav"},
		{"--provider, and a project config of another service", func(f *fixture) {
			f.manager.Flags.Provider = "laghav"
			f.projectConfig(`profile = "default"` + "\n")
		}, "laghav laghav"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.signIn("default", "", nil)
			f.signIn("laghav", "laghav", nil)
			f.signIn("team", "laghav", nil)
			tt.set(f)
			s, err := f.manager.Open()
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Provider.Name + " " + s.Profile; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestRefusedSessions checks what is refused before anything is sent, with the hint that users get.
func TestRefusedSessions(t *testing.T) {
	t.Parallel()
	inWorkspace := func(id string) func(*config.Credential) {
		return func(c *config.Credential) {
			c.Account = config.Account{WorkspaceID: id, WorkspaceName: "A", Role: "owner"}
		}
	}
	tests := []struct {
		name    string
		set     func(f *fixture)
		code    fail.Code
		message string
		hint    string
	}{
		{"nobody signed in", func(*fixture) {}, fail.NotLoggedIn, "you are not signed in", "lamina login"},
		{"unknown --profile", func(f *fixture) { f.manager.Flags.Profile = "work" }, fail.NotLoggedIn, "profile work, selected by --profile, is not signed in; there is no other profile", "lamina login --profile work"},
		{"unknown LAMINA_PROFILE", func(f *fixture) {
			f.signIn("default", "", nil)
			f.env["LAMINA_PROFILE"] = "work"
		}, fail.NotLoggedIn, "profile work, selected by LAMINA_PROFILE, is not signed in", "lamina login --profile work"},
		{"no key of a service", func(f *fixture) { f.manager.Flags.Provider = "laghav" }, fail.NotLoggedIn, "you are not signed in to Laghav, and LAGHAV_API_KEY is not set", "lamina login --provider laghav"},
		{"a profile of another service", func(f *fixture) {
			f.signIn("team", "laghav", nil)
			f.manager.Flags.Profile, f.manager.Flags.Provider = "team", "laminr"
		}, fail.InvalidArgument, "profile team, selected by --profile, belongs to laghav, and this command is for laminr; nothing was sent", "lamina profile list"},
		{"LAMINA_BASE_URL of another host", func(f *fixture) {
			f.signIn("work", "", nil)
			f.manager.Flags.Profile, f.env["LAMINA_BASE_URL"] = "work", "https://other.example"
		}, fail.WrongHost, "profile work belongs to https://app.uselamina.ai, but LAMINA_BASE_URL is https://other.example; the credential was not sent there", "lamina login --profile work, or unset LAMINA_BASE_URL"},
		{"project config of another host", func(f *fixture) {
			f.signIn("default", "", nil)
			f.projectConfig(`base_url = "https://other.example"` + "\n")
		}, fail.WrongHost, "requires https://other.example; nothing was sent", "lamina profile list, then the same command with --profile NAME"},
		{"another workspace", func(f *fixture) {
			f.signIn("default", "", inWorkspace("ws_1"))
			f.manager.Flags.Workspace = "ws_2"
		}, fail.WrongWorkspace, "profile default belongs to workspace A (owner, ws_1), but --workspace requires ws_2; nothing was sent", "lamina login --profile NAME, and choose that workspace"},
		{"another workspace that a profile has", func(f *fixture) {
			f.signIn("default", "", inWorkspace("ws_1"))
			f.signIn("other", "", inWorkspace("ws_2"))
			f.manager.Flags.Workspace = "ws_2"
		}, fail.WrongWorkspace, "--workspace requires ws_2", "the same command with --profile other"},
		{"workspaces that contradict each other", func(f *fixture) {
			f.env["LAMINA_API_KEY"], f.env["LAMINA_WORKSPACE"] = "lma_0123456789", "ws_1"
			f.projectConfig(`workspace = "ws_2"` + "\n")
		}, fail.WrongWorkspace, "LAMINA_WORKSPACE is workspace ws_1, but", "leave out LAMINA_WORKSPACE, or work in another folder"},
		{"a key without the setting that it needs", func(f *fixture) {
			f.manager.Flags.Provider = "lamatic"
			f.env["LAMATIC_API_KEY"], f.env["LAMATIC_ENDPOINT"] = "0123456789", "https://h.example/api"
		}, fail.InvalidArgument, "LAMATIC_API_KEY is set, but not the Project ID that it needs", "export LAMATIC_PROJECT_ID=VALUE"},
		{"a key without an address", func(f *fixture) {
			f.manager.Flags.Provider, f.env["LAMATIC_API_KEY"] = "lamatic", "0123456789"
		}, fail.InvalidArgument, "LAMATIC_API_KEY is set, but not the address of the service", "export LAMATIC_ENDPOINT=https://HOST/PATH"},
		{"a key that cannot be one", func(f *fixture) { f.env["LAMINA_API_KEY"] = "two words" }, fail.InvalidArgument, "LAMINA_API_KEY: that is not an API key", "set LAMINA_API_KEY to the key alone (https://app.uselamina.ai/settings?tab=api), or unset it"},
		{"an address that cannot be one", func(f *fixture) {
			f.env["LAMINA_API_KEY"], f.env["LAMINA_BASE_URL"] = "lma_0123456789", "http://h.example"
		}, fail.InvalidArgument, "LAMINA_BASE_URL: ", "export LAMINA_BASE_URL=https://HOST"},
		{"an unknown service", func(f *fixture) { f.manager.Flags.Provider = "nosuch" }, fail.InvalidArgument, `unknown service "nosuch"`, "lamina login --provider laghav"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			tt.set(f)
			_, err := f.manager.Open()
			if err == nil {
				t.Fatal("got a session, want an error")
			}
			got := f.manager.Describe(err)
			if got.ErrorCode() != tt.code || !strings.Contains(got.Message, tt.message) || got.Hint != tt.hint {
				t.Errorf("got  %v %q\n     hint %q\nwant %v %q\n     hint %q", got.ErrorCode(), got.Message, got.Hint, tt.code, tt.message, tt.hint)
			}
		})
	}
}

// TestEndedSessionNamesItsProfile: the remedy signs in to the profile whose session ended, not to another one.
func TestEndedSessionNamesItsProfile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.signIn("work", "", func(c *config.Credential) {
		c.Kind, c.RefreshToken, c.EndedAt, c.EndedReason = config.OAuth, "refresh", time.Now(), string(auth.ReasonUnused)
		c.ExpiresAt, c.ObtainedAt, c.Lifetime = time.Now().Add(-time.Hour), time.Now().Add(-2*time.Hour), time.Hour
	})
	f.env["LAMINA_PROFILE"] = "work"
	s, err := f.manager.Open()
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"offline": s.CheckOffline(), "online": tokenError(t.Context(), s)} {
		got := f.manager.Describe(err)
		if got.Hint != "lamina login --profile work" || !got.Is(fail.SessionExpired) {
			t.Errorf("%s: got %q, hint %q", name, got.Code, got.Hint)
		}
	}
}

func tokenError(ctx context.Context, s *session.Session) error {
	_, _, err := s.Token(ctx)
	return err
}

func TestEnvFile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	file := filepath.Join(f.home, "vars")
	text := "LAMINA_API_KEY=lma_from_file_0123\nLAMINA_CONFIG_DIR=/elsewhere\nHTTPS_PROXY=http://h.example\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f.manager.Flags.EnvFile = file
	if err := f.manager.ReadEnvFile(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"LAMINA_API_KEY": "lma_from_file_0123", "LAMINA_CONFIG_DIR": f.env["LAMINA_CONFIG_DIR"], "HTTPS_PROXY": ""} {
		if got := f.manager.Lookup(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	s, err := f.manager.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := f.manager.FailContext().Credential
	if c.Variable != "LAMINA_API_KEY" || c.File != file || s.Key() != "lma_from_file_0123" {
		t.Errorf("got %+v, key %s", c, s.Key().Reveal())
	}
	f.env["LAMINA_API_KEY"] = "lma_from_environment"
	if got := f.manager.Lookup("LAMINA_API_KEY"); got != "lma_from_environment" {
		t.Errorf("the environment does not win: got %q", got)
	}
}

// TestCheckKey checks the verdicts on a key, over real HTTP.
func TestCheckKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		answer  http.HandlerFunc
		verdict session.Verdict
		refused bool
	}{
		{"accepted", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }, session.Verdict{Checked: true, Proven: true}, false},
		{"refused", answer(401, `{"error":"no","code":"INVALID_KEY"}`), session.Verdict{}, true},
		{"accepted, but not for this", answer(403, `{"error":"no","code":"PLAN_FEATURE_LOCKED"}`), session.Verdict{Checked: true, Proven: true, Kind: provider.Forbidden, Note: "the plan does not include this"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(func() http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					if got := r.Header.Get("Authorization"); got != "Bearer lgh_live_0123456789" {
						t.Errorf("got Authorization %q", got)
					}
					tt.answer(w, r)
				})
			}())
			defer server.Close()
			f := newFixture(t)
			client, err := f.manager.KeyClient(provider.Laghav(), server.URL, "lgh_live_0123456789", nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.manager.CheckKey(t.Context(), provider.Laghav(), client)
			if got != tt.verdict || (err != nil) != tt.refused {
				t.Errorf("got %+v, %v; want %+v, refused %v", got, err, tt.verdict, tt.refused)
			}
		})
	}
}

// TestRequestTime: all commands give a slow service the same time, lamina api, too, unless the user sets a limit.
func TestRequestTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		service provider.Provider
		set     string
		want    time.Duration
	}{
		{provider.Lamina(), "", 30 * time.Second},
		{provider.Laghav(), "", time.Minute},
		{provider.Lamatic(), "", 2 * time.Minute},
		{provider.Lamatic(), "5s", 5 * time.Second},
		{provider.Lamatic(), "soon", 2 * time.Minute},
	} {
		f := newFixture(t)
		f.env["LAMINA_REQUEST_TIMEOUT"] = tt.set
		client, err := f.manager.KeyClient(tt.service, "https://example.com", "key", nil)
		if err != nil {
			t.Fatal(err)
		}
		if client.Timeout != tt.want {
			t.Errorf("%s with the limit %q: got %v, want %v", tt.service.Name, tt.set, client.Timeout, tt.want)
		}
	}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// TestCloseNotesExpiry: a session that is about to expire is noted, with the command that signs in to the same profile.
func TestCloseNotesExpiry(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.signIn("work", "", func(c *config.Credential) {
		c.Kind, c.RefreshToken = config.OAuth, "refresh"
		c.ExpiresAt, c.ObtainedAt, c.Lifetime = time.Now().Add(time.Hour), time.Now(), time.Hour
		c.RefreshExpiresAt = time.Now().Add(24 * time.Hour)
	})
	f.env["LAMINA_PROFILE"] = "work"
	if _, err := f.manager.Open(); err != nil {
		t.Fatal(err)
	}
	f.manager.Close()
	if notes := strings.Join(f.notes, "\n"); !strings.Contains(notes, "lamina login --profile work") {
		t.Errorf("got notes %q", notes)
	}
}

// TestNoHome: without a home folder the error names it.
func TestNoHome(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.env["HOME"], f.env["LAMINA_CONFIG_DIR"] = "", ""
	_, err := f.manager.Open()
	var none *auth.NotSignedInError
	if !errors.As(err, &none) || !strings.Contains(err.Error(), "HOME") {
		t.Errorf("got %v, want a *auth.NotSignedInError that names HOME", err)
	}
	f.env["LAMINA_API_KEY"] = "lma_" + "0123456789abcdef"
	if _, err := f.manager.Open(); err != nil {
		t.Errorf("with a key in the environment: %v", err)
	}
}

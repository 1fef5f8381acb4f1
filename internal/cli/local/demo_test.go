package local

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
)

func TestGuestEnv(t *testing.T) {
	t.Parallel()
	env, _ := newEnv(t, map[string]string{"LAMINA_API_KEY": "lma_key", "LAMINA_PROFILE": "work", "LANG": "C", "CI": "true", "BROWSER": "firefox"})
	approve := func(string) error { return nil }
	tests := []struct {
		name    string
		approve func(string) error
		want    map[string]string
	}{
		{"user's browser", nil, map[string]string{"LAMINA_API_KEY": "", "LAMINA_PROFILE": "", "LAMINA_CONFIG_DIR": "/h", "LANG": "C", "CI": "true", "BROWSER": "firefox"}},
		{"own approval", approve, map[string]string{"LAMINA_API_KEY": "", "LAMINA_BASE_URL": "http://127.0.0.1:1", "LANG": "C", "CI": "", "BROWSER": "lamina demo"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			guest := guestEnv(env, "/h", "http://127.0.0.1:1", tt.approve)
			for name, want := range tt.want {
				if got := guest.Getenv(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			if guest.ApprovesItself != (tt.approve != nil) || guest.Folder != nil {
				t.Errorf("got ApprovesItself %v, Folder set %v", guest.ApprovesItself, guest.Folder != nil)
			}
		})
	}
}

// TestDemoStops checks that the demo runs its commands in order and stops at the first failure.
func TestDemoStops(t *testing.T) {
	t.Parallel()
	env, _ := newEnv(t, nil)
	env.Now = time.Now
	var ran []string
	var folder string
	err := runDemo(t.Context(), &demoOptions{env: env, text: "Hello", run: func(_ context.Context, guest *cmdutil.Env, args []string) int {
		ran, folder = append(ran, args[0]), guest.Getenv("LAMINA_CONFIG_DIR")
		if args[0] == "apps" {
			return fail.ExitService
		}
		return fail.ExitOK
	}})
	var failure *fail.Error
	if !errors.As(err, &failure) || failure.Code != fail.DemoFailed {
		t.Errorf("got error %v, want code %s", err, fail.DemoFailed.Name)
	}
	if want := []string{"login", "whoami", "apps"}; !slices.Equal(ran, want) {
		t.Errorf("got the commands %v, want %v", ran, want)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v for the configuration folder of the demo, want it removed", err)
	}
}

package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestMain runs a job if the test binary was started as a child process.
func TestMain(m *testing.M) {
	if job := os.Getenv("CONFIG_TEST_JOB"); job != "" {
		runChild(job)
	}
	os.Exit(m.Run())
}

// runChild stores ten profiles. A job has the form PREFIX or PREFIX@POINT; the process dies at the point of its first write, and
// one write later for each + after the point. If PREFIX is default, it stores ten keys in the default profile.
func runChild(job string) {
	store := &Store{Dir: os.Getenv("CONFIG_TEST_DIR")}
	prefix, point, _ := strings.Cut(job, "@")
	if point != "" {
		later := strings.Count(point, "+")
		store.Disk = newStepDisk(func(step string) error {
			if step != strings.TrimRight(point, "+") {
				return nil
			}
			if later--; later < 0 {
				os.Exit(7) // like a kill: no deferred function runs
			}
			return nil
		})
	}
	for i := range 10 {
		change := addKey(fmt.Sprintf("%s-%d", prefix, i))
		if prefix == DefaultProfile {
			change = signOn("", Credential{Kind: APIKey, Token: Secret(fmt.Sprintf("key-default-%d", i))})
		}
		if err := store.Update(context.Background(), change); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(0)
}

func child(t *testing.T, dir, job string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CONFIG_TEST_JOB="+job, "CONFIG_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// addKey returns a change that stores an API key in a profile.
func addKey(profile string) func(*Document) error {
	return func(d *Document) error {
		d.SetProfile(Profile{Name: profile, Credential: Credential{Kind: APIKey, Token: Secret("key-" + profile)}})
		return nil
	}
}

func newStore(t *testing.T) *Store {
	t.Helper()
	return &Store{Dir: filepath.Join(t.TempDir(), ".lamina")}
}

// write writes the document as another program does.
func write(t *testing.T, s *Store, text string) {
	t.Helper()
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.Path(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func update(t *testing.T, s *Store, profile string) {
	t.Helper()
	if err := s.Update(t.Context(), addKey(profile)); err != nil {
		t.Fatal(err)
	}
}

func wantProfiles(t *testing.T, s *Store, want ...string) {
	t.Helper()
	doc, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	if got := doc.ProfileNames(); len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("got profiles %v, want %v", got, want)
	}
}

func wantProblem(t *testing.T, err error, want Problem) {
	t.Helper()
	var file *FileError
	if !errors.As(err, &file) || file.Problem != want {
		t.Errorf("got %v, want a *FileError with problem %d", err, want)
	}
}

// wantFiles checks the names of the files in a folder, without lock files.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".lock" {
			got = append(got, e.Name())
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got files %v, want %v", got, want)
	}
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s: got mode %o, want %o", filepath.Base(path), got, want)
	}
}

func symlink(t *testing.T, target, link string) {
	t.Helper()
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
}

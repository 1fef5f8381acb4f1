package config

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// bindMount mounts a file or folder over itself.
func bindMount(t *testing.T, path string, flags uintptr) {
	t.Helper()
	if err := syscall.Mount(path, path, "", syscall.MS_BIND, ""); err != nil {
		t.Skip("no permission to mount:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(path, syscall.MNT_DETACH) })
	if err := syscall.Mount("", path, "", syscall.MS_REMOUNT|syscall.MS_BIND|flags, ""); err != nil {
		t.Skip("no permission to mount:", err)
	}
}

func setAttribute(t *testing.T, path, attribute string) {
	t.Helper()
	if out, err := exec.Command("chattr", "+"+attribute, path).CombinedOutput(); err != nil {
		t.Skipf("chattr does not work here: %v %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("chattr", "-"+attribute, path).Run() })
}

// What cannot be written is found out before, with the cause, and nothing is changed.
func TestCheckWritableTriesTheFile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file string // "" is the folder
		spoil      func(t *testing.T, path string)
		want       string
	}{
		{"immutable file", documentName, func(t *testing.T, path string) { setAttribute(t, path, "i") }, "immutable"},
		{"immutable profiles", profilesName, func(t *testing.T, path string) { setAttribute(t, path, "i") }, "immutable"},
		{"append-only file", documentName, func(t *testing.T, path string) { setAttribute(t, path, "a") }, "append-only"},
		{"immutable folder", "", func(t *testing.T, path string) { setAttribute(t, path, "i") }, "immutable"},
		{"append-only folder", "", func(t *testing.T, path string) { setAttribute(t, path, "a") }, "append-only"},
		{"read-only mount of the file", documentName, func(t *testing.T, path string) { bindMount(t, path, syscall.MS_RDONLY) }, "read-only mount"},
		{"read-only mount of the folder", "", func(t *testing.T, path string) { bindMount(t, path, syscall.MS_RDONLY) }, "read-only"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			update(t, s, "a")
			update(t, s, DefaultProfile)
			test.spoil(t, filepath.Join(s.Dir, test.file))
			before, _ := os.ReadFile(s.Path())
			err := s.CheckWritable("")
			wantProblem(t, err, Unwritable)
			if err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want it to name %q", err, test.want)
			}
			if err := s.Update(t.Context(), signOn("", thirdParty)); err == nil {
				t.Error("Update: got no error, want one")
			}
			if after, _ := os.ReadFile(s.Path()); string(after) != string(before) {
				t.Errorf("got %s, want the file unchanged", after)
			}
			if err := s.CheckWritable("work"); test.file == documentName && err != nil {
				t.Errorf("a profile that is in the other file: %v", err)
			}
		})
	}
}

// A mount of a single file cannot be renamed onto. It is written in place.
func TestMountOfOneFile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{documentName, profilesName} {
		s := newStore(t)
		update(t, s, "a")
		update(t, s, DefaultProfile)
		bindMount(t, filepath.Join(s.Dir, name), 0)
		if err := s.CheckWritable(""); err != nil {
			t.Fatal(err)
		}
		if err := s.Update(t.Context(), signOn("", Credential{Kind: APIKey, Token: "lma_2"})); err != nil {
			t.Fatal(err)
		}
		update(t, s, "b")
		wantProfiles(t, s, "default", "a", "b")
		if p, _ := loadProfile(t, s, ""); p.Credential.Token != "lma_2" {
			t.Errorf("got %+v, want lma_2", p.Credential)
		}
		wantFiles(t, s.Dir, "config.json", "profiles.json")
	}
}

// If a process dies while it writes in place, the new content is next to the torn file.
func TestDeathDuringWriteInPlace(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	update(t, s, "old")
	bindMount(t, s.ProfilesPath(), 0)
	_ = child(t, s.Dir, "new@"+halfWritten+"+").Run() // the first time in the temporary file, then in place
	if raw, err := os.ReadFile(s.ProfilesPath()); err != nil || strings.HasSuffix(strings.TrimSpace(string(raw)), "}") {
		t.Fatalf("got %s, %v, want a torn file", raw, err)
	}
	wantProfiles(t, s, "new-0", "old")
	update(t, s, "next")
	wantProfiles(t, s, "new-0", "next", "old")
	wantFiles(t, s.Dir, "profiles.json")
}

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// setupScript is the script of the action setup-lamina.
const setupScript = "../../.github/actions/setup-lamina/install.sh"

// newRelease returns a folder with one release, laid out like the downloads of a repository. The archive contains a script
// in place of the binary.
func newRelease(t *testing.T, version string) (folder, archive string) {
	t.Helper()
	folder = t.TempDir()
	name := fmt.Sprintf("lamina_%s_%s_%s.tar.gz", version, runtime.GOOS, runtime.GOARCH)
	program := "#!/bin/sh\necho lamina " + version + "\n"
	var content bytes.Buffer
	zipped := gzip.NewWriter(&content)
	files := tar.NewWriter(zipped)
	if err := files.WriteHeader(&tar.Header{Name: "lamina", Mode: 0o755, Size: int64(len(program))}); err != nil {
		t.Fatal(err)
	}
	_, _ = files.Write([]byte(program))
	_, _ = files.Close(), zipped.Close()
	sums := fmt.Sprintf("%x  lamina_%s_plan9_mips.tar.gz\n%x  %s\n", sha256.Sum256(nil), version, sha256.Sum256(content.Bytes()), name)
	for _, sub := range []string{"latest/download", "download/v" + version} {
		at := filepath.Join(folder, filepath.FromSlash(sub))
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		archive = filepath.Join(at, name)
		for file, raw := range map[string][]byte{archive: content.Bytes(), filepath.Join(at, "checksums.txt"): []byte(sums)} {
			if err := os.WriteFile(file, raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return folder, archive
}

// setUp runs the script as a step of a workflow does. It returns the output, and what it added to PATH and to the outputs.
func setUp(t *testing.T, releases, version string) (out, path, outputs string, err error) {
	t.Helper()
	temp := t.TempDir()
	files := map[string]string{"GITHUB_PATH": filepath.Join(temp, "path"), "GITHUB_OUTPUT": filepath.Join(temp, "outputs")}
	cmd := exec.Command("bash", setupScript)
	cmd.Env = append(os.Environ(), "RUNNER_TEMP="+temp, "LAMINA_VERSION="+version, "LAMINA_RELEASES=file://"+releases)
	for name, file := range files {
		cmd.Env = append(cmd.Env, name+"="+file)
	}
	raw, err := cmd.CombinedOutput()
	added, _ := os.ReadFile(files["GITHUB_PATH"])
	set, _ := os.ReadFile(files["GITHUB_OUTPUT"])
	return string(raw), strings.TrimSpace(string(added)), string(set), err
}

func TestSetupAction(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "tar"} {
		if _, err := exec.LookPath(tool); err != nil || runtime.GOOS == "windows" {
			t.Skipf("needs a Unix with %s", tool)
		}
	}
	for _, version := range []string{"latest", "1.2.3", "v1.2.3"} {
		releases, _ := newRelease(t, "1.2.3")
		out, path, outputs, err := setUp(t, releases, version)
		if err != nil || outputs != "version=1.2.3\n" {
			t.Fatalf("%s: %v, outputs %q\n%s", version, err, outputs, out)
		}
		if said, err := exec.Command(filepath.Join(path, "lamina")).Output(); err != nil || string(said) != "lamina 1.2.3\n" {
			t.Errorf("%s: the installed program: %v, %q", version, err, said)
		}
	}
	changed, archive := newRelease(t, "1.2.3")
	if err := os.WriteFile(archive, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ releases, version, want string }{
		{changed, "1.2.3", "::error::the SHA-256 sum of lamina_1.2.3_"},
		{changed, "9.9.9", "::error::could not download the checksums of lamina 9.9.9"},
		{changed, "../1.2.3", "::error::the version must be like 1.2.3"},
	} {
		out, path, _, err := setUp(t, c.releases, c.version)
		if err == nil || path != "" || !strings.Contains(out, c.want) {
			t.Errorf("%s: got %v, PATH %q, want %q in\n%s", c.version, err, path, c.want, out)
		}
	}
}

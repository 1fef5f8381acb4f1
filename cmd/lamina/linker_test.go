package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestLinkerMayDropMethods checks that the linker can remove unused methods. It keeps every exported method once the
// program can reach a call of a method by a name known only at run time, as in text/template: 2.4 MB, a sixth of the
// program, which every start maps. The linker marks such a call with <ReflectMethod>. A failure prints the last link of
// the chain that leads to it; go build -ldflags=-dumpdep ./cmd/lamina prints all of it.
func TestLinkerMayDropMethods(t *testing.T) {
	if testing.Short() {
		t.Skip("links the program")
	}
	t.Parallel()
	build := exec.Command("go", "build", "-ldflags=-dumpdep -s -w", "-o", filepath.Join(t.TempDir(), "lamina"), ".")
	if isFullLoad() { // as the release builds it; otherwise what is compiled for the tests is used
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	edges, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, edges)
	}
	if !regexp.MustCompile(`(?m)^main\.main -> `).Match(edges) {
		t.Fatal("the linker did not say what it links")
	}
	for _, edge := range regexp.MustCompile(`(?m)^.* -> .* <ReflectMethod>$`).FindAll(edges, 5) {
		t.Errorf("%s", edge)
	}
}

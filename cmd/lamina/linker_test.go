package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// The linker leaves out methods that nobody calls, until something in the program calls a method by a name that it
// learns at run time, as the templates of the standard library do. Then every exported method stays: 2.4 MB, a sixth of
// the program, that each start maps. So nothing may reach such a call. Where one is reached, the linker's own word for
// it is <ReflectMethod>; what this test prints is the chain's end, and the rest of it is in the output of
// go build -ldflags=-dumpdep ./cmd/lamina.
func TestLinkerMayDropMethods(t *testing.T) {
	if testing.Short() {
		t.Skip("links the program")
	}
	t.Parallel()
	build := exec.Command("go", "build", "-ldflags=-dumpdep -s -w", "-o", filepath.Join(t.TempDir(), "lamina"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is released
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

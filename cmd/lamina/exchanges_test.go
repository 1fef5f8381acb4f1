package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/uselamina/lamina/internal/platform/openapitest"
)

// The variables by which a script has its platforms checked: the file of the description, the file for the differences, and the file for the ids
// of operations that succeeded.
const (
	descriptionVariable = "LAMINA_TEST_DESCRIPTION"
	differencesVariable = "LAMINA_TEST_DIFFERENCES"
	operationsVariable  = "LAMINA_TEST_OPERATIONS"
)

// checkExchanges has each platform that a script starts check its exchanges against docs/openapi.yaml, in both directions. A
// difference fails the script.
func checkExchanges(env *testscript.Env) error {
	differences := filepath.Join(env.WorkDir, ".differences")
	check, err := checkingEnviron(differences)
	env.Vars = append(env.Vars, check...)
	env.Defer(func() {
		if t, ok := env.T().(interface{ Errorf(string, ...any) }); ok {
			failForDifferences(t.Errorf, differences)
		}
	})
	return err
}

// checkingEnviron returns the variables with which a platform checks its exchanges and writes the differences to a file.
func checkingEnviron(differences string) ([]string, error) {
	description, err := filepath.Abs("../../docs/openapi.yaml")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(description); err != nil { // it also tells go test that the result depends on this file
		return nil, err
	}
	return []string{descriptionVariable + "=" + description, differencesVariable + "=" + differences}, nil
}

// failForDifferences fails a test if a platform wrote differences.
func failForDifferences(fail func(format string, args ...any), differences string) {
	if raw, err := os.ReadFile(differences); err == nil {
		fail("the local platform and docs/openapi.yaml differ:\n%s", raw)
	}
}

// wrapAPI wraps the API of a platform, as checkExchanges requested it.
func wrapAPI(next http.Handler) http.Handler {
	differences := os.Getenv(differencesVariable)
	if differences == "" {
		return next
	}
	add := addTo(differences)
	report := func(err error) { add(err.Error()) }
	description, err := openapitest.Load(os.Getenv(descriptionVariable))
	if err != nil {
		report(err)
		return next
	}
	succeeded := func(string) {}
	if operations := os.Getenv(operationsVariable); operations != "" {
		succeeded = addTo(operations)
	}
	return description.Handler(next, report, succeeded)
}

// addTo returns a function that adds a line to a file, which several processes may share. It adds each line once.
func addTo(file string) func(line string) {
	var mu sync.Mutex
	added := map[string]bool{}
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		if added[line] {
			return
		}
		added[line] = true
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			panic(err)
		}
		defer f.Close()
		_, _ = f.WriteString(line + "\n")
	}
}

// expectEveryOperation fails the test of all scripts if no script used an operation of docs/openapi.yaml with success. A run of some scripts does
// not have to use them all.
func expectEveryOperation(t *testing.T, params *testscript.Params) {
	t.Helper()
	operations := filepath.Join(t.TempDir(), "operations")
	all, err := filepath.Glob(filepath.Join(params.Dir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var started atomic.Int64
	setup := params.Setup
	params.Setup = func(env *testscript.Env) error {
		started.Add(1)
		env.Setenv(operationsVariable, operations)
		return setup(env)
	}
	t.Cleanup(func() { // after the scripts, which run in parallel
		if int(started.Load()) < len(all) {
			return
		}
		description, err := openapitest.Load("../../docs/openapi.yaml")
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(operations)
		if err != nil {
			t.Fatal(err)
		}
		used := strings.Fields(string(raw))
		for address, id := range description.Operations() {
			if !slices.Contains(used, id) {
				t.Errorf("no script has a successful response of %s (%s)", id, address)
			}
		}
	})
}

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/uselamina/lamina/internal/platform/openapitest"
)

// The variables by which a script has its platforms checked: the file of the description, and the file for the differences.
const (
	descriptionVariable = "LAMINA_TEST_DESCRIPTION"
	differencesVariable = "LAMINA_TEST_DIFFERENCES"
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
	report := reportTo(differences)
	description, err := openapitest.Load(os.Getenv(descriptionVariable))
	if err != nil {
		report(err)
		return next
	}
	return description.Handler(next, report)
}

// reportTo returns a function that adds an error to a file.
func reportTo(file string) func(error) {
	var mu sync.Mutex
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		f, openErr := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if openErr != nil {
			panic(openErr)
		}
		defer f.Close()
		_, _ = f.WriteString(err.Error() + "\n")
	}
}

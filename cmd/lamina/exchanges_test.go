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
	description, err := filepath.Abs("../../docs/openapi.yaml")
	if err != nil {
		return err
	}
	differences := filepath.Join(env.WorkDir, ".differences")
	env.Setenv(descriptionVariable, description)
	env.Setenv(differencesVariable, differences)
	env.Defer(func() {
		raw, err := os.ReadFile(differences)
		if t, ok := env.T().(interface{ Errorf(string, ...any) }); ok && err == nil {
			t.Errorf("the local platform and docs/openapi.yaml differ:\n%s", raw)
		}
	})
	return nil
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

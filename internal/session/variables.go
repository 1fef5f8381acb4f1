package session

import (
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

// Durations are the environment variables that hold a duration.
var Durations = []string{"LAMINA_REQUEST_TIMEOUT", "LAMINA_PATIENCE", "LAMINA_BATCH_SETTLE"}

// RefuseBlank returns an error for the first of these environment variables that is set, but empty or blank. Code calls it before it
// uses them, because an empty variable is a mistake, such as a secret that a CI job may not read, and not an absence.
func (m *Manager) RefuseBlank(names ...string) error {
	for _, name := range names {
		switch value, inFile := m.envFile[name]; {
		case m.IsBlank != nil && m.IsBlank(name):
			message := name + " is set, but empty"
			isKey := func(p provider.Provider) bool { return p.EnvKey == name }
			if isSecretName(name) || slices.ContainsFunc(m.usableProviders(), isKey) {
				message += "; in CI, this is what a secret looks like that does not exist, or that the job may not read"
			}
			return fail.Usage("set "+name+", or unset it", "%s", message)
		case m.Getenv(name) == "" && inFile && value.text == "":
			return fail.Usage("set "+name+" there, or remove the line", "%s is set, but empty, in %s", name, m.place(value))
		}
	}
	return nil
}

// CheckDurations refuses variables that do not hold the duration that they should.
func (m *Manager) CheckDurations() error {
	for _, name := range Durations {
		if err := m.RefuseBlank(name); err != nil {
			return err
		}
		text := m.Getenv(name)
		if d, err := time.ParseDuration(text); text != "" && (err != nil || d <= 0) {
			return fail.Usage("export "+name+"=30s", "%s must be a duration such as 30s or 4m, not %q", name, text)
		}
	}
	return nil
}

// BlankVariables returns an error for each variable that commands of a service would refuse because it is empty.
func (m *Manager) BlankVariables(p provider.Provider) []error {
	names := append([]string{"LAMINA_CONFIG_DIR", "LAMINA_PROFILE", "LAMINA_OUTPUT", "LAMINA_CA_FILE"}, Durations...)
	var found []error
	for _, name := range append(names, p.Variables()...) {
		if err := m.RefuseBlank(name); err != nil {
			found = append(found, err)
		}
	}
	return found
}

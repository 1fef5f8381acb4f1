package session

import (
	"os"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/child"
	"github.com/uselamina/lamina/internal/provider"
)

// ChildEnviron returns the environment of this process without secrets, for a program that this process starts. It lacks the
// variables that hold the keys and settings of all services, those with a name of a secret, and those with a value that contains a
// secret that this process used or a word that has the shape of a key.
func (m *Manager) ChildEnviron() []string {
	return m.withoutSecrets(os.Environ())
}

func (m *Manager) withoutSecrets(environ []string) []string {
	ours := m.secretVariables()
	return child.Environ(environ, func(name, value string) bool {
		name = strings.ToUpper(name) // Windows ignores the case
		return slices.Contains(ours, name) || isSecretName(name) || m.Secrets.Text(value) != value
	})
}

// secretVariables returns the variables in which services look for keys and settings, in capital letters. A service with an
// invalid file is left out.
func (m *Manager) secretVariables() []string {
	var names []string
	for _, p := range m.usableProviders() {
		names = append(names, strings.ToUpper(p.EnvKey))
		for _, setting := range p.Settings {
			for _, variable := range setting.Env {
				names = append(names, strings.ToUpper(variable))
			}
		}
	}
	return names
}

// isSecretName reports whether a variable holds a secret by its name, in capital letters: an API key of any service, or a secret
// of this program.
func isSecretName(name string) bool {
	if strings.HasSuffix(name, "_API_KEY") {
		return true
	}
	isOurs := strings.HasPrefix(name, strings.ToUpper(provider.Lamina().Name)+"_")
	return isOurs && slices.ContainsFunc([]string{"KEY", "TOKEN", "SECRET", "PASSWORD"}, func(word string) bool { return strings.Contains(name, word) })
}

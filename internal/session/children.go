package session

import (
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/child"
	"github.com/uselamina/lamina/internal/provider"
)

// ChildEnviron returns the environment of this process without secrets, for a program that this process starts. It lacks the
// variables that hold the keys and settings of all services, those with a name of a secret, those with the address and the password of a
// server, and those with a value that contains a
// secret that this process used or a word that has the shape of a key.
func (m *Manager) ChildEnviron() []string {
	return m.withoutSecrets(os.Environ())
}

func (m *Manager) withoutSecrets(environ []string) []string {
	ours := m.secretVariables()
	return child.Environ(environ, func(name, value string) bool {
		name = strings.ToUpper(name) // Windows ignores the case
		return slices.Contains(ours, name) || isSecretName(name) || isSecretURL(name, value) || m.Secrets.Text(value) != value
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

// secretWords are the words of a variable's name that say that its value is a secret.
var secretWords = []string{"TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "PAT", "CREDENTIALS"}

// isSecretName reports whether a variable holds a secret of any program by its name, in capital letters. A desktop gives the program
// that it starts an activation token, which a browser needs.
func isSecretName(name string) bool {
	words := strings.Split(name, "_")
	isKey := len(words) > 1 && words[len(words)-1] == "KEY"
	isOurs := words[0] == strings.ToUpper(provider.Lamina().Name)
	switch {
	case name == "XDG_ACTIVATION_TOKEN":
		return false
	case isKey, isOurs && slices.Contains(words, "KEY"):
		return true
	}
	return slices.ContainsFunc(secretWords, func(word string) bool { return slices.Contains(words, word) })
}

// isSecretURL reports whether a value is an address with a password, such as one of a database. A child needs that of its proxy.
func isSecretURL(name, value string) bool {
	u, err := url.Parse(value)
	if err != nil || strings.HasSuffix(name, "_PROXY") {
		return false
	}
	_, hasPassword := u.User.Password()
	return hasPassword
}

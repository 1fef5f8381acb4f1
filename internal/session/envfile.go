package session

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
	"github.com/uselamina/lamina/internal/textfile"
)

// maxEnvFile is the size of the largest file of --env-file, in bytes.
const maxEnvFile = 1 << 20

// A fileValue is the value of a variable in the file of --env-file.
type fileValue struct {
	text string
	line int
}

// place names the line of a value.
func (m *Manager) place(v fileValue) string { return fmt.Sprintf("%s:%d", m.Flags.EnvFile, v.line) }

// ReadEnvFile reads the file of --env-file. Only keys, addresses and settings of services are used, and only where the environment
// has none: the file can set neither the configuration folder nor trusted certificates. Other lines are skipped, whatever they are.
func (m *Manager) ReadEnvFile(ctx context.Context) error {
	file := m.Flags.EnvFile
	if file == "" {
		return nil
	}
	const hint = "it should hold lines such as LAGHAV_API_KEY=…"
	raw, err := term.Await(ctx, func() ([]byte, error) { return readAtMost(file, maxEnvFile) })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fail.Usage("", "could not read --env-file: %v", err)
	}
	text, err := textfile.Decode(raw)
	if err != nil {
		return fail.Usage(hint, "--env-file %s: %v", file, err)
	}
	known, err := m.fileVariables()
	if err != nil {
		return err
	}
	assignments, skipped := parseEnvFile(string(text))
	m.envFile = map[string]fileValue{}
	for _, a := range assignments {
		switch {
		case !slices.Contains(known, a.name):
			skipped++
		case a.problem != "":
			return fail.Usage(hint, "--env-file %s:%d: %s %s", file, a.line, a.name, a.problem)
		default:
			m.envFile[a.name] = fileValue{a.value, a.line}
		}
	}
	if len(m.envFile) == 0 {
		return fail.Usage(hint, "--env-file %s holds no key, address or setting of a service", file)
	}
	m.Debugf("--env-file %s: %d variables are used, %d lines of other programs are skipped", file, len(m.envFile), skipped)
	return nil
}

// fileVariables lists the variables that a file may set: those of all services. A description of a service that cannot be used is an
// error only if the command is for that service.
func (m *Manager) fileVariables() ([]string, error) {
	var names []string
	for _, p := range m.usableProviders() {
		names = append(names, p.Variables()...)
	}
	if m.Flags.Provider != "" {
		if _, err := m.FindProvider(m.Flags.Provider); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// usableProviders returns the built-in services, and the described ones with a valid description.
func (m *Manager) usableProviders() []provider.Provider {
	all := provider.All()
	for _, name := range m.ProviderNames()[len(all):] {
		if p, err := m.FindProvider(name); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// readAtMost reads a file that must not be larger than limit bytes.
func readAtMost(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", file, limit)
	}
	return raw, err
}

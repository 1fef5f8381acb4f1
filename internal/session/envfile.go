package session

import (
	"os"

	"github.com/hashicorp/go-envparse"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

// ReadEnvFile reads the file of --env-file. Only keys, addresses and settings of services are used, and only where the environment
// has none: the file can set neither the configuration folder nor trusted certificates.
func (m *Manager) ReadEnvFile() error {
	file := m.Flags.EnvFile
	if file == "" {
		return nil
	}
	const hint = "it should hold lines such as LAGHAV_API_KEY=…"
	f, err := os.Open(file)
	if err != nil {
		return fail.Usage("", "could not read --env-file: %v", err)
	}
	defer f.Close()
	values, err := envparse.Parse(f)
	if err != nil {
		return fail.Usage(hint, "--env-file %s: %v", file, err)
	}
	providers := provider.All()
	if m.Flags.Provider != "" {
		p, err := m.FindProvider(m.Flags.Provider)
		if err != nil {
			return err
		}
		providers = append(providers, p)
	}
	m.envFile = map[string]string{}
	for _, p := range providers {
		for _, name := range variablesOf(p) {
			if value := values[name]; value != "" {
				m.envFile[name] = value
			}
		}
	}
	if len(m.envFile) == 0 {
		return fail.Usage(hint, "--env-file %s holds no key, address or setting of a service", file)
	}
	return nil
}

// variablesOf lists the environment variables of a service.
func variablesOf(p provider.Provider) []string {
	names := append([]string{p.EnvKey}, p.BaseURLEnv...)
	for _, s := range p.Settings {
		names = append(names, s.Env...)
	}
	return names
}

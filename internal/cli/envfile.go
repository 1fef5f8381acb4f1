package cli

import (
	"os"

	"github.com/hashicorp/go-envparse"

	"github.com/uselamina/lamina/internal/provider"
)

// readEnvFile takes what --env-file names as if it were in the environment, which wins where it has a value itself. Only keys,
// addresses and settings of services are taken: nothing in such a file can say where the configuration is, or which
// certificates are trusted.
func (e *Env) readEnvFile() error {
	if e.flags.envFile == "" {
		return nil
	}
	const hint = "it should hold lines such as LAGHAV_API_KEY=…"
	f, err := os.Open(e.flags.envFile)
	if err != nil {
		return usage("", "could not read --env-file: %v", err)
	}
	defer f.Close()
	values, err := envparse.Parse(f)
	if err != nil {
		return usage(hint, "--env-file %s: %v", e.flags.envFile, err)
	}
	providers := provider.All()
	if e.flags.provider != "" {
		p, err := e.findProvider(e.flags.provider)
		if err != nil {
			return err
		}
		providers = append(providers, p)
	}
	known := map[string]string{}
	for _, p := range providers {
		for _, name := range variablesOf(p) {
			if value := values[name]; value != "" {
				known[name] = value
			}
		}
	}
	if len(known) == 0 {
		return usage(hint, "--env-file %s holds no key, address or setting of a service", e.flags.envFile)
	}
	environment := e.Getenv
	e.Getenv = func(name string) string { return firstOf(environment(name), known[name]) }
	return nil
}

// variablesOf lists the variables of the environment that are about a service.
func variablesOf(p provider.Provider) []string {
	names := append([]string{p.EnvKey}, p.BaseURLEnv...)
	for _, s := range p.Settings {
		names = append(names, s.Env...)
	}
	return names
}

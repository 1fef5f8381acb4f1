package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/child"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

// freePort is the address of a platform that runs for one command.
const freePort = "127.0.0.1:0"

// commandArgs accepts a command after two dashes, and nothing else.
func commandArgs(cmd *cobra.Command, args []string) error {
	switch at := cmd.ArgsLenAtDash(); {
	case at < 0 && len(args) > 0:
		return fail.Usage(fail.CommandLine(slices.Concat([]string{"dev", "--"}, args)...), "a command for lamina dev follows two dashes, but got %q", args[0])
	case at > 0:
		return fail.Usage(cmd.CommandPath()+" --help", "%s takes no argument before the two dashes, but got %q", cmd.CommandPath(), args[0])
	case at == 0 && (len(args) == 0 || args[0] == ""):
		return fail.Usage("lamina dev -- lamina apps list", "there is no command after the two dashes")
	}
	return nil
}

// runCommand runs a command that uses the platform, and returns its exit status as a *child.ExitError.
func (o *devOptions) runCommand(s *server) error {
	folder, err := os.MkdirTemp("", "lamina-dev-")
	if err != nil {
		return fmt.Errorf("could not create a temporary folder for the command: %w", err)
	}
	defer os.RemoveAll(folder)
	settings := append(s.access.environment(), "LAMINA_CONFIG_DIR="+filepath.Join(folder, "config"))
	if o.platform.DevToken != "" {
		settings = append(settings, "LAMINA_DEV_TOKEN="+o.platform.DevToken)
	}
	o.env.Say("the local Lamina is at %s", s.access.BaseURL)
	err = child.RunAttached(append(withoutServices(os.Environ()), settings...), o.command...)
	select {
	case stopped := <-s.failed:
		return fmt.Errorf("the local platform stopped serving while the command ran: %w", stopped)
	default:
		return startError(err)
	}
}

// startError gives the error of a command that could not be started the exit status of a shell.
func startError(err error) error {
	switch exit := (*child.ExitError)(nil); {
	case err == nil || errors.As(err, &exit):
		return err
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist):
		return &fail.Error{Code: fail.CommandNotFound, Message: err.Error(), Err: err}
	}
	return &fail.Error{Code: fail.CommandUnusable, Message: err.Error(), Err: err}
}

// environment returns the variables that lead the clients of all services to the platform.
func (a access) environment() []string {
	var all []string
	for _, p := range provider.All() {
		of, ok := a.Services[p.Name]
		if p.Is(provider.Lamina().Name) {
			of.BaseURL, of.APIKey, ok = a.BaseURL, a.APIKey, true
		}
		if !ok {
			continue
		}
		all = append(all, p.EnvKey+"="+of.APIKey, p.BaseURLEnv[0]+"="+of.BaseURL)
		for _, setting := range p.Settings {
			if value := of.Settings[setting.Name]; value != "" {
				all = append(all, setting.Env[0]+"="+value)
			}
		}
	}
	return all
}

// withoutServices returns an environment without the variables that choose a service, an account or a credential.
func withoutServices(environ []string) []string {
	names := []string{"LAMINA_PROFILE", "LAMINA_WORKSPACE", "LAMINA_REGISTRATION_TOKEN", "LAMINA_CONFIG_DIR", "LAMINA_DEV_TOKEN"}
	for _, p := range provider.All() {
		names = append(names, p.Variables()...)
	}
	return child.Environ(environ, func(name, _ string) bool {
		return slices.Contains(names, strings.ToUpper(name)) // Windows ignores the case
	})
}

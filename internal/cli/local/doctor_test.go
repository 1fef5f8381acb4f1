package local

import (
	"testing"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/doctor"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// newEnv returns an environment with variables that prints text.
func newEnv(t *testing.T, variables map[string]string) (env *cmdutil.Env, out func() string) {
	t.Helper()
	streams, stdout, _ := term.Test("")
	env = &cmdutil.Env{Streams: streams, Getenv: func(name string) string { return variables[name] }}
	env.Flags.Output, env.Flags.Color = "text", "auto"
	if err := env.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return env, stdout.String
}

func TestWriteReport(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		report doctor.Report
		want   string
	}{
		{"no failure", doctor.Report{
			OK: true, Repaired: []string{"config.json is private now"},
			Checks: []doctor.Finding{
				{ID: "config", Status: doctor.OK, Text: "valid"},
				{ID: "other-writers", Status: doctor.Warning, Text: "the Node client\x1b[31m is installed", Fix: "npm uninstall -g lamina"},
			},
		}, "fix   config.json is private now\n" +
			"ok    config         valid\n" +
			"warn  other-writers  the Node client is installed\n" +
			"                     npm uninstall -g lamina\n" +
			"\nNo check failed.\n"},
		{"failure", doctor.Report{Checks: []doctor.Finding{
			{ID: "dns", Status: doctor.Skipped, Text: "an address"},
			{ID: "api", Status: doctor.Failed, Text: "nothing listens there", Fix: "lamina dev"},
		}}, "skip  dns  an address\n" +
			"fail  api  nothing listens there\n" +
			"           lamina dev\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env, out := newEnv(t, nil)
			if err := env.Print(tt.report, func(p *output.Page) { writeReport(p, tt.report) }); err != nil {
				t.Fatal(err)
			}
			if got := out(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

package local

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/doctor"
	"github.com/uselamina/lamina/internal/output"
)

type doctorOptions struct {
	env    *cmdutil.Env
	fix    bool
	bundle string
}

// NewDoctor returns the command doctor.
func NewDoctor(env *cmdutil.Env) *cobra.Command {
	opts := &doctorOptions{env: env}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out why commands fail, and how to fix it",
		Long: "Check everything that commands depend on: the configuration and the programs that write it, the clock, DNS, the\n" +
			"proxy, certificates, the service, the credential, the keyring, the redirect from the browser, locks, completion.\n" +
			"Below a problem stands the command that fixes it or shows more about it.\n\n" +
			"The exit status is 0 if no check failed, else that of the first failure. 'lamina explain CODE' explains its code.",
		Example: "lamina doctor\nlamina doctor --fix\nlamina doctor --bundle report.json\n" +
			"lamina doctor --jq '.data.checks[] | select(.status == \"fail\")'",
		Args:        cmdutil.NoArgs,
		Annotations: map[string]string{cmdutil.Diagnoses: "variables"},
		RunE:        func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), opts) },
	}
	f := cmd.Flags()
	f.BoolVar(&opts.fix, "fix", false, "fix what is safe to fix: file modes, and files that killed commands left")
	complete.AddProviderFlag(cmd, env)
	f.StringVar(&opts.bundle, "bundle", "", "save the report, without secrets, in this `FILE`, to attach it to an issue")
	return cmd
}

func runDoctor(ctx context.Context, opts *doctorOptions) error {
	env := opts.env
	report, err := doctor.Run(ctx, doctor.Options{
		Sessions: env.Sessions, Fix: opts.fix, Bundle: opts.bundle, Program: env.Build.String(),
	})
	if err != nil {
		return err
	}
	if opts.bundle != "" {
		env.Say("The report is saved in %s. It holds no secrets, but read it before you pass it on.", output.Quote(opts.bundle))
	}
	if err := env.Print(report, func(p *output.Page) { writeReport(p, report) }); err != nil {
		return err
	}
	return report.Err()
}

// writeReport shows the repairs, and then each finding with its fix.
func writeReport(p *output.Page, r doctor.Report) {
	width := 0
	for _, f := range r.Checks {
		width = max(width, len(f.ID))
	}
	for _, sentence := range r.Repaired {
		p.Line("%s  %s", p.Good(padMark("fix")), sentence)
	}
	for _, f := range r.Checks {
		p.Marked(styleMark(p, f.Status), f.ID, width, f.Text)
		if f.Fix != "" {
			p.Below(width, p.Command(f.Fix))
		}
	}
	if r.OK {
		p.Line("\n%s", p.Good("No check failed."))
	}
}

// styleMark returns the word that a line starts with.
func styleMark(p *output.Page, s doctor.Status) output.Styled {
	mark := padMark(string(s))
	switch s {
	case doctor.OK:
		return p.Good(mark)
	case doctor.Warning:
		return p.Busy(mark)
	case doctor.Failed:
		return p.Bad(mark)
	}
	return p.Faint(mark)
}

// padMark fills the word that a line starts with to the width that output.Page.Marked expects.
func padMark(mark string) string { return fmt.Sprintf("%-4s", mark) }

package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
)

// checkTime bounds one check, so that doctor is done soon where nothing answers.
const checkTime = 4 * time.Second

// A checkStatus is how a check went.
type checkStatus string

const (
	checkOK   checkStatus = "ok"
	checkWarn checkStatus = "warn" // works, but not as it should
	checkFail checkStatus = "fail"
	checkSkip checkStatus = "skip" // does not apply, or could not be found out
)

// A checkClass is a kind of failure.
type checkClass string

const (
	classConfig     checkClass = "config"
	classClock      checkClass = "clock"
	classNetwork    checkClass = "network"
	classDNS        checkClass = "dns"
	classProxy      checkClass = "proxy"
	classTLS        checkClass = "tls"
	classAuth       checkClass = "auth"
	classKeyring    checkClass = "keyring"
	classLoopback   checkClass = "loopback"
	classBrowser    checkClass = "browser"
	classLock       checkClass = "lock"
	classCompletion checkClass = "completion"
)

// A check looks at one thing. Its name is stable: scripts select by it.
type check struct {
	id    string
	class checkClass
	run   func(ctx context.Context, d *doctor) verdict
}

// checks are in the order in which a person would look: from the own files to the far end.
func checks() []check {
	return []check{
		{"config", classConfig, checkConfig},
		{"other-writers", classConfig, checkOtherWriters},
		{"leftovers", classConfig, checkLeftovers},
		{"lock", classLock, checkLock},
		{"keyring", classKeyring, checkKeyring},
		{"proxy", classProxy, checkProxy},
		{"dns", classDNS, checkDNS},
		{"tls", classTLS, checkTLS},
		{"api", classNetwork, checkAPI},
		{"token-endpoint", classNetwork, checkTokenEndpoint},
		{"clock", classClock, checkClock},
		{"credential", classAuth, checkCredential},
		{"account", classAuth, checkAccount},
		{"loopback-ipv4", classLoopback, checkLoopback4},
		{"loopback-ipv6", classLoopback, checkLoopback6},
		{"browser", classBrowser, checkBrowser},
		{"completion", classCompletion, checkCompletion},
	}
}

// A verdict is what a check found.
type verdict struct {
	Status  checkStatus `json:"status"`
	Finding string      `json:"finding"`
	Mend    string      `json:"mend,omitempty"` // a command
	failure code        // for a failure: its error code
}

func ok(format string, args ...any) verdict {
	return verdict{Status: checkOK, Finding: fmt.Sprintf(format, args...)}
}

func skip(format string, args ...any) verdict {
	return verdict{Status: checkSkip, Finding: fmt.Sprintf(format, args...)}
}

func warn(mend, format string, args ...any) verdict {
	return verdict{Status: checkWarn, Finding: fmt.Sprintf(format, args...), Mend: mend}
}

func failed(c code, mend, format string, args ...any) verdict {
	return verdict{Status: checkFail, Finding: fmt.Sprintf(format, args...), Mend: mend, failure: c}
}

// failedBy makes a verdict of an error, in the words that any command would use.
func failedBy(err error) verdict {
	f := describe(err)
	return failed(code{f.Code, f.Exit}, f.Hint, "%s", f.Message)
}

// A finding is the verdict of a check, for programs.
type finding struct {
	ID    string     `json:"id"`
	Class checkClass `json:"class"`
	verdict
	Code string `json:"code,omitempty"` // of a failure: see lamina explain
}

// A report is what doctor found.
type report struct {
	OK     bool      `json:"ok"`
	Checks []finding `json:"checks"`
	Mended []string  `json:"mended,omitempty"`
}

// A doctor is one examination: what several checks want to know is found out once.
type doctor struct {
	env        *Env
	store      *config.Store
	provider   provider.Provider
	inspection config.Inspection
	baseURL    string // the service that commands would talk to
	open       func() (*session, error)
	unseal     func() (unsealed, error)
	api        func() api.Probe // of the API
	token      func() api.Probe // of the token endpoint
	who        func() (api.Account, error)
}

type doctorOptions struct {
	env    *Env
	fix    bool
	bundle string
}

func newDoctorCmd(env *Env) *cobra.Command {
	opts := &doctorOptions{env: env}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out why something does not work, and what mends it",
		Long: "Look for what keeps commands from working: the configuration and who else writes it, the clock, names, proxy,\n" +
			"certificates, the service, the credential, the keyring, the way back from the browser, locks, completion.\n" +
			"Below each finding stands the command that mends it.\n\n" +
			"The exit status is 0 if nothing failed; else that of the first failure, which 'lamina explain' knows more about.",
		Example: "lamina doctor\nlamina doctor --fix\nlamina doctor --bundle report.json\n" +
			"lamina doctor --jq '.data.checks[] | select(.status == \"fail\")'",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return doctorRun(cmd.Context(), opts) },
	}
	f := cmd.Flags()
	f.BoolVar(&opts.fix, "fix", false, "mend what is safe to mend: modes of files, and what dead commands left")
	env.addProviderFlag(cmd)
	f.StringVar(&opts.bundle, "bundle", "", "save the report, without secrets, in this `FILE`, to attach it to an issue")
	return cmd
}

func doctorRun(ctx context.Context, opts *doctorOptions) error {
	env := opts.env
	if err := checkBundle(opts.bundle); err != nil {
		return err
	}
	var mended []string
	if opts.fix {
		var err error
		if mended, err = env.mend(ctx); err != nil {
			return err
		}
	}
	d, err := newDoctor(ctx, env)
	if err != nil {
		return err
	}
	r, first := d.examine(ctx)
	r.Mended = mended
	if opts.bundle != "" {
		if err := env.writeBundle(opts.bundle, d, r); err != nil {
			return err
		}
		env.say("The report is in %s. It holds no secrets, but read it before you pass it on.", output.Quote(opts.bundle))
	}
	err = env.print(map[string]report{"data": r}, func(p *output.Page) { writeReport(p, r) })
	if err != nil || r.OK {
		return err
	}
	return &commandError{code: first.failure, message: failuresOf(r), hint: "lamina explain " + first.failure.name}
}

// newDoctor prepares an examination. Nothing is looked at yet but files.
func newDoctor(ctx context.Context, env *Env) (*doctor, error) {
	d := &doctor{env: env, store: env.store(), provider: provider.Lamina()}
	d.inspection = d.store.Inspect() // first, because opening the session repairs modes
	var err error
	if env.flags.provider != "" {
		if d.provider, err = env.findProvider(env.flags.provider); err != nil {
			return nil, err
		}
	}
	d.open = sync.OnceValues(env.open)
	d.unseal = sync.OnceValues(d.unsealOnce)
	_, base := env.firstEnv(d.provider.BaseURLEnv)
	d.baseURL = firstOf(base, d.provider.BaseURL)
	if s, err := d.open(); err == nil {
		d.provider, d.baseURL = s.provider, s.baseURL
	}
	d.api = sync.OnceValue(func() api.Probe { return d.ask(ctx, http.MethodGet, d.baseURL+d.probePath()) })
	d.token = sync.OnceValue(func() api.Probe { return d.ask(ctx, http.MethodPost, d.tokenURL()) })
	d.who = sync.OnceValues(func() (api.Account, error) { return d.account(ctx) })
	return d, nil
}

// examine makes all checks side by side, and returns the report and the first failure.
func (d *doctor) examine(ctx context.Context) (report, verdict) {
	all := checks()
	r := report{OK: true, Checks: make([]finding, len(all))}
	var wait sync.WaitGroup
	for i, c := range all {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, 3*checkTime) // each may wait for two others
			defer cancel()
			v := c.run(ctx, d)
			r.Checks[i] = finding{ID: c.id, Class: c.class, verdict: v, Code: v.failure.name}
		})
	}
	wait.Wait()
	var first verdict
	for _, f := range r.Checks {
		if f.Status == checkFail && r.OK {
			r.OK, first = false, f.verdict
		}
	}
	return r, first
}

func failuresOf(r report) string {
	var names []string
	for _, f := range r.Checks {
		if f.Status == checkFail {
			names = append(names, f.ID)
		}
	}
	return fmt.Sprintf("%d of %d checks failed: %s", len(names), len(r.Checks), strings.Join(names, ", "))
}

func writeReport(p *output.Page, r report) {
	width := 0
	for _, f := range r.Checks {
		width = max(width, len(f.ID))
	}
	for _, m := range r.Mended {
		p.Line("%s  %s", p.Good("mend"), m)
	}
	for _, f := range r.Checks {
		p.Marked(markOf(p, f.Status), f.ID, width, f.Finding)
		if f.Mend != "" {
			p.Below(width, p.Command(f.Mend))
		}
	}
	if r.OK {
		p.Line("\n%s", p.Good("Nothing is in the way."))
	}
}

func markOf(p *output.Page, s checkStatus) output.Styled {
	text := fmt.Sprintf("%-4s", s)
	switch s {
	case checkOK:
		return p.Good(text)
	case checkWarn:
		return p.Busy(text)
	case checkFail:
		return p.Bad(text)
	}
	return p.Faint(text)
}

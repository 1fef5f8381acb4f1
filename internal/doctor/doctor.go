// Package doctor holds the checks of `lamina doctor`. Run makes all of them and returns a Report. Each file holds a group of checks:
// config.go (the configuration folder), credential.go, network.go (the way to the service), service.go (what the service answers),
// machine.go (browser and loopback address) and completion.go.
package doctor

import (
	"context"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/session"
)

// checkTime is the time limit of one step of a check, unless LAMINA_REQUEST_TIMEOUT sets another. It keeps doctor fast where nothing
// answers.
const checkTime = 4 * time.Second

// stepTime returns the time limit of one step of a check.
func stepTime(m *session.Manager) time.Duration {
	if m.Getenv("LAMINA_REQUEST_TIMEOUT") == "" {
		return checkTime
	}
	return m.RequestTimeout()
}

// Options are the parameters of Run.
type Options struct {
	// Sessions opens the credential that commands would use.
	Sessions *session.Manager
	// Fix repairs file modes and removes leftovers before the checks.
	Fix bool
	// Bundle is the file to save the report in, without secrets; empty means none. It must not exist.
	Bundle string
	// Program is the name and the version of this program, for the bundle.
	Program string
}

// A check examines one thing. Scripts select checks by id, so ids are stable.
type check struct {
	id    string
	class Class
	run   func(ctx context.Context, e *examination) Finding
}

// checks returns all checks, from the files of this machine to the service.
func checks() []check {
	return []check{
		{"config", ClassConfig, checkConfig},
		{"other-writers", ClassConfig, checkOtherWriters},
		{"leftovers", ClassConfig, checkLeftovers},
		{"lock", ClassLock, checkLock},
		{"keyring", ClassKeyring, checkKeyring},
		{"proxy", ClassProxy, checkProxy},
		{"dns", ClassDNS, checkDNS},
		{"tls", ClassTLS, checkTLS},
		{"api", ClassNetwork, checkAPI},
		{"token-endpoint", ClassNetwork, checkTokenEndpoint},
		{"clock", ClassClock, checkClock},
		{"credential", ClassAuth, checkCredential},
		{"account", ClassAuth, checkAccount},
		{"loopback-ipv4", ClassLoopback, checkLoopback4},
		{"loopback-ipv6", ClassLoopback, checkLoopback6},
		{"browser", ClassBrowser, checkBrowser},
		{"completion", ClassCompletion, checkCompletion},
	}
}

// Run makes all checks and returns the report. A failed check is part of the report, not an error of Run; Report.Err makes an error
// of it. Errors: an unknown service, a repair that failed, a bundle that cannot be saved.
func Run(ctx context.Context, opts Options) (Report, error) {
	if err := checkBundle(opts.Bundle); err != nil {
		return Report{}, err
	}
	var repaired []string
	if opts.Fix {
		var err error
		if repaired, err = repair(ctx, opts.Sessions); err != nil {
			return Report{}, err
		}
	}
	e, err := newExamination(ctx, opts.Sessions)
	if err != nil {
		return Report{}, err
	}
	report := e.run(ctx, checks())
	report.Repaired = repaired
	if opts.Bundle != "" {
		err = e.saveBundle(opts.Bundle, opts.Program, report)
	}
	return report, err
}

// run makes checks concurrently.
func (e *examination) run(ctx context.Context, all []check) Report {
	report := Report{OK: true, Checks: make([]Finding, len(all))}
	var group sync.WaitGroup
	for i, c := range all {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, 3*stepTime(e.sessions)) // a check may wait for the steps of two others
			defer cancel()
			f := c.run(ctx, e)
			f.ID, f.Class, f.Code = c.id, c.class, f.failure.Name
			report.Checks[i] = f
		})
	}
	group.Wait()
	report.OK = len(report.failed()) == 0
	return report
}

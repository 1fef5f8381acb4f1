package doctor

import (
	"fmt"
	"strings"

	"github.com/uselamina/lamina/internal/fail"
)

// Status is the result of a check. The values are part of JSON output.
type Status string

// The statuses.
const (
	OK      Status = "ok"
	Warning Status = "warn" // it works, with a defect
	Failed  Status = "fail"
	Skipped Status = "skip" // the check does not apply, or its result could not be determined
)

// Class is the subject of a check. The values are part of JSON output.
type Class string

// The classes.
const (
	ClassConfig     Class = "config"
	ClassClock      Class = "clock"
	ClassNetwork    Class = "network"
	ClassDNS        Class = "dns"
	ClassProxy      Class = "proxy"
	ClassTLS        Class = "tls"
	ClassAuth       Class = "auth"
	ClassKeyring    Class = "keyring"
	ClassLoopback   Class = "loopback"
	ClassBrowser    Class = "browser"
	ClassLock       Class = "lock"
	ClassCompletion Class = "completion"
)

// Finding is the result of one check.
type Finding struct {
	ID     string `json:"id"`
	Class  Class  `json:"class"`
	Status Status `json:"status"`
	// Text describes what was found, in one line. It may quote the service and the environment, so it may hold control characters.
	Text string `json:"finding"`
	// Fix is the command that fixes the problem, or shows more about it; may be empty.
	Fix string `json:"mend,omitempty"`
	// Code is the error code of a failure; see lamina explain.
	Code string `json:"code,omitempty"`

	failure fail.Code // the code of a failure, with its exit status
}

// Report is the result of Run.
type Report struct {
	OK       bool      `json:"ok"` // no check failed
	Checks   []Finding `json:"checks"`
	Repaired []string  `json:"mended,omitempty"` // one sentence for each repair
}

// Err returns an error with the code of the first failure and the ids of all failures; nil if no check failed.
func (r Report) Err() error {
	failures := r.failed()
	if len(failures) == 0 {
		return nil
	}
	var ids []string
	for _, f := range failures {
		ids = append(ids, f.ID)
	}
	first := failures[0].failure
	return &fail.Error{
		Code: first, Hint: fail.CommandLine("explain", first.Name),
		Message: fmt.Sprintf("%d of %d checks failed: %s", len(ids), len(r.Checks), strings.Join(ids, ", ")),
	}
}

// failed returns the failures.
func (r Report) failed() []Finding {
	var failures []Finding
	for _, f := range r.Checks {
		if f.Status == Failed {
			failures = append(failures, f)
		}
	}
	return failures
}

func ok(format string, args ...any) Finding {
	return Finding{Status: OK, Text: fmt.Sprintf(format, args...)}
}

func skip(format string, args ...any) Finding {
	return Finding{Status: Skipped, Text: fmt.Sprintf(format, args...)}
}

func warn(fix, format string, args ...any) Finding {
	return Finding{Status: Warning, Text: fmt.Sprintf(format, args...), Fix: fix}
}

func failed(code fail.Code, fix, format string, args ...any) Finding {
	return Finding{Status: Failed, Text: fmt.Sprintf(format, args...), Fix: fix, failure: code}
}

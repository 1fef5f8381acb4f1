package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
	"github.com/uselamina/lamina/internal/transfer"
)

// The exit statuses of the program.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2   // nothing was sent
	exitRun         = 3   // the run failed or was cancelled
	exitAuth        = 4   // sign-in is needed
	exitNotFound    = 5   // no such app, run or endpoint
	exitLimit       = 6   // rate limit, quota or credits
	exitStillGoing  = 7   // the waiting time was over
	exitService     = 8   // the service could not be reached, or is broken
	exitInterrupted = 130 // Ctrl-C
)

// A code names a kind of failure for programs. The names that the Node client has too mean the same there.
type code struct {
	name string
	exit int
}

// Every code the program can print.
var (
	codeUnknown         = code{"unknown", exitFailure}
	codeInvalidArgument = code{"invalid_argument", exitUsage}
	codeInvalidInputs   = code{"invalid_inputs", exitUsage}
	codeInvalidFilter   = code{"invalid_jq", exitUsage}
	codeFilterFailed    = code{"jq_failed", exitFailure}
	codeUnknownCommand  = code{"unknown_subcommand", exitUsage}
	codeNoCommand       = code{"missing_subcommand", exitUsage}
	codeFileExists      = code{"file_exists", exitFailure}
	codeDownload        = code{"download_failed", exitFailure}
	codeUpload          = code{"upload_failed", exitFailure}
	codeConfig          = code{"config_unusable", exitFailure}
	codeInvalidProvider = code{"invalid_provider", exitUsage}
	codeInvalidPin      = code{"invalid_pin", exitUsage}
	codeKeyringAbsent   = code{"keyring_absent", exitFailure}
	codeKeyringLocked   = code{"keyring_locked", exitFailure}
	codeKeyringTimeout  = code{"keyring_timeout", exitFailure}
	codeKeyringFailed   = code{"keyring_failed", exitFailure}
	codeKeyringGone     = code{"keyring_key_removed", exitAuth}
	codeKeyringMismatch = code{"keyring_mismatch", exitAuth}
	codeBusy            = code{"busy", exitFailure}
	codeForbidden       = code{"forbidden", exitFailure}
	codeUnknownOutcome  = code{"unknown_outcome", exitService}
	codeRunFailed       = code{"run_failed", exitRun}
	codeRunCancelled    = code{"run_cancelled", exitRun}
	codeNotLoggedIn     = code{"auth_not_logged_in", exitAuth}
	codeInvalidKey      = code{"auth_invalid_key", exitAuth}
	codeKeyRevoked      = code{"auth_key_revoked", exitAuth}
	codeWrongKeyClass   = code{"auth_wrong_class", exitAuth}
	codeMisplacedKey    = code{"auth_wrong_project", exitAuth}
	codeSessionExpired  = code{"auth_session_expired", exitAuth}
	codeWrongHost       = code{"auth_wrong_host", exitAuth}
	codeWrongWorkspace  = code{"auth_wrong_workspace", exitAuth}
	codeDenied          = code{"auth_denied", exitAuth}
	codeLoginTimeout    = code{"auth_timeout", exitAuth}
	codeLogin           = code{"auth_failed", exitAuth}
	codeNoPerson        = code{"auth_needs_person", exitAuth}
	codeNotFound        = code{"not_found", exitNotFound}
	codeQuota           = code{"quota_exceeded", exitLimit}
	codeNotReady        = code{"not_ready", exitFailure}
	codeRateLimited     = code{"rate_limited", exitLimit}
	codeStillRunning    = code{"still_running", exitStillGoing}
	codeUnreachable     = code{"network_unreachable", exitService}
	codeTimeout         = code{"network_timeout", exitService}
	codeServer          = code{"server_error", exitService}
	codeUnexpected      = code{"unexpected_answer", exitService}
	codeAddressInUse    = code{"address_in_use", exitFailure}
	codeDemo            = code{"demo_failed", exitFailure}
	codeKeysFound       = code{"keys_found", exitFailure}
	codeCheckFailed     = code{"check_failed", exitFailure}
	codeInterrupted     = code{"interrupted", exitInterrupted}
)

// A failure is an error as the user meets it.
type failure struct {
	Message   string          `json:"error"`
	Code      string          `json:"code"`
	Exit      int             `json:"exitCode"`
	Retryable bool            `json:"retryable"`
	Hint      string          `json:"hint,omitempty"`
	RequestID string          `json:"requestId,omitempty"`
	Details   []api.Detail    `json:"details,omitempty"`
	RunID     string          `json:"runId,omitempty"`
	Run       json.RawMessage `json:"run,omitempty"`
}

// A usageError is a mistake in what was typed.
type usageError struct {
	code    code
	message string
	hint    string
	details []api.Detail
	err     error
}

func (e *usageError) Error() string { return e.message }
func (e *usageError) Unwrap() error { return e.err }

// usage returns an error about what was typed.
func usage(hint, format string, args ...any) error {
	return &usageError{code: codeInvalidArgument, message: fmt.Sprintf(format, args...), hint: hint}
}

// A commandError is a failure that a command itself has words for.
type commandError struct {
	code    code
	message string
	hint    string
	details []api.Detail
	runID   string
	run     json.RawMessage
	// requestID is the service's id of the request.
	requestID string
	err       error
}

func (e *commandError) Error() string { return e.message }
func (e *commandError) Unwrap() error { return e.err }

// exit tells the user of an error, and returns the status for it.
func (e *Env) exit(args []string, err error) int {
	if err == nil {
		return exitOK
	}
	if errors.Is(err, syscall.EPIPE) {
		return exitOK // the reader of stdout has seen enough
	}
	f := describe(err)
	streams := e.Streams
	if e.errorsAsJSON(args) {
		var text bytes.Buffer
		enc := json.NewEncoder(&text)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(f)
		_, _ = streams.Err.Write(output.EscapeControls(text.Bytes()))
		return f.Exit
	}
	p, perr := output.New(streams, output.Options{Format: output.Text})
	if perr != nil {
		return f.Exit
	}
	s := p.ErrStyles()
	p.Warn("%s %s", s.Bad("error:"), term.Line(f.Message))
	for _, d := range f.Details {
		p.Warn("  %s", detailLine(d))
	}
	if f.RequestID != "" {
		p.Warn("%s", s.Faint("request "+term.Line(f.RequestID)))
	}
	if f.Hint != "" {
		p.Verbatim("%s %s", s.Faint("try:"), s.Command(f.Hint))
	}
	return f.Exit
}

// errorsAsJSON decides the form of errors from what is known even when the command line could not be parsed.
func (e *Env) errorsAsJSON(args []string) bool {
	format, err := output.ParseFormat(e.flags.output)
	if err != nil {
		format = output.Format(e.Getenv("LAMINA_OUTPUT"))
	}
	if e.flags.json || e.flags.jq != "" {
		format = output.JSON
	}
	for i, arg := range args {
		switch {
		case arg == "--":
			return format == output.JSON || format == output.NDJSON
		case arg == "--json", arg == "-o" && i+1 < len(args) && args[i+1] == "json", arg == "-ojson", arg == "--output=json":
			format = output.JSON
		}
	}
	switch format {
	case output.JSON, output.NDJSON:
		return true
	case output.Text:
		return false
	}
	return !e.Streams.OutTTY && !e.Streams.ErrTTY
}

func detailLine(d api.Detail) string {
	line := term.Line(d.Message)
	if d.Field != "" {
		line = term.Line(d.Field) + ": " + line
	}
	if len(d.Allowed) > 0 {
		line += " (" + term.Line(strings.Join(d.Allowed, ", ")) + ")"
	}
	return line
}

// describe turns an error into words, a code and a way out. It is the only place that does.
func describe(err error) failure {
	var (
		command     *commandError
		typed       *usageError
		filter      *output.FilterError
		refused     *api.Error
		unexpected  *api.UnexpectedError
		unreachable *api.UnreachableError
	)
	switch {
	case errors.As(err, &command):
		f := fail(command.code, command.message, command.hint)
		f.Details, f.RunID, f.Run, f.RequestID = command.details, command.runID, command.run, command.requestID
		return f
	case errors.As(err, &typed):
		f := fail(typed.code, typed.message, typed.hint)
		f.Details = typed.details
		return f
	case errors.As(err, &filter) && filter.OnData:
		return fail(codeFilterFailed, filter.Error(), "")
	case errors.As(err, &filter):
		return fail(codeInvalidFilter, filter.Error(), "")
	}
	if f, ok := describeAuth(err); ok {
		return f
	}
	if f, ok := describeFile(err); ok {
		return f
	}
	switch {
	case errors.As(err, &refused):
		return describeRefusal(refused)
	case errors.As(err, &unexpected):
		f := fail(codeUnexpected, unexpected.Error(), "check the address of the service and the proxy settings")
		f.RequestID, f.Retryable = unexpected.RequestID, unexpected.Status >= 500
		return f
	case errors.As(err, &unreachable):
		return describeUnreachable(unreachable)
	case errors.Is(err, context.Canceled):
		return fail(codeInterrupted, "interrupted", "")
	}
	return fail(codeUnknown, err.Error(), "")
}

func fail(c code, message, hint string) failure {
	return failure{Message: message, Code: c.name, Exit: c.exit, Hint: hint}
}

// describeRefusal finds the words for an answer of the service that says no.
func describeRefusal(e *api.Error) failure {
	if e.Service != "" {
		return describeServiceRefusal(e)
	}
	f := fail(codeUnknown, e.Message, "")
	set := func(c code, hint string) { f.Code, f.Exit, f.Hint = c.name, c.exit, hint }
	switch {
	case e.Status == 401:
		set(codeInvalidKey, "lamina login")
		f.Message = "the service does not accept this credential: " + e.Message
	case e.Status == 403 && e.Workspace != "":
		set(codeWrongWorkspace, "lamina whoami")
		f.Message = fmt.Sprintf("the credential is not of workspace %s: %s", e.Workspace, e.Message)
	case e.Status == 403:
		set(codeForbidden, "lamina whoami")
	case e.Status == 404:
		set(codeNotFound, "")
	case e.Status == 400, e.Status == 409, e.Status == 422:
		set(codeInvalidArgument, "")
	case e.Status == 402, e.Status == 429:
		set(codeRateLimited, "")
		if e.RetryAfter > 0 {
			f.Message += fmt.Sprintf(" (again in %s)", e.RetryAfter)
		}
	case e.Status >= 500:
		set(codeServer, "")
		f.Message = fmt.Sprintf("the service failed (%d): %s", e.Status, e.Message)
	}
	f.Retryable = e.Retryable || e.Status == 429
	f.RequestID, f.Details = e.RequestID, e.Details
	return f
}

// describeServiceRefusal finds the words for a no of a service that is not Lamina, by what its table says that it means.
func describeServiceRefusal(e *api.Error) failure {
	codes := map[provider.Meaning]code{
		provider.Refused: codeInvalidKey, provider.Revoked: codeKeyRevoked, provider.WrongClass: codeWrongKeyClass,
		provider.Misplaced: codeMisplacedKey, provider.Forbidden: codeForbidden, provider.NotFound: codeNotFound,
		provider.Invalid: codeInvalidArgument, provider.Quota: codeQuota, provider.RateLimited: codeRateLimited,
		provider.Unavailable: codeServer, provider.NotReady: codeNotReady,
	}
	c, known := codes[provider.Meaning(e.Cause)]
	if !known {
		c = codeUnknown
	}
	message := fmt.Sprintf("%s answered %d", e.Service, e.Status)
	if e.Status < 300 {
		message = e.Service + " refused"
	}
	if e.Code != "" && e.Code != e.Message {
		message += " " + e.Code
	}
	message += ": " + firstOf(e.Message, "no reason given")
	if e.Says != "" && e.Says != e.Message {
		message = strings.TrimSuffix(message, ".") + "; " + e.Says
	}
	if e.RetryAfter > 0 {
		message += fmt.Sprintf(" (again in %s)", e.RetryAfter)
	}
	f := fail(c, message, e.Try)
	f.Retryable, f.RequestID, f.Details = e.Retryable, e.RequestID, e.Details
	return f
}

// describeUnreachable finds the words for an answer that never came.
func describeUnreachable(e *api.UnreachableError) failure {
	host := e.BaseURL
	if u, err := url.Parse(e.BaseURL); err == nil {
		host = u.Host
	}
	f := fail(codeUnreachable, fmt.Sprintf("could not reach %s: %v", host, cause(e.Err)), "check the network, the address of the service and the proxy settings")
	f.Retryable = true
	switch e.Kind {
	case api.Interrupted:
		return fail(codeInterrupted, "interrupted", "")
	case api.DNS:
		f.Message = fmt.Sprintf("could not reach %s: there is no such host, or no network", host)
	case api.Refused:
		f.Message = fmt.Sprintf("could not reach %s: nothing is listening there", host)
		if strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "localhost") {
			f.Hint = "lamina dev"
		}
	case api.TLS:
		f.Message = fmt.Sprintf("could not trust the certificate of %s: %v", host, cause(e.Err))
		f.Hint = "behind a company proxy, name its certificate with --ca-file"
		f.Retryable = false
	case api.Timeout:
		f.Code, f.Exit = codeTimeout.name, codeTimeout.exit
		f.Message = fmt.Sprintf("%s did not answer in time", host)
		f.Hint = ""
	case api.Cut:
		f.Message = fmt.Sprintf("%s cut the connection before its answer was complete", host)
		f.Hint = ""
	}
	return f
}

// cause takes off the wrapping of net/http, which repeats the URL.
func cause(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// describeFile finds the words for what goes wrong with files of the person.
func describeFile(err error) (failure, bool) {
	var (
		exists    *transfer.ExistsError
		refused   *transfer.RefusedError
		truncated *transfer.TruncatedError
	)
	switch {
	case errors.As(err, &exists):
		return fail(codeFileExists, exists.Error(), "choose another name with --download, or replace it with --force"), true
	case errors.As(err, &refused):
		return fail(codeDownload, refused.Error(), ""), true
	case errors.As(err, &truncated):
		f := fail(codeDownload, truncated.Error(), "")
		f.Retryable = true
		return f, true
	case errors.Is(err, syscall.ENOSPC):
		return fail(codeUnknown, err.Error()+"; nothing was half-written", "make room on the disk"), true
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return fail(codeUnknown, err.Error(), ""), true
	}
	return failure{}, false
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

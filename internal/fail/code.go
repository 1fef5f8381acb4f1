// Package fail turns errors into what users meet: a message, a hint, an error code and an exit status. It is the only place
// that does. Context.Describe is the entry point; hint.go composes the commands that hints suggest; explain*.go holds the
// text of `lamina explain`.
package fail

// The exit statuses of the program.
const (
	ExitOK           = 0
	ExitFailure      = 1
	ExitUsage        = 2   // the command line or its inputs are wrong; nothing was started
	ExitRun          = 3   // the run failed or was cancelled
	ExitAuth         = 4   // sign-in is needed
	ExitNotFound     = 5   // no such app, run or endpoint
	ExitLimit        = 6   // rate limit, quota or credits
	ExitStillRunning = 7   // the waiting time is over
	ExitService      = 8   // the service could not be reached, or failed
	ExitAnswers      = 9   // the service has questions; nothing was started
	ExitCannotRun    = 126 // the command of `lamina dev -- COMMAND` cannot be executed
	ExitNoCommand    = 127 // there is no such command
	ExitInterrupted  = 130 // Ctrl-C
)

// Code names a kind of failure for programs. Names that the Node client has too mean the same there.
type Code struct {
	Name string
	Exit int // exit status
}

// The codes that the program can print.
var (
	Unknown         = Code{"unknown", ExitFailure}
	InvalidArgument = Code{"invalid_argument", ExitUsage}
	InvalidInputs   = Code{"invalid_inputs", ExitUsage}
	InvalidFilter   = Code{"invalid_jq", ExitUsage}
	FilterFailed    = Code{"jq_failed", ExitFailure}
	UnknownCommand  = Code{"unknown_subcommand", ExitUsage}
	NoCommand       = Code{"missing_subcommand", ExitUsage}
	FileExists      = Code{"file_exists", ExitFailure}
	DownloadFailed  = Code{"download_failed", ExitFailure}
	UploadFailed    = Code{"upload_failed", ExitFailure}
	BinaryOutput    = Code{"binary_output", ExitFailure}
	PublishFailed   = Code{"publish_failed", ExitFailure}
	ConfigUnusable  = Code{"config_unusable", ExitFailure}
	InvalidProvider = Code{"invalid_provider", ExitUsage}
	InvalidProject  = Code{"invalid_pin", ExitUsage}
	KeyringAbsent   = Code{"keyring_absent", ExitFailure}
	KeyringLocked   = Code{"keyring_locked", ExitFailure}
	KeyringTimeout  = Code{"keyring_timeout", ExitFailure}
	KeyringFailed   = Code{"keyring_failed", ExitFailure}
	KeyringGone     = Code{"keyring_key_removed", ExitAuth}
	KeyringMismatch = Code{"keyring_mismatch", ExitAuth}
	BatchChanged    = Code{"batch_changed", ExitUsage}
	BatchUnusable   = Code{"batch_unusable", ExitUsage}
	BatchBusy       = Code{"batch_busy", ExitFailure}
	BatchFailed     = Code{"batch_failed", ExitRun}
	BatchStopped    = Code{"batch_stopped", ExitStillRunning}
	Busy            = Code{"busy", ExitFailure}
	Forbidden       = Code{"forbidden", ExitFailure}
	UnknownOutcome  = Code{"unknown_outcome", ExitService}
	RunFailed       = Code{"run_failed", ExitRun}
	RunCancelled    = Code{"run_cancelled", ExitRun}
	NotLoggedIn     = Code{"auth_not_logged_in", ExitAuth}
	InvalidKey      = Code{"auth_invalid_key", ExitAuth}
	KeyRevoked      = Code{"auth_key_revoked", ExitAuth}
	WrongKeyClass   = Code{"auth_wrong_class", ExitAuth}
	MisplacedKey    = Code{"auth_wrong_project", ExitAuth}
	SessionExpired  = Code{"auth_session_expired", ExitAuth}
	WrongHost       = Code{"auth_wrong_host", ExitAuth}
	WrongWorkspace  = Code{"auth_wrong_workspace", ExitAuth}
	Denied          = Code{"auth_denied", ExitAuth}
	LoginTimeout    = Code{"auth_timeout", ExitAuth}
	LoginFailed     = Code{"auth_failed", ExitAuth}
	NeedsPerson     = Code{"auth_needs_person", ExitAuth}
	NotFound        = Code{"not_found", ExitNotFound}
	Unmatched       = Code{"unmatched", ExitNotFound}
	AnswersNeeded   = Code{"answers_needed", ExitAnswers}
	PlanningFailed  = Code{"planning_failed", ExitService}
	PartlyFailed    = Code{"partly_failed", ExitFailure}
	QuotaExceeded   = Code{"quota_exceeded", ExitLimit}
	NotReady        = Code{"not_ready", ExitFailure}
	RateLimited     = Code{"rate_limited", ExitLimit}
	StillRunning    = Code{"still_running", ExitStillRunning}
	Unreachable     = Code{"network_unreachable", ExitService}
	Timeout         = Code{"network_timeout", ExitService}
	ServerError     = Code{"server_error", ExitService}
	Unexpected      = Code{"unexpected_answer", ExitService}
	AddressInUse    = Code{"address_in_use", ExitFailure}
	CommandUnusable = Code{"command_not_executable", ExitCannotRun}
	CommandNotFound = Code{"command_not_found", ExitNoCommand}
	DemoFailed      = Code{"demo_failed", ExitFailure}
	DeliveryFailed  = Code{"delivery_failed", ExitFailure}
	InvalidDelivery = Code{"invalid_delivery", ExitFailure}
	NoDelivery      = Code{"no_delivery", ExitStillRunning}
	KeysFound       = Code{"keys_found", ExitFailure}
	ScanIncomplete  = Code{"scan_incomplete", ExitUsage}
	CheckFailed     = Code{"check_failed", ExitFailure}
	Interrupted     = Code{"interrupted", ExitInterrupted}
)

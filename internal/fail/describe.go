package fail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/redact"
	"github.com/uselamina/lamina/internal/transfer"
)

// Context is what a message and a hint depend on besides the error. The zero Context is valid.
type Context struct {
	// Credential is the credential in use. Its zero value is the default profile of Lamina.
	Credential Credential
	// Args is the command line without the program's name.
	Args []string
	// InCI means that no user can sign in: a key in the environment is the remedy.
	InCI bool
	// Secrets are removed from everything that Describe returns; nil means none are known.
	Secrets *redact.Set
}

// Describe returns the message, the hint, the code and the exit status of an error.
func (c Context) Describe(err error) Failure {
	f := c.describe(err)
	f.Hint = c.addSelectors(f.Hint)
	return c.removeSecrets(f)
}

func (c Context) describe(err error) Failure {
	var (
		own    *Error
		filter *output.FilterError
	)
	switch {
	case errors.As(err, &own):
		return c.describeOwn(own)
	case errors.As(err, &filter) && filter.OnData:
		return newFailure(FilterFailed, filter.Error(), "")
	case errors.As(err, &filter):
		return newFailure(InvalidFilter, filter.Error(), "")
	}
	for _, describe := range []func(error) (Failure, bool){describeProxy, c.describeAuth, c.describeKeyring, c.describeUpload, describeFile, c.describeAPI} {
		if f, ok := describe(err); ok {
			return f
		}
	}
	if errors.Is(err, context.Canceled) {
		return newFailure(Interrupted, "interrupted", "")
	}
	return newFailure(Unknown, err.Error(), "")
}

// describeOwn describes an Error. What it leaves open comes from its cause.
func (c Context) describeOwn(e *Error) Failure {
	f := newFailure(e.Code, e.Message, e.Hint)
	if e.Err != nil && (e.Around != "" || e.Code == Code{}) {
		cause := c.describe(e.Err)
		if e.Around != "" {
			f.Message = fmt.Sprintf(e.Around, cause.Message)
			f.Hint = cmp.Or(f.Hint, cause.Hint)
		}
		if e.Code == (Code{}) {
			f.Code, f.Exit = cause.Code, cause.Exit
		}
		f.Retryable = cause.Retryable && f.Code == cause.Code
		f.RequestID = cause.RequestID
	}
	if e.RequestID != "" {
		f.RequestID = e.RequestID
	}
	f.Details, f.RunID, f.Run, f.Runs = e.Details, e.RunID, e.Run, slices.Clone(e.Runs)
	return f
}

// removeSecrets returns the failure without the secrets that the service, or the user, put into its texts.
func (c Context) removeSecrets(f Failure) Failure {
	f.Message, f.Hint, f.RequestID = c.Secrets.Text(f.Message), c.Secrets.Text(f.Hint), c.Secrets.Text(f.RequestID)
	f.RunID, f.Run = c.Secrets.Text(f.RunID), c.Secrets.JSON(f.Run)
	for i := range f.Runs {
		f.Runs[i] = c.Secrets.JSON(f.Runs[i])
	}
	details := make([]api.Detail, 0, len(f.Details))
	for _, d := range f.Details {
		d.Field, d.Code, d.Message = c.Secrets.Text(d.Field), c.Secrets.Text(d.Code), c.Secrets.Text(d.Message)
		d.Range, d.Got = c.Secrets.JSON(d.Range), c.Secrets.JSON(d.Got)
		d.Allowed = slices.Clone(d.Allowed)
		for i := range d.Allowed {
			d.Allowed[i] = c.Secrets.Text(d.Allowed[i])
		}
		details = append(details, d)
	}
	if len(details) > 0 {
		f.Details = details
	}
	return f
}

// describeFile describes errors of the user's own files.
func describeFile(err error) (Failure, bool) {
	var (
		exists    *transfer.ExistsError
		refused   *transfer.RefusedError
		truncated *transfer.TruncatedError
		large     *transfer.TooLargeError
		wrong     *transfer.TypeError
		stdout    *output.WriteError
		path      *os.PathError
		project   *config.ProjectError
	)
	switch {
	case errors.As(err, &project):
		return newFailure(InvalidProject, project.Error(), ""), true
	case errors.As(err, &exists):
		return newFailure(FileExists, exists.Error(), "choose another name with --download, or replace the file with --force"), true
	case errors.As(err, &refused):
		f := newFailure(DownloadFailed, refused.Error(), "")
		f.Retryable = refused.IsPassing()
		return f, true
	case errors.As(err, &truncated):
		return newFailure(DownloadFailed, truncated.Error(), "").retryable(), true
	case errors.As(err, &large):
		return newFailure(DownloadFailed, describeSize(large), ""), true
	case errors.As(err, &wrong):
		return newFailure(DownloadFailed, wrong.Error(), ""), true
	case errors.As(err, &stdout):
		return newFailure(Unknown, stdout.Error(), ""), true
	case errors.Is(err, syscall.ENOSPC):
		return newFailure(Unknown, err.Error()+"; no partial file was left", "free space on the disk"), true
	case errors.As(err, &path):
		return newFailure(Unknown, err.Error(), ""), true
	}
	return Failure{}, false
}

// describeSize says how large an output is, and how large it may be.
func describeSize(e *transfer.TooLargeError) string {
	size := "more"
	if e.Size >= 0 {
		size = output.Bytes(e.Size)
	}
	return fmt.Sprintf("%s has %s, and --max-size allows %s", cmp.Or(e.URL, "the output"), size, output.Bytes(e.Limit))
}

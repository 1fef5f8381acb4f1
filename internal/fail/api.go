package fail

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/provider"
)

// describeAPI describes errors of the API clients.
func (c Context) describeAPI(err error) (Failure, bool) {
	var (
		refused     *api.Error
		unexpected  *api.UnexpectedError
		unreachable *api.UnreachableError
		text        *api.TextError
	)
	switch {
	case errors.As(err, &text):
		return newFailure(InvalidArgument, text.Error(), "write the text as UTF-8"), true
	case errors.As(err, &refused):
		return c.describeRefusal(refused), true
	case errors.As(err, &unexpected):
		f := newFailure(Unexpected, unexpected.Error(), "check the address of the service and the proxy settings")
		f.RequestID, f.Retryable = unexpected.RequestID, unexpected.Status >= 500
		return f, true
	case errors.As(err, &unreachable):
		return describeUnreachable(unreachable), true
	}
	return Failure{}, false
}

// refusalCodes maps what a refusal means to the code that users meet.
var refusalCodes = map[provider.Kind]Code{
	provider.Refused: InvalidKey, provider.Revoked: KeyRevoked, provider.WrongClass: WrongKeyClass,
	provider.Misplaced: MisplacedKey, provider.Forbidden: Forbidden, provider.NotFound: NotFound,
	provider.Invalid: InvalidArgument, provider.Quota: QuotaExceeded, provider.RateLimited: RateLimited,
	provider.Unavailable: ServerError, provider.NotReady: NotReady,
}

// describeRefusal describes a refusal of a service by the rule that its provider has for it.
func (c Context) describeRefusal(e *api.Error) Failure {
	code, known := refusalCodes[e.Rule.Kind]
	if !known {
		code = Unknown
	}
	f := newFailure(code, c.refusalMessage(e), c.refusalHint(e.Rule))
	if e.Rule.Kind == provider.Forbidden && e.Workspace != "" {
		f = newFailure(WrongWorkspace, fmt.Sprintf("the credential does not belong to workspace %s: %s", e.Workspace, e.Message), c.Command("whoami"))
	}
	f.Retryable, f.RequestID, f.Details = e.Retryable, e.RequestID, e.Details
	return f
}

func (c Context) refusalMessage(e *api.Error) string {
	status := strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, e.Code))
	if e.Code == e.Message {
		status = fmt.Sprint(e.Status)
	}
	if e.Status < 300 { // services with GraphQL refuse with status 200
		status = e.Code
	}
	reason := cmp.Or(e.Message, "no reason given")
	message := fmt.Sprintf("%s refused: %s", e.Service, reason)
	switch {
	case isCredentialKind(e.Rule.Kind):
		message = fmt.Sprintf("%s does not accept %s: %s", e.Service, c.Credential, reason)
		if status != "" {
			message += " (" + status + ")"
		}
	case status != "":
		message = fmt.Sprintf("%s answered %s: %s", e.Service, status, reason)
	}
	if x := e.Rule.Explanation; x != "" && x != e.Message {
		message = strings.TrimSuffix(message, ".") + "; " + x
	}
	if e.RetryAfter > 0 {
		message += fmt.Sprintf(" (retry in %s)", e.RetryTime())
	}
	return message
}

// isCredentialKind reports whether another credential is the remedy of a refusal.
func isCredentialKind(k provider.Kind) bool {
	switch k {
	case provider.Refused, provider.Revoked, provider.WrongClass, provider.Misplaced:
		return true
	}
	return false
}

func (c Context) refusalHint(r provider.Rule) string {
	switch {
	case len(r.Set) > 0:
		return c.ChangeSettings(r.Set)
	case isCredentialKind(r.Kind) && r.Hint != "":
		return r.Hint + ", or " + c.replaceCredential()
	case isCredentialKind(r.Kind):
		return c.replaceCredential()
	case r.Kind == provider.Forbidden && r.Hint == "":
		return c.Command("whoami")
	}
	return r.Hint
}

// describeUnreachable describes a request without a complete response.
func describeUnreachable(e *api.UnreachableError) Failure {
	host := e.BaseURL
	if u, err := url.Parse(e.BaseURL); err == nil {
		host = u.Host
	}
	const check = "check the network, the address of the service and the proxy settings"
	f := newFailure(Unreachable, fmt.Sprintf("could not reach %s: %v", host, cause(e.Err)), check).retryable()
	switch e.Kind {
	case api.Interrupted:
		return newFailure(Interrupted, "interrupted", "")
	case api.DNS:
		f.Message = fmt.Sprintf("could not reach %s: the host is unknown, or there is no network", host)
	case api.Refused:
		f.Message = fmt.Sprintf("could not reach %s: nothing listens there", host)
		if strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "localhost") {
			f.Hint = "lamina dev"
		}
	case api.TLS:
		f.Message = fmt.Sprintf("the certificate of %s is not trusted: %v", host, cause(e.Err))
		f.Hint = "behind a company proxy, name its certificate authority with --ca-file"
		f.Retryable = false
	case api.Timeout:
		return newFailure(Timeout, fmt.Sprintf("%s did not answer in time", host), "").retryable()
	case api.Cut:
		f.Message = fmt.Sprintf("%s closed the connection before its answer was complete", host)
		f.Hint = ""
	}
	return f
}

// cause returns the error inside a *url.Error, whose message repeats the whole URL.
func cause(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

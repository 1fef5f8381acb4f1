package doctor

import (
	"cmp"
	"context"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/fail"
)

// checkAPI examines the answer of the service to a request without a credential.
func checkAPI(_ context.Context, e *examination) Finding {
	p := e.probeAPI()
	isJSON := strings.HasPrefix(p.ContentType, "application/json")
	// The path is unknown to some of the other services, so that every answer in JSON and every success is from their API. Lamina
	// answers 401 in JSON.
	isOtherAPI := !e.provider.IsDefault() && (isJSON || p.Status < 300)
	switch {
	case p.Err != nil:
		return e.unreached(p.Err)
	case p.Status >= 500:
		return failed(fail.ServerError, e.command("doctor"), "%s fails (%d %s)", e.host(), p.Status, http.StatusText(p.Status))
	case p.Status == http.StatusTooManyRequests:
		return warn("", "%s answers, but limits the rate of requests at the moment", e.host())
	case isOtherAPI, isJSON && p.Status != http.StatusNotFound && (p.Status < 300 || p.Status >= 400):
		return ok("%s answers in %s (%s to connect)", e.host(), milliseconds(p.Took), milliseconds(p.Connect))
	case e.session != nil && e.session.Credential.ThirdParty:
		return warn("", "%s answers (%d), but has no accounts, as Lamina's API has; the session is of %s", e.host(), p.Status, e.session.Credential.Issuer)
	}
	return failed(fail.Unexpected, "unset "+strings.Join(e.provider.BaseURLEnv, " "),
		"something answers at %s (%d, %s), but it is not the API: the sign-in page of a network, or another web site",
		e.host(), p.Status, cmp.Or(p.ContentType, "no content type"))
}

// checkTokenEndpoint sends a request without a token to the endpoint that refreshes sessions.
func checkTokenEndpoint(_ context.Context, e *examination) Finding {
	if e.provider.OAuth == nil {
		return skip("%s has no sessions, only keys", e.provider.Title)
	}
	if e.probeAPI().Err != nil {
		return skip("the service was not reached")
	}
	p := e.probeToken()
	endpoint := bareURL(e.tokenURL())
	switch {
	case p.Err != nil:
		return e.unreached(p.Err)
	case p.Status >= 500:
		return failed(fail.ServerError, e.command("doctor"), "%s fails (%d %s); the session is kept", endpoint, p.Status, http.StatusText(p.Status))
	}
	return ok("%s answers in %s", endpoint, milliseconds(p.Took))
}

// Limits of the difference between this clock and the service's. Sessions do not depend on the clock; certificates and the
// signatures of webhook deliveries do.
const (
	clockWarning = time.Minute
	clockFailure = 10 * time.Minute
)

// checkClock compares the clock of this machine with the Date header of the service (RFC 9110 section 6.6.1).
func checkClock(_ context.Context, e *examination) Finding {
	p := e.probeAPI()
	if p.Err != nil || p.Date.IsZero() {
		return skip("the service did not send its time")
	}
	return compareClocks(e.sessions.Now(), p.Date)
}

// compareClocks returns the finding for a local time and the time of the service.
func compareClocks(local, service time.Time) Finding {
	difference := local.Sub(service).Round(time.Second)
	relation := "ahead of"
	if difference < 0 {
		difference, relation = -difference, "behind"
	}
	switch {
	case difference >= clockFailure:
		return failed(fail.CheckFailed, setClockCommand(), "this clock is %s %s the service's", difference, relation)
	case difference >= clockWarning:
		return warn(setClockCommand(), "this clock is %s %s the service's", difference, relation)
	}
	return ok("this clock agrees with the service's")
}

// setClockCommand returns the command that synchronizes the clock on this system.
func setClockCommand() string {
	switch runtime.GOOS {
	case "darwin":
		return "sudo sntp -sS time.apple.com"
	case "windows":
		return "w32tm /resync"
	}
	return "sudo timedatectl set-ntp true"
}

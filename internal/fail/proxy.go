package fail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// A ProxyError means that a request failed on its way through a proxy, before it reached the service.
type ProxyError struct {
	Proxy    string // its scheme, host and port
	Variable string // the environment variable that names it
	Host     string // of the request
	Status   int    // with which the proxy refused; 0 if it did not answer
	Err      error  // why it did not answer; may be nil
}

// Error describes the failure without credentials.
func (e *ProxyError) Error() string {
	name := fmt.Sprintf("the proxy %s (%s)", e.Proxy, e.Variable)
	switch {
	case e.Status == http.StatusProxyAuthRequired:
		return fmt.Sprintf("could not reach %s: %s requires a user name and a password, or refuses those in the variable (407)", e.Host, name)
	case e.Status != 0:
		return fmt.Sprintf("could not reach %s: %s refused to connect to it (%d %s)", e.Host, name, e.Status, http.StatusText(e.Status))
	case e.isTimeout():
		return fmt.Sprintf("could not reach %s: %s made no connection in time", e.Host, name)
	}
	return fmt.Sprintf("could not reach %s: %s does not answer: %v", e.Host, name, innermost(e.Err))
}

// Unwrap returns the cause.
func (e *ProxyError) Unwrap() error { return e.Err }

func (e *ProxyError) isTimeout() bool {
	var timeout net.Error
	return errors.Is(e.Err, context.DeadlineExceeded) || errors.As(e.Err, &timeout) && timeout.Timeout()
}

// innermost returns the cause inside the errors of package net, which repeat addresses.
func innermost(err error) error {
	for {
		var op *net.OpError
		if !errors.As(err, &op) || op.Err == nil {
			return err
		}
		err = op.Err
	}
}

// describeProxy describes a proxy that fails.
func describeProxy(err error) (Failure, bool) {
	var proxy *ProxyError
	if !errors.As(err, &proxy) {
		return Failure{}, false
	}
	code, hint := Unreachable, "correct "+proxy.Variable+", or unset it"
	switch {
	case proxy.Status == http.StatusProxyAuthRequired:
		hint = "export " + proxy.Variable + "=http://USER:PASSWORD@HOST:PORT"
	case proxy.Status == 0 && proxy.isTimeout():
		code = Timeout
	}
	f := newFailure(code, proxy.Error(), hint)
	f.Retryable = proxy.Status != http.StatusProxyAuthRequired
	return f, true
}

package api

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
	"time"
)

// A Probe is the result of one request without a credential.
type Probe struct {
	Err         error // *UnreachableError if there was no response; then only Took is set
	Status      int
	ContentType string
	Date        time.Time            // the server's clock; zero if the response has no Date
	TLS         *tls.ConnectionState // nil without TLS
	Connect     time.Duration        // until the connection was established, including DNS and TLS
	Took        time.Duration        // until the header of the response
}

// SendProbe sends one request without a body. It follows no redirect and reads only the header of the response.
func SendProbe(ctx context.Context, transport http.RoundTripper, method, address, userAgent string, now func() time.Time) Probe {
	started := now()
	var connected time.Time
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = now() }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), method, address, nil)
	if err != nil {
		return Probe{Err: Unreachable(ctx, address, err)}
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "application/json")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return Probe{Err: Unreachable(ctx, address, err), Took: now().Sub(started)}
	}
	_ = resp.Body.Close()
	date, _ := http.ParseTime(resp.Header.Get("Date"))
	return Probe{
		Status: resp.StatusCode, ContentType: resp.Header.Get("Content-Type"), Date: date, TLS: resp.TLS,
		Connect: connected.Sub(started), Took: now().Sub(started),
	}
}

package lamina

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// Limits of a file that an app fetches.
const (
	maxFetch     = 32 << 20 // bytes
	fetchTimeout = 30 * time.Second
)

// refuse returns an error that the user of the app sees.
func refuse(format string, args ...any) error {
	return &apps.Error{Message: fmt.Sprintf(format, args...)}
}

// Fetch returns the bytes at an address, for an app. It reads files of this platform, data: URLs and http on this machine.
// It refuses other addresses, because a local platform must not give access to other networks. It fails with an
// *apps.Error.
func (s *Server) Fetch(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, refuse("The address of a file could not be read")
	case u.Scheme == "data":
		return decodeDataURL(address)
	case s.BaseURL != "" && strings.HasPrefix(address, s.BaseURL+"/media/"):
		return s.readFile(strings.TrimPrefix(u.Path, "/media/"))
	case u.Scheme == "http" && wire.IsLoopback(u.Hostname()):
		return s.fetchLoopback(ctx, address)
	default:
		return nil, refuse("The local platform does not fetch from %s: it reads only its own files, http on this machine "+
			"and data: URLs. Upload the file first, and use the address that you get", u.Host)
	}
}

func (s *Server) readFile(name string) ([]byte, error) {
	a, ok := s.findFile(name)
	if !ok {
		return nil, refuse("There is no uploaded file at /media/%s", name)
	}
	return readLimited(s.files.Open(*a.File))
}

func readLimited(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFetch+1))
	if err != nil {
		return nil, refuse("A file could not be read to its end")
	}
	if len(raw) > maxFetch {
		return nil, refuse("A file is larger than the %d MiB that are allowed", maxFetch>>20)
	}
	return raw, nil
}

// errNotLoopback means that a name resolved to another machine.
var errNotLoopback = errors.New("not a loopback address")

// newLoopbackClient returns a client that connects only to this machine: it uses no proxy, checks the resolved address and
// follows no redirect.
func newLoopbackClient() *http.Client {
	dialer := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		if host, _, err := net.SplitHostPort(address); err != nil || !wire.IsLoopback(host) {
			return errNotLoopback
		}
		return nil
	}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		Timeout:       fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s *Server) fetchLoopback(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, refuse("The address of a file could not be read")
	}
	resp, err := s.loopback.Do(req)
	if err != nil {
		return nil, refuse("The file at %s could not be fetched", req.URL.Host)
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return nil, refuse("%s answered with a redirect, which is not followed: give the final address", req.URL.Host)
	case resp.StatusCode != http.StatusOK:
		return nil, refuse("%s answered %d instead of a file", req.URL.Host, resp.StatusCode)
	}
	return readLimited(resp.Body)
}

// decodeDataURL returns the data of a data: URL (RFC 2397).
func decodeDataURL(address string) ([]byte, error) {
	head, data, ok := strings.Cut(strings.TrimPrefix(address, "data:"), ",")
	if !ok {
		return nil, refuse("A data: URL has no comma, and so no data")
	}
	text, err := url.PathUnescape(data)
	if err != nil {
		return nil, refuse("The data of a data: URL could not be read")
	}
	if !strings.HasSuffix(strings.ToLower(head), ";base64") {
		return []byte(text), nil
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, refuse("The data of a data: URL is not base64")
	}
	return raw, nil
}

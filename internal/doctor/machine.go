package doctor

import (
	"cmp"
	"context"
	"io"
	"net"
	"time"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/term"
)

// checkLoopback4 connects to 127.0.0.1, the redirect URI of a sign-in in the browser.
func checkLoopback4(ctx context.Context, e *examination) Finding {
	if err := tryLoopback(ctx, "tcp4", "127.0.0.1:0"); err != nil {
		return failed(fail.CheckFailed, e.signInByDevice(), "a browser cannot be redirected to 127.0.0.1: %v", withoutAddress(err))
	}
	return ok("a browser can be redirected to 127.0.0.1")
}

// checkLoopback6 connects to ::1, which some browsers use for localhost.
func checkLoopback6(ctx context.Context, e *examination) Finding {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp6", "[::1]:0")
	if err != nil {
		return skip("there is no IPv6 on this machine; 127.0.0.1 is enough")
	}
	_ = listener.Close()
	if err := tryLoopback(ctx, "tcp6", "[::1]:0"); err != nil {
		return warn(e.signInByDevice(), "a browser that prefers IPv6 cannot be redirected to ::1: %v", withoutAddress(err))
	}
	return ok("a browser can be redirected to ::1")
}

// tryLoopback listens on an address, connects to it, and sends a byte through the connection.
func tryLoopback(ctx context.Context, network, address string) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	listener, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err != nil {
		return err
	}
	defer listener.Close()
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	sent := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, err = conn.Write([]byte{1})
			_ = conn.Close()
		}
		sent <- err
	}()
	conn, err := new(net.Dialer).DialContext(ctx, network, listener.Addr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(checkTime))
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return err
	}
	return <-sent
}

// checkBrowser finds the browser that a sign-in would open.
func checkBrowser(_ context.Context, e *examination) Finding {
	getenv := e.sessions.Getenv
	if reason := term.NoBrowser(getenv); reason != "" {
		return warn(e.signInByDevice(), "no browser can be opened here: %s; a sign-in with a code works on any device", reason)
	}
	program, err := term.WhichBrowser(getenv)
	if err != nil {
		return warn(e.signInByDevice(), "the browser %s is not found; a sign-in with a code works on any device", cmp.Or(getenv("BROWSER"), "xdg-open"))
	}
	return ok("a sign-in opens %s", program)
}

package session

import (
	"context"
	"io"
	"net"
	"time"
)

// bodyStep is how many bytes of a request body are written at once. The 32 KiB of net/http cost a large upload twice as much time of
// the processor.
const bodyStep = 256 << 10

// dial opens a connection that writes large bodies in large steps.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext(ctx, network, address)
	if tcp, isTCP := conn.(*net.TCPConn); isTCP && err == nil {
		return &bodyConn{tcp}, nil
	}
	return conn, err
}

type bodyConn struct{ *net.TCPConn }

// ReadFrom implements io.ReaderFrom, which net/http uses for bodies that exceed its buffer.
func (c *bodyConn) ReadFrom(r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{c.TCPConn}, struct{ io.Reader }{r}, make([]byte, bodyStep))
}

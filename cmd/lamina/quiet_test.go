package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// startChatty starts a server that answers its first request with 429, adds bytes that no request asked for, and answers each further
// one. It returns its address.
func startChatty(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				continue
			}
			head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"data\":[]}"
			if n == 0 {
				head = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\nnobody asked for this"
			}
			_, _ = fmt.Fprint(conn, head)
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return "http://" + listener.Addr().String()
}

// TestNetHTTPIsQuiet checks that what net/http logs is part of the --debug log, and never of the messages of a command.
func TestNetHTTPIsQuiet(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		flag string
		want bool
	}{{"--json", false}, {"--debug", true}} {
		u := newUser(t, startChatty(t), "LAMINA_API_KEY=lma_chatty_0123456789")
		run := u.start(t, "apps", "list", tt.flag)
		run.exits(t, 0)
		if got := strings.Contains(run.stderr.String(), "Unsolicited response"); got != tt.want {
			t.Errorf("%s: got the line of net/http: %t, want %t\n%s", tt.flag, got, tt.want, run.stderr.String())
		}
	}
}

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdReceiver starts a receiver of deliveries: receiver NAME FILE [STATUS…]. It sets NAME to its address. It answers with the statuses in
// turn, then with 200, and appends a line to FILE for each request.
func cmdReceiver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: receiver NAME FILE [STATUS…]")
	}
	file, statuses := ts.MkAbs(args[1]), args[2:]
	ts.Check(os.WriteFile(file, nil, 0o600))
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		status := http.StatusOK
		if len(statuses) > 0 {
			status, _ = strconv.Atoi(statuses[0])
			statuses = statuses[1:]
		}
		f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, _ = fmt.Fprintf(f, "%s %s signed=%t answered=%d\n", r.Method, r.Header.Get("X-Lamina-Webhook-Request-Id"), r.Header.Get("X-Lamina-Webhook-Signature") != "", status)
			_ = f.Close()
		}
		w.WriteHeader(status)
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL+"/hook?token=hidden")
}

// cmdUntilListening waits until a lamina webhook listen in the background says where it listens: until-listening FILE NAME. FILE is that of
// the listener's stderr. It sets NAME to the address.
func cmdUntilListening(ts *testscript.TestScript, _ bool, args []string) {
	listening := regexp.MustCompile(`Listening on (http://\S+)`)
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		raw, _ := os.ReadFile(filepath.Clean(ts.MkAbs(args[0])))
		if found := listening.FindSubmatch(raw); found != nil {
			ts.Setenv(args[1], string(found[1]))
			return
		}
	}
	ts.Fatalf("%s: got no address:\n%s", args[0], ts.ReadFile(args[0]))
}

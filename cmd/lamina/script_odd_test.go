package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdOdd starts a service whose responses are not all JSON: odd NAME. It sets NAME to its address.
func cmdOdd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: odd NAME")
	}
	server := httptest.NewServer(newOdd())
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}

// newOdd returns the handler of a service whose responses are not all JSON.
func newOdd() http.Handler {
	mux := http.NewServeMux()
	send := func(path string, status int, media, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", media)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
	}
	send("/v1/none", 204, "text/html", "")
	send("/v1/empty", 200, "text/html; charset=utf-8", "")
	send("/v1/text", 200, "text/plain", "a text\x1b[31m in red\n")
	send("/v1/csv", 200, "text/csv", "a,b\n1,2\n")
	send("/v1/image", 200, "image/png", "\x89PNG\r\n\x1a\n\x00\x00\xff")
	send("/v1/broken", 200, "application/json", `{"data":`)
	send("/v1/refused", 422, "application/problem+json", `{"error":"a is wrong","field":"a","echo":"lma_odd_key_1"}`)
	send("/v1/page", 404, "text/html", "<h1>lma_odd_key_1 is not here</h1>\n")
	send("/v1/down", 503, "text/plain", "come back later\n")
	send("/v1/lines", 200, "application/x-ndjson", "{\"n\":1}\n\n{\"n\":2}\n")
	send("/v1/events", 200, "text/event-stream", ": hello\n\nevent: a\ndata: {\"n\":1}\n\ndata: {\"n\":\ndata: 2}\n\ndata: bye\n\n")
	send("/v1/unfinished", 200, "text/event-stream", "data: {\"n\":1}\n\ndata: {\"n\":2}\n")
	send("/v1/nulls", 200, "application/json", `{"data":null}`)
	send("/v1/runs", 200, "application/json", `{"data":[{"runId":"run-a","workflowId":"app-a","status":"completed","createdAt":"2026-01-02T12:00:00+0000"},7,null]}`)
	send("/v1/apps", 200, "application/json", `{"data":[{"appId":"app-a","name":"First"},"lost",{"appId":"app-b","name":["Second"],"isPublic":"no"}]}`)
	send("/v1/files", 200, "application/json", `{"files":[7,{"uri":"f1","name":"a.txt"}]}`)
	send("/v1/models/image", 200, "application/json", `{"data":{"items":[{"id":"m1","displayName":"First"},{},{"id":{"a":1}}]}}`)
	send("/v1/models/video", 200, "application/json", `{"data":[{"id":"m2"}]}`)
	send("/v1/templates", 200, "application/json", `{"data":[7,{"id":"t1","name":"First"}]}`)
	send("/v1/intelligence/trends", 200, "application/json", `{"data":null}`)
	send("/v1/apps/discover", 200, "application/json", `{"data":{"matches":null}}`)
	mux.HandleFunc("/v1/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Link", "</v1/echo?a=1>; rel=next, <lma_odd_key_1>")
		w.Header().Set("Set-Cookie", "session=hidden")
		_ = json.NewEncoder(w).Encode(map[string]string{"query": r.URL.RawQuery, "accept": r.Header.Get("Accept")})
	})
	var calls atomic.Int64
	mux.HandleFunc("/v1/calls", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"data":%d}`, calls.Add(1))
	})
	mux.HandleFunc("/v1/list", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		_, _ = fmt.Fprintf(w, `{"data":[{"n":%d},{"n":%d}],"pagination":{"total":6,"limit":2,"offset":%d},"note":"x"}`, offset, offset+1, offset)
	})
	mux.HandleFunc("/v1/cursors", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		next := map[string]string{"": `"two"`, "two": `"three"`, "three": "null"}[r.URL.Query().Get("cursor")]
		_, _ = fmt.Fprintf(w, `{"data":{"items":[%q],"nextCursor":%s}}`, r.URL.RawQuery, next)
	})
	more := make(chan bool)
	mux.HandleFunc("/more", func(http.ResponseWriter, *http.Request) { more <- true })
	mux.HandleFunc("/v1/slow", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		_, _ = w.Write([]byte("data: {\"n\":1}\n\n"))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-more:
			_, _ = w.Write([]byte("data: {\"n\":2}\n\n"))
		case <-r.Context().Done():
		}
	})
	return mux
}

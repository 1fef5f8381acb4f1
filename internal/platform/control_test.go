package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// plan plans a fault.
func (f *foreigner) plan(body string) {
	f.t.Helper()
	if res := f.json("/dev/faults", body); res.StatusCode != http.StatusCreated {
		f.t.Fatalf("plan %s: %d %s", body, res.StatusCode, res.body)
	}
}

func (f *foreigner) delete(path string) httpReply {
	return f.do(f.request("DELETE", path, "", ""))
}

// received returns what GET /dev/requests lists.
func (f *foreigner) received() []map[string]any {
	f.t.Helper()
	var list struct{ Data []map[string]any }
	if err := json.Unmarshal([]byte(f.get("/dev/requests").body), &list); err != nil {
		f.t.Fatal(err)
	}
	return list.Data
}

func TestRequestsAreListedWithoutSecrets(t *testing.T) {
	t.Parallel()
	rg := newRig(t, nil)
	up := rg.uploadURL("a.png", "image")
	rg.file("PUT", up.UploadURL, "x", "Content-Type", "image/png").want(200)
	rg.file("GET", up.AssetURL, "").want(200)
	rg.call("GET", "/v1/account?x-api-key="+rg.key, nil).want(200)
	listed := rg.call("GET", "/dev/requests", nil, "X-Api-Key", "").want(200)
	var paths []string
	for _, r := range data[[]receivedRequest](listed) {
		paths = append(paths, r.Method+" "+r.Path)
	}
	want := []string{"POST /v1/assets/upload-urls", "PUT /media/uploads/***", "GET /media/***", "GET /v1/account"}
	if !slices.Equal(paths, want) || bytes.Contains(listed.body, []byte(*up.AssetID)) || bytes.Contains(listed.body, []byte(rg.key)) {
		t.Errorf("%s", listed.body)
	}
}

const metadataPath = "/.well-known/oauth-authorization-server/cli/oauth"

func TestRequestsAreListed(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	id := f.register("x")
	_, refresh := f.signIn(id)
	if res := f.delete("/dev/requests"); res.StatusCode != http.StatusNoContent {
		t.Fatalf("DELETE: %d", res.StatusCode)
	}
	f.refresh(id, refresh)
	f.json("/cli/oauth/token", `{"grant_type": "authorization_code", "client_id": "`+id+`"}`)
	f.get(f.authorizeURL(id))
	req := f.request("GET", "/nowhere?secret=1", "", "")
	req.Header.Set("User-Agent", "test\t1")
	last := f.do(req)
	list := f.received()
	want := []map[string]any{
		{"method": "POST", "path": "/cli/oauth/token", "status": 200.0, "grantType": "refresh_token", "client": id},
		{"method": "POST", "path": "/cli/oauth/token", "status": 400.0, "grantType": "authorization_code", "client": id},
		{"method": "GET", "path": "/cli/oauth/authorize", "status": 303.0, "client": id},
		{"method": "GET", "path": "/nowhere", "status": 404.0, "client": "test 1"},
	}
	if len(list) != len(want) {
		t.Fatalf("%d requests are listed, want %d", len(list), len(want))
	}
	if got := last.Header.Get("X-Request-Id"); got == "" || list[3]["requestId"] != got {
		t.Errorf("X-Request-Id = %q, listed %v", got, list[3]["requestId"])
	}
	for i, entry := range list {
		if entry["time"] != "2026-03-01T12:00:00Z" || entry["durationMs"].(float64) < 0 {
			t.Errorf("request %d: %v", i, entry)
		}
		for _, name := range []string{"time", "durationMs", "requestId"} {
			delete(entry, name)
		}
		if !reflect.DeepEqual(entry, want[i]) {
			t.Errorf("request %d is listed as %v, want %v", i, entry, want[i])
		}
	}
}

func TestRequestLogIsBounded(t *testing.T) {
	t.Parallel()
	var log requestLog
	for i := range maxRequests + 7 {
		log.add(&receivedRequest{Status: i})
	}
	all := log.list()
	if len(all) != maxRequests || all[0].Status != 7 || all[maxRequests-1].Status != maxRequests+6 {
		t.Errorf("%d requests, %d to %d", len(all), all[0].Status, all[len(all)-1].Status)
	}
}

// Streams flush, and some handlers take the connection over; both must work through the guard.
func TestGuardPassesWriterOn(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	server := httptest.NewServer(f.s.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requestID(r.Context()) == "" {
			t.Error("the handler has no request id")
		}
		control := http.NewResponseController(w)
		if err := control.Flush(); err != nil {
			t.Errorf("flush: %v", err)
		}
		if err := control.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Errorf("deadline: %v", err)
		}
		conn, _, err := control.Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
			return
		}
		_ = conn.Close()
	})))
	defer server.Close()
	if res, err := f.http.Get(server.URL); err == nil {
		_, _ = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
}

func TestFaultAnswers(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	for name, c := range map[string]struct {
		plan, wantType, wantBody string
		wantStatus               int
	}{
		"status":       {`"status": 503`, "application/json", `"code":"RESOURCE_UNAVAILABLE","retryable":true`, 503},
		"status only":  {`"status": 404`, "application/json", `"code":"NOT_FOUND","retryable":false`, 404},
		"json body":    {`"status": 400, "body": "{\"error\":\"invalid_grant\"}"`, "application/json", `{"error":"invalid_grant"}`, 400},
		"text body":    {`"status": 429, "body": "too many", "headers": {"Retry-After": "7"}`, "text/plain; charset=utf-8", "too many", 429},
		"empty body":   {`"status": 502, "body": ""`, "text/plain; charset=utf-8", "", 502},
		"content type": {`"body": "x", "contentType": "application/x-test"`, "application/x-test", "x", 200},
		"garbage":      {`"garbage": true`, "application/json", `{"data": [1, 2,`, 200},
		"html":         {`"html": true`, "text/html; charset=utf-8", "<h1>", 200},
		"html error":   {`"html": true, "status": 502`, "text/html; charset=utf-8", "<h1>", 502},
	} {
		t.Run(name, func(t *testing.T) {
			f.plan(`{"path": "` + metadataPath + `", ` + c.plan + `}`)
			res := f.get(metadataPath)
			if res.StatusCode != c.wantStatus || res.Header.Get("Content-Type") != c.wantType || !strings.Contains(res.body, c.wantBody) {
				t.Errorf("%d %q %q", res.StatusCode, res.Header.Get("Content-Type"), res.body)
			}
			if strings.Contains(c.plan, "Retry-After") && res.Header.Get("Retry-After") != "7" {
				t.Error("the header is missing")
			}
			if res.Header.Get("X-Request-Id") == "" {
				t.Error("a fault without a request id")
			}
			if res := f.get(metadataPath); res.StatusCode != http.StatusOK || res.json(t)["issuer"] == nil {
				t.Errorf("the fault did not end: %d", res.StatusCode)
			}
		})
	}
}

func TestFaultSelection(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	id := f.register("x")
	_, refresh := f.signIn(id)
	f.plan(`{"path": "/cli/oauth/*", "method": "POST", "grantType": "refresh_token", "status": 500, "times": 2}`)
	f.plan(`{"path": "/cli/oauth/*", "grantType": "refresh_token", "status": 503}`)
	f.plan(`{"path": "/devic*", "method": "GET", "status": 418}`)

	if res := f.exchange(id, "x"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("another grant: %d", res.StatusCode)
	}
	for _, want := range []int{500, 500, 503, 200} {
		if res := f.refresh(id, refresh); res.StatusCode != want {
			t.Errorf("refresh: %d, want %d", res.StatusCode, want)
		}
	}
	if res := f.form("/device", url.Values{}); res.StatusCode != http.StatusForbidden {
		t.Errorf("another method: %d", res.StatusCode)
	}
	if res := f.get("/dev/faults"); res.StatusCode != http.StatusOK {
		t.Errorf("the controls have a fault: %d", res.StatusCode)
	}
	var list struct{ Data []faultPlan }
	if err := json.Unmarshal([]byte(f.get("/dev/faults").body), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Data) != 3 || list.Data[0].Remaining != 0 || list.Data[0].Times != 2 || list.Data[2].Remaining != 1 ||
		list.Data[0].ID == "" || list.Data[0].ID == list.Data[1].ID {
		t.Errorf("plans %+v", list.Data)
	}
	f.delete("/dev/faults")
	if res := f.get("/device"); res.StatusCode != http.StatusOK {
		t.Errorf("a cleared plan still works: %d", res.StatusCode)
	}
}

func TestFaultCuts(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	id := f.register("x")
	send := func() (*http.Response, error) {
		_, refresh := f.signIn(id)
		f.delete("/dev/requests")
		v := url.Values{"grant_type": {grantRefresh}, "client_id": {id}, "refresh_token": {refresh}}
		res, err := f.http.Do(f.request("POST", "/cli/oauth/token", "application/x-www-form-urlencoded", v.Encode()))
		if err == nil {
			t.Cleanup(func() { _ = res.Body.Close() })
		}
		return res, err
	}
	used := func() (n int) {
		f.s.store.view(func(tx *tx) {
			for _, token := range list[refreshToken](tx, bucketRefreshTokens) {
				if token.UsedAt != nil {
					n++
				}
			}
		})
		return n
	}

	f.plan(`{"path": "/cli/oauth/token", "grantType": "refresh_token", "cut": "before"}`)
	if res, err := send(); err == nil || used() != 0 {
		t.Errorf("cut before: %v, %d tokens are used", res, used())
	}
	if got := f.received(); len(got) != 1 || got[0]["status"] != 0.0 {
		t.Errorf("cut before is listed as %v", got)
	}
	f.plan(`{"path": "/cli/oauth/token", "grantType": "refresh_token", "cut": "after"}`)
	if res, err := send(); err == nil || used() != 1 {
		t.Errorf("cut after: %v, %d tokens are used", res, used())
	}
	for _, bytes := range []string{"0", "10", "100000"} {
		before := used()
		f.plan(`{"path": "/cli/oauth/token", "grantType": "refresh_token", "cut": "body", "cutAfterBytes": ` + bytes + `}`)
		res, err := send()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if !errors.Is(err, io.ErrUnexpectedEOF) || res.StatusCode != http.StatusOK || used() != before+1 {
			t.Errorf("cut after %s bytes: %q, %v, %d tokens are used", bytes, body, err, used()-before)
		}
		if bytes == "10" && string(body) != `{"access_t` {
			t.Errorf("the body is %q", body)
		}
	}
}

// A stream that is cut must end on the server, too.
func TestFaultCutsStream(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	ended := make(chan struct{})
	server := httptest.NewServer(f.s.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "data: {}\n\n")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
	})))
	defer server.Close()
	f.plan(`{"path": "/stream", "cut": "body", "cutAfterBytes": 25}`)
	res, err := f.http.Get(server.URL + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if string(body) != "data: {}\n\ndata: {}\n\ndata:" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", body, err)
	}
	<-ended
}

func TestFaultDelay(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	f.plan(`{"path": "/device", "delay": "30ms"}`)
	start := time.Now()
	if res := f.get("/device"); res.StatusCode != http.StatusOK || time.Since(start) < 30*time.Millisecond {
		t.Errorf("%d after %v", res.StatusCode, time.Since(start))
	}
	f.plan(`{"path": "/device", "delay": "10m"}`)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := f.http.Do(f.request("GET", "/device", "", "").WithContext(ctx)); err == nil {
		t.Error("the delay was not kept")
	} // and the test's server closes only once the handler has noticed
}

func TestLatency(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{Latency: 30 * time.Millisecond})
	start := time.Now()
	if f.get("/device"); time.Since(start) < 30*time.Millisecond {
		t.Errorf("answered after %v", time.Since(start))
	}
}

func TestControlRefusals(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	for _, body := range []string{
		``, `[]`, `{}`, `{"path": "/x"}`, `{"status": 500}`, `{"path": "x", "status": 500}`, `{"path": "/*x", "status": 500}`,
		`{"path": "/dev/requests", "status": 500}`, `{"path": "/x", "status": 99}`, `{"path": "/x", "status": 600}`,
		`{"path": "/x", "status": 500, "times": 0}`, `{"path": "/x", "status": 500, "times": -1}`,
		`{"path": "/x", "delay": "soon"}`, `{"path": "/x", "delay": "-1s"}`, `{"path": "/x", "delay": "11m"}`,
		`{"path": "/x", "cut": "never"}`, `{"path": "/x", "cut": "before", "status": 500}`,
		`{"path": "/x", "cut": "after", "cutAfterBytes": 3}`, `{"path": "/x", "cut": "body", "cutAfterBytes": -3}`,
		`{"path": "/x", "garbage": true, "html": true}`, `{"path": "/x", "garbage": true, "body": ""}`,
		`{"path": "/x", "headers": {"A": "b"}}`, `{"path": "/x", "status": 500, "headers": {"A": "b\r\nC: d"}}`,
		`{"path": "/x", "status": 500, "headers": {"A b": "c"}}`, `{"path": "/x", "status": 500, "method": "post"}`,
		`{"path": "/x", "status": 500, "grantType": "password"}`, `{"path": "/x", "status": 500, "stauts": 1}`,
		`{"path": "/x", "status": 500} {}`,
	} {
		res := f.json("/dev/faults", body)
		if v := res.json(t); res.StatusCode != http.StatusBadRequest || v["code"] != "VALIDATION_ERROR" || v["retryable"] != false ||
			v["error"] == "" || v["requestId"] != res.Header.Get("X-Request-Id") {
			t.Errorf("%s: %d %s", body, res.StatusCode, res.body)
		}
	}
	for _, body := range []string{`{}`, `{"advance": "0s"}`, `{"advance": "-1h"}`, `{"advance": "90000h"}`, `{"advance": 5}`} {
		if res := f.json("/dev/clock", body); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, res.StatusCode, res.body)
		}
	}
}

func TestControlRefusesOtherOrigins(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	const plan = `{"path": "/x", "status": 500}`
	for _, c := range []struct {
		method, path, contentType, origin, fetchSite string
		want                                         int
	}{
		{"POST", "/dev/faults", "application/json", "https://evil.example", "", 403},
		{"POST", "/dev/faults", "application/json", "http://localhost:1", "", 403},
		{"POST", "/dev/faults", "application/json", "null", "", 403},
		{"POST", "/dev/faults", "application/json", "", "cross-site", 403},
		{"DELETE", "/dev/faults", "", "https://evil.example", "", 403},
		{"DELETE", "/dev/requests", "", "https://evil.example", "", 403},
		{"POST", "/dev/clock", "application/json", "https://evil.example", "", 403},
		{"POST", "/dev/faults", "text/plain", "", "", 415},
		{"POST", "/dev/faults", "application/x-www-form-urlencoded", "", "", 415},
		{"POST", "/dev/clock", "", "", "", 415},
		{"POST", "/dev/faults", "application/json; charset=utf-8", f.url, "", 201},
		{"DELETE", "/dev/faults", "", f.url, "same-origin", 204},
	} {
		body := plan
		if c.method == "DELETE" {
			body = ""
		}
		req := f.request(c.method, c.path, c.contentType, body)
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		if c.fetchSite != "" {
			req.Header.Set("Sec-Fetch-Site", c.fetchSite)
		}
		if res := f.do(req); res.StatusCode != c.want {
			t.Errorf("%+v: %d", c, res.StatusCode)
		}
	}
}

func TestClockMoves(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	id := f.register("x")
	access, refresh := f.signIn(id)
	res := f.json("/dev/clock", `{"advance": "719h"}`)
	want := map[string]any{"now": "2026-03-31T11:00:00Z", "offset": "719h0m0s"}
	if got := res.json(t)["data"]; !reflect.DeepEqual(got, want) {
		t.Errorf("clock = %v, want %v", got, want)
	}
	if got := f.get("/device").Header.Get("Date"); got != "Tue, 31 Mar 2026 11:00:00 GMT" {
		t.Errorf("Date = %q", got)
	}
	f.wantAlive(access, false)
	_, refresh = f.tokens(f.refresh(id, refresh))
	f.json("/dev/clock", `{"advance": "720h"}`)
	wantError(t, f.refresh(id, refresh), "invalid_grant")
	if got := f.get("/dev/clock").json(t)["data"].(map[string]any)["offset"]; got != "1439h0m0s" {
		t.Errorf("offset = %v", got)
	}
	for range 9 {
		f.json("/dev/clock", `{"advance": "87600h"}`)
	}
	if res := f.json("/dev/clock", `{"advance": "87600h"}`); res.StatusCode != http.StatusBadRequest {
		t.Errorf("more than a hundred years: %d", res.StatusCode)
	}
}

func TestHostIsChecked(t *testing.T) {
	t.Parallel()
	f := meet(t, Options{})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:1": 200, "LocalHost:80": 200, "app.localhost:8080": 200, "127.0.0.1": 200, "127.9.9.9:1": 200,
		"[::1]:8080": 200, "[::1]": 200, "evil.example": 421, "evil.example:80": 421, "localhost.evil.example": 421,
		"127.0.0.1.evil.example": 421, "192.168.1.5": 421, "0.0.0.0": 421, "notlocalhost": 421, "[::2]": 421,
	} {
		for _, path := range []string{"/", "/dev/requests"} {
			req := f.request("GET", path, "", "")
			req.Host = host
			if res := f.do(req); res.StatusCode != want {
				t.Errorf("%s%s: %d, want %d", host, path, res.StatusCode, want)
			}
		}
	}
}

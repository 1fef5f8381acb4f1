package platform

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

func TestRequestsAreListedWithoutSecrets(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{})
	key, _, err := f.s.NewAPIKey("test")
	if err != nil {
		t.Fatal(err)
	}
	services, err := f.s.NewServiceKeys("test")
	if err != nil {
		t.Fatal(err)
	}
	f.Header.Set("X-Api-Key", key)
	body := api.UploadFiles{Files: []api.UploadFile{{Filename: "a.png", MediaType: "image"}}}
	up := wiretest.Data[api.UploadURLs](f.Call("POST", "/v1/assets/upload-urls", body).Want(200)).Uploads[0]
	f.Do(f.Request("PUT", up.UploadURL, "image/png", "x", "X-Api-Key", "")).Want(200)
	f.Do(f.Request("GET", up.AssetURL, "", "", "X-Api-Key", "")).Want(200)
	f.Get("/v1/account?x-api-key=" + key).Want(200)
	stored := f.Call("POST", "/laminr/v1/files", `{"file_name": "a.png"}`, "X-Api-Key", services["laminr"].APIKey).Want(200).Object()
	storage := strings.Replace(stored["upload_url"].(string), "localhost", "127.0.0.1", 1)
	f.Do(f.Request("PUT", storage, "image/png", "x", "X-Api-Key", "")).Want(200)

	listed := f.Call("GET", "/dev/requests", nil, "X-Api-Key", "").Want(200)
	var got []string
	for _, r := range wiretest.Data[[]struct{ Method, Path string }](listed) {
		got = append(got, r.Method+" "+r.Path)
	}
	want := []string{
		"POST /v1/assets/upload-urls", "PUT /media/uploads/***", "GET /media/***", "GET /v1/account",
		"POST /laminr/v1/files", "PUT /laminr-storage/" + stored["uri"].(string),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got requests %q, want %q", got, want)
	}
	for _, secret := range []string{*up.AssetID, key, services["laminr"].APIKey, "Signature"} {
		if strings.Contains(listed.Body, secret) {
			t.Errorf("the list has the secret %q: %s", secret, listed.Body)
		}
	}
}

func TestRequestsAreListed(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AutoApprove: true})
	id := f.register()
	_, refresh := f.signIn(id)
	f.Delete("/dev/requests").Want(http.StatusNoContent)
	f.refresh(id, refresh)
	f.Post("/cli/oauth/token", `{"grant_type": "authorization_code", "client_id": "`+id+`"}`)
	f.Get(authorizePath(id))
	req := f.Request("GET", "/nowhere?secret=1", "", "")
	req.Header.Set("User-Agent", "test\t1")
	last := f.Do(req)
	list := f.received()
	want := []map[string]any{
		{"method": "POST", "path": "/cli/oauth/token", "status": 200.0, "grantType": "refresh_token", "client": id},
		{"method": "POST", "path": "/cli/oauth/token", "status": 400.0, "grantType": "authorization_code", "client": id},
		{"method": "GET", "path": "/cli/oauth/authorize", "status": 303.0, "client": id},
		{"method": "GET", "path": "/nowhere", "status": 404.0, "client": "test 1"},
	}
	if len(list) != len(want) {
		t.Fatalf("got %d requests, want %d", len(list), len(want))
	}
	if got := last.Header.Get("X-Request-Id"); got == "" || list[3]["requestId"] != got {
		t.Errorf("got X-Request-Id %q, listed %v; want the same", got, list[3]["requestId"])
	}
	for i, entry := range list {
		if entry["time"] != "2026-03-01T12:00:00Z" || entry["durationMs"].(float64) < 0 {
			t.Errorf("request %d: got %v, want the time of the clock and a duration", i, entry)
		}
		for _, name := range []string{"time", "durationMs", "requestId"} {
			delete(entry, name)
		}
		if !reflect.DeepEqual(entry, want[i]) {
			t.Errorf("request %d: got %v, want %v", i, entry, want[i])
		}
	}
}

func TestFaultSelection(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AutoApprove: true})
	id := f.register()
	_, refresh := f.signIn(id)
	f.plan(`{"path": "/cli/oauth/*", "method": "POST", "grantType": "refresh_token", "status": 500, "times": 2}`)
	f.plan(`{"path": "/cli/oauth/*", "grantType": "refresh_token", "status": 503}`)
	f.plan(`{"path": "/devic*", "method": "GET", "status": 418}`)

	f.Post("/cli/oauth/token", `{"grant_type": "authorization_code", "client_id": "`+id+`"}`).Want(http.StatusBadRequest) // another grant
	for _, want := range []int{500, 500, 503, 200} {
		if res := f.refresh(id, refresh); res.Status != want {
			t.Errorf("refresh: got %d, want %d", res.Status, want)
		}
	}
	f.PostForm("/device", nil).Want(http.StatusForbidden) // another method
	plans := wiretest.Data[[]struct {
		ID               string
		Times, Remaining int
	}](f.Get("/dev/faults").Want(http.StatusOK))
	if len(plans) != 3 || plans[0].Remaining != 0 || plans[0].Times != 2 || plans[2].Remaining != 1 ||
		plans[0].ID == "" || plans[0].ID == plans[1].ID {
		t.Errorf("got plans %+v, want three with 0, 0 and 1 remaining times and different ids", plans)
	}
	f.Delete("/dev/faults")
	f.Get("/device").Want(http.StatusOK) // the cleared plan has no effect
}

func TestFaultCuts(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AutoApprove: true})
	id := f.register()
	var refresh string
	send := func() (*http.Response, error) {
		_, refresh = f.signIn(id)
		f.Delete("/dev/requests")
		res, err := f.HTTP.Do(f.Request("POST", "/cli/oauth/token", "application/x-www-form-urlencoded", refreshForm(id, refresh).Encode()))
		if err == nil {
			t.Cleanup(func() { _ = res.Body.Close() })
		}
		return res, err
	}
	isUsed := func() bool { return f.refresh(id, refresh).Status != http.StatusOK }

	f.plan(`{"path": "/cli/oauth/token", "grantType": "refresh_token", "cut": "before"}`)
	if res, err := send(); err == nil {
		t.Errorf("cut before: got %v, want no answer", res)
	}
	if got := f.received(); len(got) != 1 || got[0]["status"] != 0.0 {
		t.Errorf("cut before: listed as %v, want status 0", got)
	}
	if isUsed() {
		t.Error("cut before: the refresh token is used, want unused")
	}
	f.plan(`{"path": "/cli/oauth/token", "grantType": "refresh_token", "cut": "after"}`)
	if res, err := send(); err == nil || !isUsed() {
		t.Errorf("cut after: got %v, want no answer and a used refresh token", res)
	}
	for _, tt := range []struct{ name, bytes, body string }{
		{"header only", "0", ""},
		{"a part", "10", `{"access_t`},
		{"all", "100000", `{"access_token"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.plan(`{"path": "/cli/oauth/token", "grantType": "refresh_token", "cut": "body", "cutAfterBytes": ` + tt.bytes + `}`)
			res, err := send()
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if !errors.Is(err, io.ErrUnexpectedEOF) || res.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), tt.body) ||
				len(tt.body) < 15 && string(body) != tt.body {
				t.Errorf("got %d %q, %v; want 200 %q and an unexpected end", res.StatusCode, body, err, tt.body)
			}
			if !isUsed() {
				t.Error("the refresh token is unused, want used")
			}
		})
	}
}

func TestClockMoves(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{AutoApprove: true})
	id := f.register()
	access, refresh := f.signIn(id)
	want := map[string]any{"now": "2026-03-31T11:00:00Z", "offset": "719h0m0s"}
	if got := f.Post("/dev/clock", `{"advance": "719h"}`).Object()["data"]; !reflect.DeepEqual(got, want) {
		t.Errorf("clock: got %v, want %v", got, want)
	}
	if got, want := f.Get("/device").Header.Get("Date"), "Tue, 31 Mar 2026 11:00:00 GMT"; got != want {
		t.Errorf("Date: got %q, want %q", got, want)
	}
	if f.isAccepted(access) {
		t.Error("the expired access token is accepted")
	}
	_, refresh = f.tokens(refreshForm(id, refresh))
	f.Post("/dev/clock", `{"advance": "720h"}`)
	if got := f.refresh(id, refresh).Want(http.StatusBadRequest).Object()["error"]; got != "invalid_grant" {
		t.Errorf("refresh with an expired token: got %v, want invalid_grant", got)
	}
	if got, want := f.Get("/dev/clock").Object()["data"].(map[string]any)["offset"], "1439h0m0s"; got != want {
		t.Errorf("offset: got %v, want %v", got, want)
	}
	for range 9 {
		f.Post("/dev/clock", `{"advance": "87600h"}`)
	}
	f.Post("/dev/clock", `{"advance": "87600h"}`).Want(http.StatusBadRequest) // more than a hundred years
}

func TestClockEndsTheWaitsOfApps(t *testing.T) {
	t.Parallel()
	f := newRig(t, Options{RateLimit: -1})
	key, _, err := f.s.NewAPIKey("test")
	if err != nil {
		t.Fatal(err)
	}
	f.Header.Set("X-Api-Key", key)
	get := func(path string) api.Run { return wiretest.Data[api.Run](f.Get(path).Want(http.StatusOK)) }
	started := f.Post("/v1/apps/countdown/runs", `{"inputs": {"seconds": "600"}}`).Want(http.StatusAccepted)
	path := "/v1/runs/" + wiretest.Data[api.RunStarted](started).RunID
	f.Await("the run to be running", func() bool { return get(path).Status == api.Running })
	f.Post("/dev/clock", `{"advance": "10m"}`).Want(http.StatusOK)
	f.Await("the end of the run", func() bool { return get(path).Status == api.Completed })
}

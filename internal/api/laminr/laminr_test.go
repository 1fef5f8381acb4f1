package laminr_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/laminr"
)

const key = "sk_live_abc123xyz789"

// withKey adds the key to requests, as the client's transport does.
type withKey struct{}

func (withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Api-Key", key)
	return http.DefaultTransport.RoundTrip(r)
}

// serve returns a client of a server, without pauses.
func serve(t *testing.T, h http.HandlerFunc) *laminr.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		h(w, r)
	}))
	t.Cleanup(server.Close)
	return &laminr.Client{API: &api.Client{BaseURL: server.URL, HTTP: &http.Client{Transport: withKey{}}}}
}

func TestFilesInEveryLikelyShape(t *testing.T) {
	t.Parallel()
	for shape, want := range map[string][]laminr.File{
		`[]`:            {},
		`{"files": []}`: {},
		`{"data": [{"uri": "tenants/1/files/2-3-a", "file_name": "a.pdf", "content_type": "application/pdf", "size": 7, "created_at": "2026-01-01"}]}`: {
			{URI: "tenants/1/files/2-3-a", Name: "a.pdf", ContentType: "application/pdf", Size: 7, CreatedAt: "2026-01-01"},
		},
		`[{"id": "f1", "name": "b", "size": -1, "other": {}}, {"id": 7}]`: {{URI: "f1", Name: "b", Size: -1}, {Size: -1}},
	} {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.URL.Path != "/v1/files" || r.Header.Get("X-Api-Key") != key {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			_, _ = io.WriteString(w, shape)
		})
		files, err := client.Files(t.Context())
		if err != nil || !reflect.DeepEqual(files.Items, want) || string(files.Raw) != shape {
			t.Errorf("%s: %+v, %v", shape, files, err)
		}
	}
	for _, shape := range []string{`null`, `{}`, `7`, `{"files": {}}`, `[1]`} {
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, shape) })
		var unexpected *api.UnexpectedError
		if _, err := client.Files(t.Context()); !errors.As(err, &unexpected) {
			t.Errorf("%s: %v", shape, err)
		}
	}
}

// TestEitherPrefixWill: the documentation has two.
func TestEitherPrefixWill(t *testing.T) {
	t.Parallel()
	for prefix, missing := range map[string]int{"/v1": http.StatusNotFound, "/api/v1": http.StatusMethodNotAllowed} {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != prefix+"/files" {
				w.WriteHeader(missing)
				return
			}
			if r.Method == http.MethodPost {
				_, _ = io.WriteString(w, `{"upload_url": "https://storage.example/x", "uri": "tenants/1/files/2-3-a"}`)
				return
			}
			_, _ = io.WriteString(w, `[]`)
		})
		if _, err := client.Files(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := client.Ticket(t.Context(), "a.pdf"); err != nil {
			t.Error(err)
		}
	}
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	var refused *api.Error
	if _, err := client.Files(t.Context()); !errors.As(err, &refused) || refused.Path != "/v1/files" {
		t.Errorf("%v", err)
	}
}

func TestTicket(t *testing.T) {
	t.Parallel()
	for shape, good := range map[string]bool{
		`{"upload_url": "https://storage.example/x?sig=1", "uri": "tenants/1/files/2-3-a"}`:           true,
		`{"data": {"upload_url": "https://storage.example/x?sig=1", "uri": "tenants/1/files/2-3-a"}}`: true,
		`{"upload_url": "http://127.0.0.1:9/x", "uri": "u"}`:                                          true,
		`{"upload_url": "http://storage.example/x", "uri": "u"}`:                                      false, // in the clear
		`{"upload_url": "https://user:pw@storage.example/x", "uri": "u"}`:                             false,
		`{"upload_url": "file:///etc/passwd", "uri": "u"}`:                                            false,
		`{"upload_url": "/x", "uri": "u"}`:                                                            false,
		`{"upload_url": "https://storage.example/x"}`:                                                 false,
		`{"uri": "u"}`: false,
		`[]`:           false,
	} {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if raw, _ := io.ReadAll(r.Body); string(raw) != `{"file_name":"a.pdf"}` || r.URL.Path != "/api/v1/files" {
				t.Errorf("%s %s", r.URL, raw)
			}
			_, _ = io.WriteString(w, shape)
		})
		ticket, err := client.Ticket(t.Context(), "a.pdf")
		var unexpected *api.UnexpectedError
		if good != (err == nil) || !good && !errors.As(err, &unexpected) {
			t.Errorf("%s: %+v, %v", shape, ticket, err)
		}
		if err != nil && strings.Contains(err.Error(), "sig=") {
			t.Errorf("the error shows the address: %v", err)
		}
	}
}

// upload puts five bytes.
func upload(t *testing.T, client *laminr.Client, address string) (sent int64, err error) {
	t.Helper()
	var last atomic.Int64
	err = client.Put(t.Context(), &laminr.Ticket{UploadURL: address, URI: "u"}, &laminr.File{Name: "a.pdf", ContentType: "application/pdf", Size: 5},
		func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("bytes and more")), nil }, last.Store)
	return last.Load(), err
}

// TestPutTakesNoKeyAlong: the bytes go without what the API's transport adds, as they are, and again after a failure.
func TestPutTakesNoKeyAlong(t *testing.T) {
	t.Parallel()
	tried := 0
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPut || string(raw) != "bytes" || r.ContentLength != 5 || r.Header.Get("Content-Type") != "application/pdf" {
			t.Errorf("%s %q %v", r.Method, raw, r.Header)
		}
		for name, values := range r.Header {
			if name == "X-Api-Key" || name == "Authorization" || strings.Contains(fmt.Sprint(values), key) {
				t.Errorf("the storage sees %s: %s", name, values)
			}
		}
		if tried++; tried == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(storage.Close)
	client := serve(t, http.NotFound)
	sent, err := upload(t, client, storage.URL+"/x?sig=1")
	if err != nil || sent != 5 || tried != 2 {
		t.Errorf("%v, %d bytes, %d tries", err, sent, tried)
	}
}

func TestPutIsRefused(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>`: "Request has expired",
		`<Error><Code>AccessDenied</Code></Error>`:                                                            "AccessDenied",
		`<html><body>no</body></html>`:                                                                        "Forbidden",
		``:                                                                                                    "Forbidden",
	} {
		storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, body)
		}))
		_, err := upload(t, serve(t, http.NotFound), storage.URL+"/x?sig=1")
		storage.Close()
		var refused *laminr.StorageError
		if !errors.As(err, &refused) || refused.Message != want || !refused.Expired() || strings.Contains(err.Error(), "sig=") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestPutFollowsNoRedirect: a presigned address is for one place.
func TestPutFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the bytes went elsewhere") }))
	t.Cleanup(elsewhere.Close)
	storage := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	t.Cleanup(storage.Close)
	var refused *laminr.StorageError
	if _, err := upload(t, serve(t, http.NotFound), storage.URL); !errors.As(err, &refused) || refused.Status != 302 {
		t.Error(err)
	}
}

func TestPutThatStandsStillIsGivenUp(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	storage := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ended }))
	t.Cleanup(storage.Close)
	defer close(ended)
	client := serve(t, http.NotFound)
	client.Patience = 20 * time.Millisecond
	_, err := upload(t, client, storage.URL+"/x?sig=1")
	var lost *api.UnreachableError
	if !errors.As(err, &lost) || lost.Kind != api.Timeout || lost.BaseURL != storage.URL {
		t.Error(err)
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	pdf, png, jpeg := "%PDF-1.7\n", "\x89PNG\r\n\x1a\n\x00", "\xff\xd8\xff\xe0"
	for _, tt := range []struct {
		path, content string
		size          int64
		want          string // the type, or a part of the problem
	}{
		{"dir/stub.pdf", pdf, 9, "application/pdf"},
		{"stub.PDF", "\n\n" + pdf, 11, "application/pdf"},
		{"scan.png", png, 9, "image/png"},
		{"scan.jpg", jpeg, 4, "image/jpeg"},
		{"scan.JPEG", jpeg, laminr.MaxFile, "image/jpeg"},
		{"scan.jpeg", jpeg, laminr.MaxFile + 1, "has 1073741825 bytes; Laminr takes at most 1 GB"},
		{"none.pdf", "", 0, "is empty"},
		{"scan.png", pdf, 9, "is a PDF, so its name must end in .pdf"},
		{"scan.pdf", jpeg, 9, "is a JPEG, so its name must end in .jpg or .jpeg"},
		{"scan", png, 9, "so its name must end in .png"},
		{"stub.docx", "PK\x03\x04", 4, "is none of the types"},
		{"stub.pdf", "<html>", 6, "is named like a PDF, but its content is of another type"},
	} {
		f, err := laminr.Inspect(tt.path, tt.size, strings.NewReader(tt.content))
		var bad *laminr.FileError
		switch {
		case err == nil && (f.ContentType != tt.want || f.Size != tt.size || strings.Contains(f.Name, "/")):
			t.Errorf("%s: %+v", tt.path, f)
		case err != nil && (!errors.As(err, &bad) || !strings.Contains(err.Error(), tt.path+" ") || !strings.Contains(bad.Problem, tt.want)):
			t.Errorf("%s: %v", tt.path, err)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"files": [{"uri": "u", "size": 1}]}`))
	f.Add([]byte(`{"data": {"upload_url": "https://a.example/", "uri": "u"}}`))
	f.Add([]byte(`[{"size": 1e99}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, bytes.NewReader(body)) })
		if files, err := client.Files(t.Context()); err == nil {
			for _, file := range files.Items {
				if file.Size < -1 {
					t.Errorf("%+v", file)
				}
			}
		}
		if ticket, err := client.Ticket(t.Context(), "a.pdf"); err == nil && (ticket.URI == "" || !strings.HasPrefix(ticket.UploadURL, "http")) {
			t.Errorf("%+v", ticket)
		}
	})
}

func FuzzInspect(f *testing.F) {
	f.Add("a.pdf", []byte("%PDF-1.7"))
	f.Add("..", []byte("\xff\xd8\xff"))
	f.Fuzz(func(t *testing.T, path string, content []byte) {
		if file, err := laminr.Inspect(path, int64(len(content)), bytes.NewReader(content)); err == nil && (file.ContentType == "" || file.Name == "") {
			t.Errorf("%+v", file)
		}
	})
}

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

// withKey adds the key to requests, as the transport of commands does.
type withKey struct{}

func (withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Api-Key", key)
	return http.DefaultTransport.RoundTrip(r)
}

// serve returns a client of a server.
func serve(t *testing.T, h http.HandlerFunc) *laminr.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		h(w, r)
	}))
	t.Cleanup(server.Close)
	return &laminr.Client{API: &api.Client{BaseURL: server.URL, HTTP: &http.Client{Transport: withKey{}}}}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       []laminr.File
	}{
		{"bare, empty", `[]`, []laminr.File{}},
		{"in files, empty", `{"files": []}`, []laminr.File{}},
		{
			"in data", `{"data": [{"uri": "tenants/1/files/2-3-a", "file_name": "a.pdf", "content_type": "application/pdf", "size": 7, "created_at": "2026-01-01"}]}`,
			[]laminr.File{{URI: "tenants/1/files/2-3-a", Name: "a.pdf", ContentType: "application/pdf", Size: 7, CreatedAt: "2026-01-01"}},
		},
		{"other fields and types", `[{"id": "f1", "name": "b", "size": -1, "other": {}}, {"id": 7}]`, []laminr.File{{URI: "f1", Name: "b", Size: -1}, {URI: "7", Size: -1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.URL.Path != "/v1/files" || r.Header.Get("X-Api-Key") != key {
					t.Errorf("got %s %s, want GET /v1/files with the key", r.Method, r.URL)
				}
				_, _ = io.WriteString(w, tt.body)
			})
			files, err := client.Files(t.Context())
			if err != nil || !reflect.DeepEqual(files.Items, tt.want) || string(files.Raw) != tt.body {
				t.Errorf("got %+v, %v, want %+v", files, err, tt.want)
			}
		})
	}
}

func TestUnexpectedFiles(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`null`, `{}`, `7`, `{"files": {}}`} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			var unexpected *api.UnexpectedError
			if _, err := client.Files(t.Context()); !errors.As(err, &unexpected) {
				t.Errorf("got %v, want an UnexpectedError", err)
			}
		})
	}
}

// TestPaths: both documented paths are used, one after the other.
func TestPaths(t *testing.T) {
	t.Parallel()
	tests := []struct {
		prefix string
		status int // of the other path
	}{{"/v1", http.StatusNotFound}, {"/api/v1", http.StatusMethodNotAllowed}}
	for _, tt := range tests {
		t.Run(tt.prefix, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path != tt.prefix+"/files":
					w.WriteHeader(tt.status)
				case r.Method == http.MethodPost:
					_, _ = io.WriteString(w, `{"upload_url": "https://storage.example/x", "uri": "tenants/1/files/2-3-a"}`)
				default:
					_, _ = io.WriteString(w, `[]`)
				}
			})
			if _, err := client.Files(t.Context()); err != nil {
				t.Errorf("files: got %v, want no error", err)
			}
			if _, err := client.Ticket(t.Context(), "a.pdf"); err != nil {
				t.Errorf("ticket: got %v, want no error", err)
			}
		})
	}
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	var refused *api.Error
	if _, err := client.Files(t.Context()); !errors.As(err, &refused) || refused.Path != "/v1/files" {
		t.Errorf("got %v, want the error of /v1/files", err)
	}
}

func TestTicket(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		wantOK     bool
	}{
		{"bare", `{"upload_url": "https://storage.example/x?sig=1", "uri": "tenants/1/files/2-3-a"}`, true},
		{"in data", `{"data": {"upload_url": "https://storage.example/x?sig=1", "uri": "tenants/1/files/2-3-a"}}`, true},
		{"http to this machine", `{"upload_url": "http://127.0.0.1:9/x", "uri": "u"}`, true},
		{"http", `{"upload_url": "http://storage.example/x", "uri": "u"}`, false},
		{"password", `{"upload_url": "https://user:pw@storage.example/x", "uri": "u"}`, false},
		{"file URL", `{"upload_url": "file:///etc/passwd", "uri": "u"}`, false},
		{"path", `{"upload_url": "/x", "uri": "u"}`, false},
		{"no URI", `{"upload_url": "https://storage.example/x?sig=1"}`, false},
		{"no URL", `{"uri": "u"}`, false},
		{"list", `[]`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if raw, _ := io.ReadAll(r.Body); string(raw) != `{"file_name":"a.pdf"}` || r.URL.Path != "/api/v1/files" {
					t.Errorf("got %s with %s, want /api/v1/files with the name", r.URL, raw)
				}
				_, _ = io.WriteString(w, tt.body)
			})
			ticket, err := client.Ticket(t.Context(), "a.pdf")
			var unexpected *api.UnexpectedError
			if tt.wantOK != (err == nil) || !tt.wantOK && !errors.As(err, &unexpected) {
				t.Errorf("got %+v, %v, want a ticket: %t", ticket, err, tt.wantOK)
			}
			if err != nil && strings.Contains(err.Error(), "sig=") {
				t.Errorf("got the signature in %v", err)
			}
		})
	}
}

// upload uploads five bytes.
func upload(t *testing.T, client *laminr.Client, address string) (sent int64, err error) {
	t.Helper()
	var last atomic.Int64
	err = client.Put(t.Context(), &laminr.Ticket{UploadURL: address, URI: "u"}, &laminr.File{Name: "a.pdf", ContentType: "application/pdf", Size: 5},
		func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("bytes and more")), nil }, last.Store)
	return last.Load(), err
}

// TestPut: an upload has no credential, and is repeated after a transient failure.
func TestPut(t *testing.T) {
	t.Parallel()
	for _, status := range []int{408, 425, 429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			testPut(t, status)
		})
	}
}

// testPut uploads a file to a storage that answers the first attempt with a status that passes.
func testPut(t *testing.T, status int) {
	t.Helper()
	attempts := 0
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPut || string(raw) != "bytes" || r.ContentLength != 5 || r.Header.Get("Content-Type") != "application/pdf" {
			t.Errorf("got %s with %q and %v, want PUT with bytes", r.Method, raw, r.Header)
		}
		for name, values := range r.Header {
			if name == "X-Api-Key" || name == "Authorization" || strings.Contains(fmt.Sprint(values), key) {
				t.Errorf("got the header %s: %s, want no credential", name, values)
			}
		}
		if attempts++; attempts == 1 {
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(storage.Close)
	client := serve(t, http.NotFound)
	sent, err := upload(t, client, storage.URL+"/x?sig=1")
	if err != nil || sent != 5 || attempts != 2 {
		t.Errorf("got %v after %d attempts and %d bytes, want 2 and 5", err, attempts, sent)
	}
}

func TestPutRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"message", `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>`, "Request has expired"},
		{"code alone", `<Error><Code>AccessDenied</Code></Error>`, "AccessDenied"},
		{"web page", `<html><body>no</body></html>`, "Forbidden"},
		{"empty", ``, "Forbidden"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, tt.body)
			}))
			t.Cleanup(storage.Close)
			_, err := upload(t, serve(t, http.NotFound), storage.URL+"/x?sig=1")
			var refused *laminr.StorageError
			if !errors.As(err, &refused) || refused.Message != tt.want || refused.Status != http.StatusForbidden || strings.Contains(err.Error(), "sig=") {
				t.Errorf("got %v, want a StorageError with %q and no query", err, tt.want)
			}
		})
	}
}

// TestPutRedirect: a redirect is not followed, because a presigned URL is for one host.
func TestPutRedirect(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("got an upload to another host") }))
	t.Cleanup(elsewhere.Close)
	storage := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	t.Cleanup(storage.Close)
	var refused *laminr.StorageError
	if _, err := upload(t, serve(t, http.NotFound), storage.URL); !errors.As(err, &refused) || refused.Status != 302 {
		t.Errorf("got %v, want status 302", err)
	}
}

func TestPutStalled(t *testing.T) {
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
		t.Errorf("got %v, want a timeout of %s", err, storage.URL)
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	pdf, png, jpeg := "%PDF-1.7\n", "\x89PNG\r\n\x1a\n\x00", "\xff\xd8\xff\xe0"
	tests := []struct {
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
	}
	for _, tt := range tests {
		t.Run(tt.path+" "+tt.want, func(t *testing.T) {
			t.Parallel()
			f, err := laminr.Inspect(tt.path, tt.size, strings.NewReader(tt.content))
			var refused *laminr.FileError
			switch {
			case err == nil && (f.ContentType != tt.want || f.Size != tt.size || strings.Contains(f.Name, "/")):
				t.Errorf("got %+v, want %s", f, tt.want)
			case err != nil && (!errors.As(err, &refused) || !strings.Contains(err.Error(), tt.path+" ") || !strings.Contains(refused.Problem, tt.want)):
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func FuzzResponses(f *testing.F) {
	f.Add([]byte(`{"files": [{"uri": "u", "size": 1}]}`))
	f.Add([]byte(`{"data": {"upload_url": "https://a.example/", "uri": "u"}}`))
	f.Add([]byte(`[{"size": 1e99}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, bytes.NewReader(body)) })
		if files, err := client.Files(t.Context()); err == nil {
			for _, file := range files.Items {
				if file.Size < -1 {
					t.Errorf("got %+v, want a size of at least -1", file)
				}
			}
		}
		if ticket, err := client.Ticket(t.Context(), "a.pdf"); err == nil && (ticket.URI == "" || !strings.HasPrefix(ticket.UploadURL, "http")) {
			t.Errorf("got %+v, want a URI and a URL", ticket)
		}
	})
}

func FuzzInspect(f *testing.F) {
	f.Add("a.pdf", []byte("%PDF-1.7"))
	f.Add("..", []byte("\xff\xd8\xff"))
	f.Fuzz(func(t *testing.T, path string, content []byte) {
		if file, err := laminr.Inspect(path, int64(len(content)), bytes.NewReader(content)); err == nil && (file.ContentType == "" || file.Name == "") {
			t.Errorf("got %+v, want a name and a type", file)
		}
	})
}

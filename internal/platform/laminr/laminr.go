// Package laminr serves the documented part of Laminr, a document service: the upload and the list of files.
package laminr

import (
	"net/http"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// Service is the name of the service in the platform.
const Service = "laminr"

// Buckets of Laminr.
const (
	bucketTenants = "laminr-tenants" // tenant → number of the tenant
	bucketFiles   = "laminr-files"   // uri → file; the files of a tenant sort by creation
)

// A file is the description of an uploaded file. The bytes are not stored, because no documented address returns them.
type file struct {
	URI         string     `json:"uri"`
	Tenant      string     `json:"tenant"`
	FileName    string     `json:"fileName"`
	ContentType string     `json:"contentType"`
	Size        int64      `json:"size"`
	SHA256      string     `json:"sha256"`
	CreatedAt   time.Time  `json:"createdAt"`
	UploadedAt  *time.Time `json:"uploadedAt,omitempty"` // nil until the upload has finished
}

// A refusal is an error in the form of Laminr. Only 401 and 403 are documented; the others use the same form.
type refusal struct {
	status        int
	code, message string
}

func (e *refusal) Error() string { return e.code + ": " + e.message }

func invalid(message string) error {
	return &refusal{http.StatusBadRequest, "invalid_request", message}
}

func (e *refusal) write(w http.ResponseWriter) {
	wire.WriteJSON(w, e.status, map[string]any{"error": map[string]string{"code": e.code, "message": e.message}})
}

// KeyType describes the keys of Laminr.
func KeyType() wire.KeyType {
	return wire.KeyType{
		Service: Service, Title: "Laminr", Prefixes: map[string]string{"live": "sk_live_", "test": "sk_test_"}, Class: "live",
		OwnerIs: "tenant", Owner: "tenant_sample",
	}
}

type server struct{ wire.Deps }

// New returns Laminr below /laminr, and its storage below /laminr-storage. The documentation of Laminr names both
// prefixes of the API.
func New(deps wire.Deps) http.Handler {
	s := &server{deps}
	mux := http.NewServeMux()
	for _, prefix := range []string{"/laminr/v1", "/laminr/api/v1"} {
		mux.HandleFunc("GET "+prefix+"/files", s.authorized(s.listFiles))
		mux.HandleFunc("POST "+prefix+"/files", s.authorized(s.createUpload))
		mux.HandleFunc(prefix+"/files", s.authorized(func(http.ResponseWriter, *http.Request, wire.Key) error {
			return &refusal{http.StatusMethodNotAllowed, "method_not_allowed", "This address takes GET and POST"}
		}))
	}
	mux.HandleFunc("/laminr/", s.authorized(func(http.ResponseWriter, *http.Request, wire.Key) error {
		return &refusal{http.StatusNotFound, "not_found", "There is nothing at this address"}
	}))
	mux.HandleFunc(storagePath+"{object...}", s.putObject)
	return mux
}

// authorized returns a handler that checks the key of a request before it runs h.
func (s *server) authorized(h func(w http.ResponseWriter, r *http.Request, key wire.Key) error) http.HandlerFunc {
	return wire.Answer(s.Log, func(w http.ResponseWriter, r *http.Request) error {
		key, ok := s.Keys.Find(Service, r.Header.Get("X-Api-Key"))
		switch {
		case !ok || key.RevokedAt != nil:
			return &refusal{http.StatusUnauthorized, "unauthorized", "Invalid or missing API key"}
		case key.Class != "live":
			return &refusal{http.StatusForbidden, "forbidden", "Insufficient permissions for this resource"}
		}
		return h(w, r, key)
	}, &refusal{http.StatusInternalServerError, "internal_error", wire.InternalMessage},
		func(w http.ResponseWriter, _ *http.Request, e *refusal) { e.write(w) })
}

// listFiles answers GET /files, newest first. Laminr does not document the reply: this form is an assumption.
func (s *server) listFiles(w http.ResponseWriter, _ *http.Request, key wire.Key) error {
	var files []file
	s.Store.View(func(tx *wire.Tx) { files = wire.List[file](tx, bucketFiles) })
	entries := []map[string]any{}
	for _, f := range slices.Backward(files) {
		if f.Tenant != key.Owner || f.UploadedAt == nil {
			continue
		}
		entries = append(entries, map[string]any{
			"uri": f.URI, "file_name": f.FileName, "content_type": f.ContentType, "size": f.Size, "created_at": f.UploadedAt,
		})
	}
	wire.WriteJSON(w, http.StatusOK, map[string]any{"files": entries})
	return nil
}

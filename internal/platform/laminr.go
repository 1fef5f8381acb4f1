package platform

import (
	"errors"
	"net/http"
	"slices"
	"time"
)

// Buckets of Laminr.
const (
	bucketLaminrTenants = "laminr-tenants" // tenant → its number
	bucketLaminrFiles   = "laminr-files"   // uri → laminrFile; those of a tenant are in the order in which they were made
)

// A laminrFile is what is kept of a file: not the bytes, because no documented address gives them back.
type laminrFile struct {
	URI         string     `json:"uri"`
	Tenant      string     `json:"tenant"`
	FileName    string     `json:"fileName"`
	ContentType string     `json:"contentType"`
	Size        int64      `json:"size"`
	SHA256      string     `json:"sha256"`
	CreatedAt   time.Time  `json:"createdAt"`
	UploadedAt  *time.Time `json:"uploadedAt,omitempty"` // nil until the bytes are there
}

// laminrTypes are the kinds of file that Laminr reads, by extension.
var laminrTypes = map[string]string{"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg"}

// A laminrError is a refusal, as Laminr tells it. Only 401 and 403 are documented; the others have the same envelope.
type laminrError struct {
	status        int
	code, message string
}

func (e *laminrError) Error() string { return e.code + ": " + e.message }

func laminrInvalid(message string) error {
	return &laminrError{http.StatusBadRequest, "invalid_request", message}
}

// routeLaminr adds Laminr below /laminr. Its documentation has both prefixes.
func (s *Server) routeLaminr(mux *http.ServeMux) {
	for _, prefix := range []string{"/laminr/v1", "/laminr/api/v1"} {
		mux.HandleFunc("GET "+prefix+"/files", s.laminr(s.listLaminrFiles))
		mux.HandleFunc("POST "+prefix+"/files", s.laminr(s.createLaminrUpload))
		mux.HandleFunc(prefix+"/files", s.laminr(func(http.ResponseWriter, *http.Request, serviceKey) error {
			return &laminrError{http.StatusMethodNotAllowed, "method_not_allowed", "This address takes GET and POST"}
		}))
	}
	mux.HandleFunc("/laminr/", s.laminr(func(http.ResponseWriter, *http.Request, serviceKey) error {
		return &laminrError{http.StatusNotFound, "not_found", "There is nothing at this address"}
	}))
	mux.HandleFunc(laminrStorage+"{object...}", s.putLaminrObject)
}

// laminr wraps a handler: the key, its class, then the work. A failure becomes the envelope.
func (s *Server) laminr(h func(w http.ResponseWriter, r *http.Request, key serviceKey) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, ok := s.serviceKeyOf(serviceLaminr, r.Header.Get("X-Api-Key"))
		var err error
		switch {
		case !ok || key.RevokedAt != nil:
			err = &laminrError{http.StatusUnauthorized, "unauthorized", "Invalid or missing API key"}
		case key.Class != "live":
			err = &laminrError{http.StatusForbidden, "forbidden", "Insufficient permissions for this resource"}
		default:
			err = h(w, r, key)
		}
		var refused *laminrError
		switch {
		case err == nil:
			return
		case !errors.As(err, &refused):
			s.log.Error("request failed", "request", requestID(r.Context()), "error", err)
			refused = &laminrError{http.StatusInternalServerError, "internal_error", "Something went wrong on the server"}
		}
		writeJSON(w, refused.status, map[string]any{"error": map[string]string{"code": refused.code, "message": refused.message}})
	}
}

// listLaminrFiles answers GET /files. The shape is not documented: this is the likeliest one.
func (s *Server) listLaminrFiles(w http.ResponseWriter, _ *http.Request, key serviceKey) error {
	var files []laminrFile
	s.store.view(func(tx *tx) { files = list[laminrFile](tx, bucketLaminrFiles) })
	entries := []map[string]any{}
	for _, f := range slices.Backward(files) { // the newest first
		if f.Tenant != key.Owner || f.UploadedAt == nil {
			continue
		}
		entries = append(entries, map[string]any{
			"uri": f.URI, "file_name": f.FileName, "content_type": f.ContentType, "size": f.Size, "created_at": f.UploadedAt,
		})
	}
	writeJSON(w, http.StatusOK, map[string]any{"files": entries})
	return nil
}

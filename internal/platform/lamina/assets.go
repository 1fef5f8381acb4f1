package lamina

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/wire"
)

const bucketAssets = "assets" // asset id → asset

// An asset is a file or a text of a run, or an uploaded file. Its id is random, because the address of a file needs no
// credential.
type asset struct {
	ID          string           `json:"id"`
	Order       string           `json:"order"`
	WorkspaceID string           `json:"workspaceId"`
	RunID       string           `json:"runId,omitempty"`
	Label       string           `json:"label,omitempty"`
	OutputType  string           `json:"outputType"`
	MimeType    string           `json:"mimeType"`
	Filename    string           `json:"filename,omitempty"`
	Text        *string          `json:"text,omitempty"`
	File        *wire.StoredFile `json:"file,omitempty"` // nil until it is uploaded
	CreatedAt   time.Time        `json:"createdAt"`
}

// fileTypes are the file types that are served with their own content type, by extension.
var fileTypes = map[string]string{
	"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
	"avif": "image/avif", "heic": "image/heic", "bmp": "image/bmp", "tiff": "image/tiff",
	"mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "mkv": "video/x-matroska",
	"mp3": "audio/mpeg", "wav": "audio/wav", "m4a": "audio/mp4", "ogg": "audio/ogg", "flac": "audio/flac", "aac": "audio/aac",
}

const unknownType = "application/octet-stream"

// extension returns the extension of a content type, without the dot.
func extension(mimeType string) string {
	if mimeType == "image/jpeg" {
		return "jpg"
	}
	for ext, t := range fileTypes {
		if t == mimeType {
			return ext
		}
	}
	return "bin"
}

func (a asset) name() string { return a.ID + "." + extension(a.MimeType) }

func (s *Server) assetURL(a asset) string { return s.BaseURL + "/media/" + a.name() }

// assetValue returns the value of an output: a text, or the address of a file.
func (s *Server) assetValue(a asset) string {
	if a.Text != nil {
		return *a.Text
	}
	return s.assetURL(a)
}

func newAssetID() string { return hex.EncodeToString(wire.RandomBytes(16)) }

// storeResult stores the file of a result and returns its asset, which is not stored yet.
func (s *Server) storeResult(r run, o apps.Output, res apps.Result) (asset, error) {
	a := asset{
		ID: newAssetID(), WorkspaceID: r.WorkspaceID, RunID: r.RunID, Label: o.Label, OutputType: o.Type,
		MimeType: o.MimeType, CreatedAt: s.Clock.Now(),
	}
	if res.Bytes == nil {
		a.Text = &res.Text
		return a, nil
	}
	file, err := s.files.Write(bytes.NewReader(res.Bytes), int64(len(res.Bytes)))
	if errors.Is(err, wire.ErrNoSpace) {
		return a, &apps.Error{Message: messageNoSpace}
	}
	a.File = &file
	return a, err
}

// maxFilesMemory is the size of all files together without a data file, in bytes.
const maxFilesMemory = 1 << 30

// messageNoSpace is the error when the files in memory have reached their limit.
const messageNoSpace = "The local platform has no space for more files in memory: restart it, with --data FILE to keep them on disk"

// sweepFiles removes the files without an asset.
func (s *Server) sweepFiles() error {
	inUse := map[string]bool{}
	s.Store.View(func(tx *wire.Tx) {
		for _, a := range wire.List[asset](tx, bucketAssets) {
			if a.File != nil {
				inUse[a.File.ID] = true
			}
		}
	})
	return s.files.Sweep(inUse)
}

// addFileRoutes adds the addresses of files. As on a CDN, they need no credential and have no rate limit.
func (s *Server) addFileRoutes(mux *http.ServeMux) {
	for pattern, methods := range map[string]map[string]wire.Handler{
		"/media/{name}":          {"GET": s.serveAsset},
		"/media/uploads/{token}": {"PUT": s.putUpload},
		"/media/":                {"GET": func(http.ResponseWriter, *http.Request) error { return wire.NotFound("File not found") }},
	} {
		mux.HandleFunc(pattern, s.ByMethod(methods))
	}
}

// findFile returns the asset of a file name in an address, if it is uploaded.
func (s *Server) findFile(name string) (asset, bool) {
	id, _, _ := strings.Cut(name, ".")
	var a asset
	s.Store.View(func(tx *wire.Tx) { a, _ = wire.Get[asset](tx, bucketAssets, id) })
	return a, a.File != nil && a.name() == name
}

// serveAsset answers with the file of an asset. Clients upload files, so the headers forbid a browser to interpret a file as
// anything but its content type.
func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) error {
	a, ok := s.findFile(r.PathValue("name"))
	if !ok {
		return wire.NotFound("File not found")
	}
	disposition := "inline"
	if a.MimeType == unknownType {
		disposition = "attachment"
	}
	h := w.Header()
	h.Set("Content-Type", a.MimeType)
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": downloadName(a)}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "public, max-age=60")
	h.Set("ETag", `"`+a.File.Digest+`"`)
	http.ServeContent(w, r, "", a.CreatedAt, s.files.Open(*a.File))
	return nil
}

// downloadName returns the file name for a browser: the last element of the uploaded name.
func downloadName(a asset) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:"<>|?*`, r) {
			return '-'
		}
		return r
	}, wire.CleanText(path.Base(strings.ReplaceAll(a.Filename, `\`, "/")), 255))
	if strings.Trim(name, ".- ") == "" {
		return a.name()
	}
	return name
}

// An assetEntry is one entry of GET /v1/assets.
type assetEntry struct {
	ID          string    `json:"id"`
	RunID       *string   `json:"runId"`
	NodeLabel   *string   `json:"nodeLabel"`
	OutputType  string    `json:"outputType"`
	SourceURL   *string   `json:"sourceUrl"`
	CDNURL      *string   `json:"cdnUrl"`
	TextContent *string   `json:"textContent"`
	Status      string    `json:"status"`
	CreatedAt   time.Time `json:"createdAt"`
}

func (s *Server) listAssets(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	q := wire.NewQuery(r)
	outputType := q.Choice("outputType", "image", "video", "audio", "text")
	limit, offset := q.Number("limit", 25, 1, 100), q.Number("offset", 0, 0, 1<<31-1)
	if err := q.Err(); err != nil {
		return err
	}
	runID := r.URL.Query().Get("runId")
	var assets []asset
	s.Store.View(func(tx *wire.Tx) { assets = wire.List[asset](tx, bucketAssets) })
	assets = slices.DeleteFunc(assets, func(a asset) bool {
		return a.WorkspaceID != p.WorkspaceID || a.File == nil && a.Text == nil ||
			runID != "" && a.RunID != runID || outputType != "" && a.OutputType != outputType
	})
	slices.SortFunc(assets, func(a, b asset) int { return cmp.Compare(b.Order, a.Order) })
	entries := []assetEntry{}
	for _, a := range page(assets, limit, offset) {
		entries = append(entries, s.assetEntry(a))
	}
	writePage(w, entries, len(assets), limit, offset)
	return nil
}

func (s *Server) assetEntry(a asset) assetEntry {
	e := assetEntry{ID: a.ID, OutputType: a.OutputType, TextContent: a.Text, Status: "completed", CreatedAt: a.CreatedAt}
	if a.RunID != "" {
		e.RunID, e.NodeLabel = &a.RunID, &a.Label
	}
	if a.Text == nil {
		address := s.assetURL(a)
		e.SourceURL, e.CDNURL = &address, &address
	}
	return e
}

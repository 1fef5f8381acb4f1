package platform

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
)

const bucketAssets = "assets" // asset id → asset

// An asset is a file, made by a run or uploaded, or the text that a run made. Its id is not to be guessed: whoever has
// the address of the file may read it.
type asset struct {
	ID          string      `json:"id"`
	Order       string      `json:"order"`
	WorkspaceID string      `json:"workspaceId"`
	RunID       string      `json:"runId,omitempty"`
	Label       string      `json:"label,omitempty"`
	OutputType  string      `json:"outputType"`
	MimeType    string      `json:"mimeType"`
	Filename    string      `json:"filename,omitempty"`
	Text        *string     `json:"text,omitempty"`
	File        *storedFile `json:"file,omitempty"` // nil until the bytes are there
	CreatedAt   time.Time   `json:"createdAt"`
}

// fileTypes are the kinds of file that are served as what they are, by extension.
var fileTypes = map[string]string{
	"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
	"avif": "image/avif", "heic": "image/heic", "bmp": "image/bmp", "tiff": "image/tiff",
	"mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "mkv": "video/x-matroska",
	"mp3": "audio/mpeg", "wav": "audio/wav", "m4a": "audio/mp4", "ogg": "audio/ogg", "flac": "audio/flac", "aac": "audio/aac",
}

const unknownType = "application/octet-stream"

// extension is how the address of a file with a media type ends, without the dot.
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

func (s *Server) assetURL(a asset) string { return s.opts.BaseURL + "/media/" + a.name() }

// assetValue is what an output says: the text itself, or the address of the file.
func (s *Server) assetValue(a asset) string {
	if a.Text != nil {
		return *a.Text
	}
	return s.assetURL(a)
}

func newAssetID() string { return hex.EncodeToString(randomBytes(16)) }

// keepResult writes the file of a result, and returns its asset, which is not stored yet.
func (s *Server) keepResult(r run, o apps.Output, res apps.Result) (asset, error) {
	a := asset{
		ID: newAssetID(), WorkspaceID: r.WorkspaceID, RunID: r.RunID, Label: o.Label, OutputType: o.Type,
		MimeType: o.MimeType, CreatedAt: s.now(),
	}
	if res.Bytes == nil {
		a.Text = &res.Text
		return a, nil
	}
	file, err := s.media.write(bytes.NewReader(res.Bytes), int64(len(res.Bytes)))
	if errors.Is(err, errNoRoom) {
		return a, &apps.Error{Message: messageNoRoom}
	}
	a.File = &file
	return a, err
}

// messageNoRoom says what to do when memory is full of files.
const messageNoRoom = "The local platform has no room for more files in memory: restart it, with --data FILE to keep them on disk"

// sweepMedia forgets the files that no asset has.
func (s *Server) sweepMedia() error {
	live := map[string]bool{}
	s.store.view(func(tx *tx) {
		for _, a := range list[asset](tx, bucketAssets) {
			if a.File != nil {
				live[a.File.ID] = true
			}
		}
	})
	return s.media.sweep(live)
}

// routeMedia adds the addresses of files. They need no credential, like those of a CDN, and no rate limit counts them.
func (s *Server) routeMedia(mux *http.ServeMux) {
	for pattern, methods := range map[string]map[string]anonymous{
		"/media/{name}":          {"GET": s.serveAsset},
		"/media/uploads/{token}": {"PUT": s.putUpload},
		"/media/":                {"GET": func(http.ResponseWriter, *http.Request) error { return notFound("File not found") }},
	} {
		mux.HandleFunc(pattern, s.open(methods))
	}
}

// findFile returns the asset that the name in an address stands for, if its bytes are there.
func (s *Server) findFile(name string) (asset, bool) {
	id, _, _ := strings.Cut(name, ".")
	var a asset
	s.store.view(func(tx *tx) { a, _ = get[asset](tx, bucketAssets, id) })
	return a, a.File != nil && a.name() == name
}

// serveAsset sends the bytes of an asset. They may come from anybody, so a browser is told to take them as nothing but
// what they are called.
func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) error {
	a, ok := s.findFile(r.PathValue("name"))
	if !ok {
		return notFound("File not found")
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
	http.ServeContent(w, r, "", a.CreatedAt, s.media.open(*a.File))
	return nil
}

// downloadName is what a browser may call a file: the last part of the name it was uploaded under.
func downloadName(a asset) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:"<>|?*`, r) {
			return '-'
		}
		return r
	}, cleanText(path.Base(strings.ReplaceAll(a.Filename, `\`, "/")), 255))
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

func (s *Server) listAssets(w http.ResponseWriter, r *http.Request, p principal) error {
	q := &query{r: r}
	outputType := q.choice("outputType", "image", "video", "audio", "text")
	limit, offset := q.number("limit", 25, 1, 100), q.number("offset", 0, 0, 1<<31-1)
	if err := q.err(); err != nil {
		return err
	}
	runID := r.URL.Query().Get("runId")
	var assets []asset
	s.store.view(func(tx *tx) { assets = list[asset](tx, bucketAssets) })
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

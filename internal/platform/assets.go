package platform

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
)

// Buckets of files.
const (
	bucketAssets  = "assets"  // asset id → asset
	bucketUploads = "uploads" // digest of the upload's token → upload
)

const (
	maxUpload      = 256 << 20 // bytes of one upload
	maxUploadFiles = 50        // files in one request for upload addresses
	uploadLife     = 15 * time.Minute
)

// An asset is a file, made by a run or uploaded, or the text that a run made. Its id is not to be guessed: whoever has
// the address of the file may read it.
type asset struct {
	ID          string    `json:"id"`
	Order       string    `json:"order"`
	WorkspaceID string    `json:"workspaceId"`
	RunID       string    `json:"runId,omitempty"`
	Label       string    `json:"label,omitempty"`
	OutputType  string    `json:"outputType"`
	MimeType    string    `json:"mimeType"`
	Filename    string    `json:"filename,omitempty"`
	Text        *string   `json:"text,omitempty"`
	Size        int64     `json:"size,omitempty"`
	Digest      string    `json:"digest,omitempty"` // SHA-256; empty until the bytes are there
	CreatedAt   time.Time `json:"createdAt"`
}

// An upload is the right to put the bytes of an asset.
type upload struct {
	AssetID   string    `json:"assetId"`
	ExpiresAt time.Time `json:"expiresAt"`
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
	var err error
	a.Size, a.Digest, err = s.media.write(a.ID, bytes.NewReader(res.Bytes), int64(len(res.Bytes)))
	return a, err
}

func (s *Server) createUploads(w http.ResponseWriter, r *http.Request, p principal) error {
	var req api.UploadFiles
	if err := decodeBody(w, r, &req); err != nil {
		return err
	}
	assets, problems := s.plannedAssets(req.Files, p)
	if len(problems) > 0 {
		return invalid("Invalid files", problems...)
	}
	expires := s.now().Add(uploadLife)
	reply := api.UploadURLs{}
	err := s.store.update(func(tx *tx) error {
		s.forgetUploads(tx)
		for i, a := range assets {
			token := randomToken(32)
			a.Order = nextOrder(tx)
			put(tx, bucketUploads, s.digest(token), upload{AssetID: a.ID, ExpiresAt: expires})
			put(tx, bucketAssets, a.ID, a)
			reply.Uploads = append(reply.Uploads, api.Upload{
				Filename: req.Files[i].Filename, MediaType: a.OutputType, ContentTypeHint: a.MimeType,
				UploadURL: s.opts.BaseURL + "/media/uploads/" + token, AssetURL: s.assetURL(a), AssetID: &a.ID, ExpiresAt: &expires,
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return writeData(w, http.StatusOK, reply)
}

// plannedAssets checks a request for upload addresses.
func (s *Server) plannedAssets(files []api.UploadFile, p principal) ([]asset, []problem) {
	var assets []asset
	var problems []problem
	complain := func(field, message string, allowed ...string) {
		problems = append(problems, problem{Field: field, Message: message, Allowed: allowed})
	}
	if len(files) == 0 || len(files) > maxUploadFiles {
		complain("files", "must name 1 to 50 files")
		return nil, problems
	}
	for _, f := range files {
		if f.Filename == "" || len(f.Filename) > 255 {
			complain("filename", "must have 1 to 255 characters")
		}
		if !slices.Contains([]string{"image", "video", "audio"}, f.MediaType) {
			complain("mediaType", "is none of the known types", "image", "video", "audio")
			continue
		}
		mimeType := cmp.Or(fileTypes[strings.ToLower(strings.TrimPrefix(path.Ext(f.Filename), "."))], unknownType)
		if mimeType != unknownType && !strings.HasPrefix(mimeType, f.MediaType+"/") && mimeType != "video/webm" {
			complain("mediaType", "does not fit the name: a file like that is "+mimeType)
		}
		assets = append(assets, asset{
			ID: newAssetID(), WorkspaceID: p.WorkspaceID, OutputType: f.MediaType, MimeType: mimeType, Filename: f.Filename,
			CreatedAt: s.now(),
		})
	}
	return assets, problems
}

// forgetUploads removes the rights that have expired, and the assets whose bytes never came.
func (s *Server) forgetUploads(tx *tx) {
	for _, key := range tx.keys(bucketUploads) {
		u, _ := get[upload](tx, bucketUploads, key)
		if s.now().Before(u.ExpiresAt) {
			continue
		}
		tx.remove(bucketUploads, key)
		if a, _ := get[asset](tx, bucketAssets, u.AssetID); a.Digest == "" {
			tx.remove(bucketAssets, u.AssetID)
		}
	}
}

// routeMedia adds the addresses of files. They need no credential, like those of a CDN, and no rate limit counts them.
func (s *Server) routeMedia(mux *http.ServeMux) {
	type open = func(w http.ResponseWriter, r *http.Request) error
	for pattern, methods := range map[string]map[string]open{
		"/media/{name}":          {"GET": s.serveAsset},
		"/media/uploads/{token}": {"PUT": s.putUpload},
		"/media/":                {"GET": func(http.ResponseWriter, *http.Request) error { return notFound("File not found") }},
	} {
		mux.HandleFunc(pattern, s.answer(func(w http.ResponseWriter, r *http.Request) error {
			h, err := choose(w, r, methods)
			if err != nil {
				return err
			}
			return h(w, r)
		}))
	}
}

// putUpload takes the bytes of an asset from whoever has the address.
func (s *Server) putUpload(w http.ResponseWriter, r *http.Request) error {
	var u upload
	var a asset
	s.store.view(func(tx *tx) {
		u, _ = get[upload](tx, bucketUploads, s.digest(r.PathValue("token")))
		a, _ = get[asset](tx, bucketAssets, u.AssetID)
	})
	if a.ID == "" || !s.now().Before(u.ExpiresAt) {
		return &apiError{
			status: http.StatusForbidden, code: "FORBIDDEN", message: "This upload address is unknown or has expired: ask for a new one",
		}
	}
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != a.MimeType {
		return invalid("Wrong content type", problem{Field: "Content-Type", Message: "must be as contentTypeHint said", Allowed: []string{a.MimeType}})
	}
	size, digest, err := s.receive(a.ID, r)
	if err != nil {
		return err
	}
	err = s.store.update(func(tx *tx) error {
		a.Size, a.Digest = size, digest
		put(tx, bucketAssets, a.ID, a)
		return nil
	})
	if err != nil {
		return err
	}
	w.Header().Set("ETag", `"`+digest+`"`)
	w.WriteHeader(http.StatusOK)
	return nil
}

// receive writes the body of a request to the file of an asset.
func (s *Server) receive(id string, r *http.Request) (size int64, digest string, err error) {
	tooLarge := &apiError{
		status: http.StatusRequestEntityTooLarge, code: "VALIDATION_ERROR", message: "The file is larger than 256 MiB",
	}
	if r.ContentLength > maxUpload {
		return 0, "", tooLarge
	}
	body := &readErrors{r: r.Body}
	switch size, digest, err = s.media.write(id, body, maxUpload); {
	case errors.Is(err, errTooLarge):
		return 0, "", tooLarge
	case body.err != nil:
		return 0, "", invalid("The file did not arrive in full")
	case err != nil:
		return 0, "", err
	case size == 0:
		return 0, "", invalid("The file is empty")
	}
	return size, digest, nil
}

// readErrors remembers whether it was the source that failed: then the fault is the client's, else ours.
type readErrors struct {
	r   io.Reader
	err error
}

func (e *readErrors) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		e.err = err
	}
	return n, err
}

// findFile returns the asset that the name in an address stands for, if its bytes are there.
func (s *Server) findFile(name string) (asset, bool) {
	id, _, _ := strings.Cut(name, ".")
	var a asset
	s.store.view(func(tx *tx) { a, _ = get[asset](tx, bucketAssets, id) })
	return a, a.Digest != "" && a.name() == name
}

// serveAsset sends the bytes of an asset. They may come from anybody, so a browser is told to take them as nothing but
// what they are called.
func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) error {
	a, ok := s.findFile(r.PathValue("name"))
	if !ok {
		return notFound("File not found")
	}
	file, err := s.media.open(a.ID)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
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
	h.Set("ETag", `"`+a.Digest+`"`)
	http.ServeContent(w, r, "", a.CreatedAt, file)
	return nil
}

// downloadName is what a browser may call a file: the last part of the name it was uploaded under.
func downloadName(a asset) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`/\:"<>|?*`, r) {
			return '-'
		}
		return r
	}, path.Base(strings.ReplaceAll(a.Filename, `\`, "/")))
	if a.Filename == "" || strings.Trim(name, ".- ") == "" {
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
		return a.WorkspaceID != p.WorkspaceID || a.Digest == "" && a.Text == nil ||
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

package lamina

import (
	"cmp"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
)

const bucketUploads = "uploads" // digest of the upload's token → upload

const (
	maxUpload      = 256 << 20 // bytes of one upload
	maxUploadFiles = 50        // files in one request for upload addresses
	uploadTTL      = 15 * time.Minute
)

// An upload is the permission to upload the file of an asset.
type upload struct {
	AssetID   string    `json:"assetId"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func (s *Server) createUploads(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	var req api.UploadFiles
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	assets, problems := s.plannedAssets(req.Files, p)
	if len(problems) > 0 {
		return wire.Invalid("Invalid files", problems...)
	}
	expires := s.Clock.Now().Add(uploadTTL)
	reply := api.UploadURLs{}
	err := s.Store.Update(func(tx *wire.Tx) error {
		s.removeExpiredUploads(tx)
		for i, a := range assets {
			token := wire.RandomToken(32)
			a.Order = tx.NextOrder()
			wire.Put(tx, bucketUploads, s.Secrets.Digest(token), upload{AssetID: a.ID, ExpiresAt: expires})
			wire.Put(tx, bucketAssets, a.ID, a)
			reply.Uploads = append(reply.Uploads, api.Upload{
				Filename: req.Files[i].Filename, MediaType: a.OutputType, ContentTypeHint: a.MimeType,
				UploadURL: s.BaseURL + "/media/uploads/" + token, AssetURL: s.assetURL(a), AssetID: &a.ID, ExpiresAt: &expires,
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return wire.WriteData(w, http.StatusOK, reply)
}

// plannedAssets validates a request for upload addresses and returns the new assets.
func (s *Server) plannedAssets(files []api.UploadFile, p wire.Principal) ([]asset, []wire.Problem) {
	var assets []asset
	var problems []wire.Problem
	addProblem := func(field, message string, allowed ...string) {
		problems = append(problems, wire.Problem{Field: field, Message: message, Allowed: allowed})
	}
	if len(files) == 0 || len(files) > maxUploadFiles {
		addProblem("files", "must name 1 to 50 files")
		return nil, problems
	}
	for _, f := range files {
		if f.Filename == "" || len(f.Filename) > 255 {
			addProblem("filename", "must have 1 to 255 characters")
		}
		if !slices.Contains([]string{"image", "video", "audio"}, f.MediaType) {
			addProblem("mediaType", "is none of the known types", "image", "video", "audio")
			continue
		}
		mimeType := cmp.Or(fileTypes[strings.ToLower(strings.TrimPrefix(path.Ext(f.Filename), "."))], unknownType)
		if mimeType != unknownType && !strings.HasPrefix(mimeType, f.MediaType+"/") && mimeType != "video/webm" {
			addProblem("mediaType", "does not fit the name: a file like that is "+mimeType)
		}
		assets = append(assets, asset{
			ID: newAssetID(), WorkspaceID: p.WorkspaceID, OutputType: f.MediaType, MimeType: mimeType, Filename: f.Filename,
			CreatedAt: s.Clock.Now(),
		})
	}
	return assets, problems
}

// removeExpiredUploads removes the expired uploads, and their assets without a file.
func (s *Server) removeExpiredUploads(tx *wire.Tx) {
	for _, key := range tx.Keys(bucketUploads) {
		u, _ := wire.Get[upload](tx, bucketUploads, key)
		if s.Clock.Now().Before(u.ExpiresAt) {
			continue
		}
		tx.Remove(bucketUploads, key)
		if a, _ := wire.Get[asset](tx, bucketAssets, u.AssetID); a.File == nil {
			tx.Remove(bucketAssets, u.AssetID)
		}
	}
}

// putUpload receives the file of an asset. The address is the credential.
func (s *Server) putUpload(w http.ResponseWriter, r *http.Request) error {
	var u upload
	var a asset
	s.Store.View(func(tx *wire.Tx) {
		u, _ = wire.Get[upload](tx, bucketUploads, s.Secrets.Digest(r.PathValue("token")))
		a, _ = wire.Get[asset](tx, bucketAssets, u.AssetID)
	})
	if a.ID == "" || !s.Clock.Now().Before(u.ExpiresAt) {
		return wire.Forbidden("This upload address is unknown or has expired: ask for a new one")
	}
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != a.MimeType {
		return wire.Invalid("Wrong content type", wire.Problem{Field: "Content-Type", Message: "must be the contentTypeHint of the upload", Allowed: []string{a.MimeType}})
	}
	file, err := s.receive(r)
	if err != nil {
		return err
	}
	var replaced *wire.StoredFile
	err = s.Store.Update(func(tx *wire.Tx) error {
		before, _ := wire.Get[asset](tx, bucketAssets, a.ID)
		replaced, a.File = before.File, &file
		wire.Put(tx, bucketAssets, a.ID, a)
		return nil
	})
	if err != nil {
		return errors.Join(err, s.files.Remove(file.ID))
	}
	if replaced != nil {
		_ = s.files.Remove(replaced.ID) // on failure, the next start removes it
	}
	w.Header().Set("ETag", `"`+file.Digest+`"`)
	w.WriteHeader(http.StatusOK)
	return nil
}

// receive stores the body of a request.
func (s *Server) receive(r *http.Request) (wire.StoredFile, error) {
	tooLarge := &wire.Error{
		Status: http.StatusRequestEntityTooLarge, Code: "VALIDATION_ERROR", Message: "The file is larger than 256 MiB",
	}
	if r.ContentLength > maxUpload {
		return wire.StoredFile{}, tooLarge
	}
	body := &readErrors{r: r.Body}
	switch file, err := s.files.Write(body, maxUpload); {
	case errors.Is(err, wire.ErrTooLarge):
		return file, tooLarge
	case errors.Is(err, wire.ErrNoSpace):
		return file, wire.Unavailable(messageNoSpace)
	case body.err != nil:
		return file, wire.Invalid("The file did not arrive in full")
	case err == nil && file.Size == 0:
		return file, wire.Invalid("The file is empty")
	default:
		return file, err
	}
}

// readErrors keeps the read error of its source, to distinguish an error of the client from an error of this server.
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

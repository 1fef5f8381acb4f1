package platform

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
)

const bucketUploads = "uploads" // digest of the upload's token → upload

const (
	maxUpload      = 256 << 20 // bytes of one upload
	maxUploadFiles = 50        // files in one request for upload addresses
	uploadLife     = 15 * time.Minute
)

// An upload is the right to put the bytes of an asset.
type upload struct {
	AssetID   string    `json:"assetId"`
	ExpiresAt time.Time `json:"expiresAt"`
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
		if a, _ := get[asset](tx, bucketAssets, u.AssetID); a.File == nil {
			tx.remove(bucketAssets, u.AssetID)
		}
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
		return forbidden("This upload address is unknown or has expired: ask for a new one")
	}
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != a.MimeType {
		return invalid("Wrong content type", problem{Field: "Content-Type", Message: "must be as contentTypeHint said", Allowed: []string{a.MimeType}})
	}
	file, err := s.receive(r)
	if err != nil {
		return err
	}
	var replaced *storedFile
	err = s.store.update(func(tx *tx) error {
		before, _ := get[asset](tx, bucketAssets, a.ID)
		replaced, a.File = before.File, &file
		put(tx, bucketAssets, a.ID, a)
		return nil
	})
	if err != nil {
		return errors.Join(err, s.media.remove(file.ID))
	}
	if replaced != nil {
		_ = s.media.remove(replaced.ID) // else it is swept at the next start
	}
	w.Header().Set("ETag", `"`+file.Digest+`"`)
	w.WriteHeader(http.StatusOK)
	return nil
}

// receive keeps the body of a request.
func (s *Server) receive(r *http.Request) (storedFile, error) {
	tooLarge := &apiError{
		status: http.StatusRequestEntityTooLarge, code: "VALIDATION_ERROR", message: "The file is larger than 256 MiB",
	}
	if r.ContentLength > maxUpload {
		return storedFile{}, tooLarge
	}
	body := &readErrors{r: r.Body}
	switch file, err := s.media.write(body, maxUpload); {
	case errors.Is(err, errTooLarge):
		return file, tooLarge
	case errors.Is(err, errNoRoom):
		return file, unavailable(messageNoRoom)
	case body.err != nil:
		return file, invalid("The file did not arrive in full")
	case err == nil && file.Size == 0:
		return file, invalid("The file is empty")
	default:
		return file, err
	}
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

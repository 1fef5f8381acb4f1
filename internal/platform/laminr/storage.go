package laminr

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

const (
	storagePath = "/laminr-storage/" // of the storage service, which is not part of the API
	uploadTTL   = 15 * time.Minute   // lifetime of a presigned address
	maxFileSize = 1 << 30            // bytes
)

// presign returns the address for the bytes of a file. Its origin differs from that of the API, as with a real storage
// service, so that a test notices a client that sends its API key there.
func (s *server) presign(f file) string {
	u, err := url.Parse(s.BaseURL)
	if err != nil {
		return ""
	}
	other := "localhost"
	if u.Hostname() == other {
		other = "127.0.0.1"
	}
	u.Host = net.JoinHostPort(other, u.Port())
	u.Path = storagePath + f.URI
	expires := strconv.FormatInt(f.CreatedAt.Add(uploadTTL).Unix(), 10)
	u.RawQuery = url.Values{"X-Expires": {expires}, "X-Signature": {s.sign(f.URI, expires)}}.Encode()
	return u.String()
}

// sign returns the signature that allows a PUT of an object until a time.
func (s *server) sign(object, expires string) string {
	return s.Secrets.Digest("PUT\n" + object + "\n" + expires)
}

// refuse answers in XML, as a storage service does.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>", code, html.EscapeString(message))
}

// putObject receives the bytes of a file at a presigned address. It refuses a request with an API key, because a client
// must not send the key to the storage service.
func (s *server) putObject(w http.ResponseWriter, r *http.Request) {
	object, query := r.PathValue("object"), r.URL.Query()
	var f file
	s.Store.View(func(tx *wire.Tx) { f, _ = wire.Get[file](tx, bucketFiles, object) })
	expires, err := strconv.ParseInt(query.Get("X-Expires"), 10, 64)
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPut:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "The address is for PUT alone")
	case r.Header.Get("X-Api-Key") != "" || r.Header.Get("Authorization") != "":
		refuse(w, http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed: the address is signed, and the request also has an API key")
	case err != nil || !hmac.Equal([]byte(query.Get("X-Signature")), []byte(s.sign(object, query.Get("X-Expires")))):
		refuse(w, http.StatusForbidden, "SignatureDoesNotMatch", "The signature does not match the address")
	case f.URI == "" || !s.Clock.Now().Before(time.Unix(expires, 0)):
		refuse(w, http.StatusForbidden, "AccessDenied", "Request has expired")
	case contentType != f.ContentType:
		refuse(w, http.StatusForbidden, "SignatureDoesNotMatch", "Content-Type must be "+f.ContentType)
	case r.ContentLength > maxFileSize:
		refuse(w, http.StatusBadRequest, "EntityTooLarge", "A file may have 1 GB")
	default:
		s.receive(w, r, f)
	}
}

// receive reads the bytes of a file and stores their number and digest.
func (s *server) receive(w http.ResponseWriter, r *http.Request, f file) {
	hash := sha256.New()
	n, err := io.Copy(hash, http.MaxBytesReader(w, r.Body, maxFileSize))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refuse(w, http.StatusBadRequest, "EntityTooLarge", "A file may have 1 GB")
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "IncompleteBody", "The file did not arrive in full")
		return
	}
	now := s.Clock.Now()
	f.Size, f.SHA256, f.UploadedAt = n, hex.EncodeToString(hash.Sum(nil)), &now
	err = s.Store.Update(func(tx *wire.Tx) error {
		wire.Put(tx, bucketFiles, f.URI, f)
		return nil
	})
	if err != nil {
		s.Log.Error("could not store a file", "error", err)
		refuse(w, http.StatusInternalServerError, "InternalError", wire.InternalMessage)
		return
	}
	w.Header().Set("ETag", `"`+f.SHA256+`"`)
	w.WriteHeader(http.StatusOK)
}

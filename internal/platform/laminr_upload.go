package platform

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	laminrStorage    = "/laminr-storage/" // the other service, to which the bytes go
	laminrUploadLife = 15 * time.Minute   // of a presigned address
	maxLaminrFile    = 1 << 30            // bytes of a file
)

// createLaminrUpload answers POST /files: where to put the bytes of a file, and what it is called from then on.
func (s *Server) createLaminrUpload(w http.ResponseWriter, r *http.Request, key serviceKey) error {
	var req struct {
		FileName string `json:"file_name"`
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSONBody))
	if err != nil || json.Unmarshal(raw, &req) != nil {
		return laminrInvalid("The body must be a JSON object with the string file_name")
	}
	contentType := laminrTypes[strings.ToLower(strings.TrimPrefix(path.Ext(req.FileName), "."))]
	switch {
	case strings.TrimSpace(req.FileName) == "" || len(req.FileName) > 255:
		return laminrInvalid("file_name must have 1 to 255 characters")
	case contentType == "":
		return laminrInvalid("file_name must end in .pdf, .png, .jpg or .jpeg")
	}
	f := laminrFile{Tenant: key.Owner, FileName: req.FileName, ContentType: contentType, CreatedAt: s.now()}
	err = s.store.update(func(tx *tx) error {
		s.forgetLaminrUploads(tx)
		order := nextOrder(tx)
		order = order[len(order)-6:] // enough for one millisecond
		f.URI = fmt.Sprintf("tenants/%d/files/%d-%s-%s", laminrTenant(tx, key.Owner), f.CreatedAt.UnixMilli(), order, slug(f.FileName))
		put(tx, bucketLaminrFiles, f.URI, f)
		return nil
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"upload_url": s.presign(f), "uri": f.URI})
	return nil
}

// forgetLaminrUploads removes the files whose bytes never came.
func (s *Server) forgetLaminrUploads(tx *tx) {
	for _, f := range list[laminrFile](tx, bucketLaminrFiles) {
		if f.UploadedAt == nil && s.now().Sub(f.CreatedAt) > laminrUploadLife {
			tx.remove(bucketLaminrFiles, f.URI)
		}
	}
}

// laminrTenant returns the number of a tenant, which it gets with its first file.
func laminrTenant(tx *tx, tenant string) int {
	n, ok := get[int](tx, bucketLaminrTenants, tenant)
	if !ok {
		n = len(tx.keys(bucketLaminrTenants)) + 1
		put(tx, bucketLaminrTenants, tenant, n)
	}
	return n
}

// slug makes of a file's name what can stand in an address: "Pay stub (May).pdf" is pay-stub-may-pdf.
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	text := strings.Join(words, "-")
	return text[:min(len(text), 60)]
}

// presign returns the address to put the bytes of a file to. It is of another origin than the API, as that of a real storage
// is, so that a client that takes its key along is found out.
func (s *Server) presign(f laminrFile) string {
	u, err := url.Parse(s.opts.BaseURL)
	if err != nil {
		return ""
	}
	other := "localhost"
	if u.Hostname() == other {
		other = "127.0.0.1"
	}
	u.Host = net.JoinHostPort(other, u.Port())
	u.Path = laminrStorage + f.URI
	expires := strconv.FormatInt(f.CreatedAt.Add(laminrUploadLife).Unix(), 10)
	u.RawQuery = url.Values{"X-Expires": {expires}, "X-Signature": {s.signObject(f.URI, expires)}}.Encode()
	return u.String()
}

// signObject signs the right to put an object until a time.
func (s *Server) signObject(object, expires string) string {
	return s.digest("PUT\n" + object + "\n" + expires)
}

// putLaminrObject takes the bytes of a file from whoever has the address. A key must not come along: it is refused, and
// with it a client that leaks. The storage refuses in XML: it is not the API.
func (s *Server) putLaminrObject(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, message string) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>", code, html.EscapeString(message))
	}
	object, query := r.PathValue("object"), r.URL.Query()
	var f laminrFile
	s.store.view(func(tx *tx) { f, _ = get[laminrFile](tx, bucketLaminrFiles, object) })
	expires, err := strconv.ParseInt(query.Get("X-Expires"), 10, 64)
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPut:
		refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "The address is for PUT alone")
	case r.Header.Get("X-Api-Key") != "" || r.Header.Get("Authorization") != "":
		refuse(http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed: the address is signed, and a key came along")
	case err != nil || !hmac.Equal([]byte(query.Get("X-Signature")), []byte(s.signObject(object, query.Get("X-Expires")))):
		refuse(http.StatusForbidden, "SignatureDoesNotMatch", "The address was not signed so")
	case f.URI == "" || !s.now().Before(time.Unix(expires, 0)):
		refuse(http.StatusForbidden, "AccessDenied", "Request has expired")
	case contentType != f.ContentType:
		refuse(http.StatusForbidden, "SignatureDoesNotMatch", "Content-Type must be "+f.ContentType)
	case r.ContentLength > maxLaminrFile:
		refuse(http.StatusBadRequest, "EntityTooLarge", "A file may have 1 GB")
	default:
		s.receiveLaminrFile(w, r, f, refuse)
	}
}

// receiveLaminrFile reads the bytes of a file, and notes how many there were and their digest.
func (s *Server) receiveLaminrFile(w http.ResponseWriter, r *http.Request, f laminrFile, refuse func(status int, code, message string)) {
	hash := sha256.New()
	n, err := io.Copy(hash, http.MaxBytesReader(w, r.Body, maxLaminrFile))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refuse(http.StatusBadRequest, "EntityTooLarge", "A file may have 1 GB")
		return
	case err != nil:
		refuse(http.StatusBadRequest, "IncompleteBody", "The file did not arrive in full")
		return
	}
	now := s.now()
	f.Size, f.SHA256, f.UploadedAt = n, hex.EncodeToString(hash.Sum(nil)), &now
	err = s.store.update(func(tx *tx) error {
		put(tx, bucketLaminrFiles, f.URI, f)
		return nil
	})
	if err != nil {
		s.log.Error("could not keep a file", "error", err)
		refuse(http.StatusInternalServerError, "InternalError", "Something went wrong on the server")
		return
	}
	w.Header().Set("ETag", `"`+f.SHA256+`"`)
	w.WriteHeader(http.StatusOK)
}

package laminr

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"unicode"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// contentTypes are the types of file that Laminr reads, by extension.
var contentTypes = map[string]string{"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg"}

// createUpload answers POST /files with the address for the bytes of a file and the URI of the file.
func (s *server) createUpload(w http.ResponseWriter, r *http.Request, key wire.Key) error {
	var req struct {
		FileName string `json:"file_name"`
	}
	raw, err := wire.ReadBody(w, r)
	if err != nil || json.Unmarshal(raw, &req) != nil {
		return invalid("The body must be a JSON object with the string file_name")
	}
	contentType := contentTypes[strings.ToLower(strings.TrimPrefix(path.Ext(req.FileName), "."))]
	switch {
	case strings.TrimSpace(req.FileName) == "" || len(req.FileName) > 255:
		return invalid("file_name must have 1 to 255 characters")
	case contentType == "":
		return invalid("file_name must end in .pdf, .png, .jpg or .jpeg")
	}
	f := file{Tenant: key.Owner, FileName: req.FileName, ContentType: contentType, CreatedAt: s.Clock.Now()}
	err = s.Store.Update(func(tx *wire.Tx) error {
		s.removeExpired(tx)
		order := tx.NextOrder()
		order = order[len(order)-6:] // distinguishes the files of one millisecond
		f.URI = fmt.Sprintf("tenants/%d/files/%d-%s-%s", tenantNumber(tx, key.Owner), f.CreatedAt.UnixMilli(), order, slug(f.FileName))
		wire.Put(tx, bucketFiles, f.URI, f)
		return nil
	})
	if err != nil {
		return err
	}
	wire.WriteJSON(w, http.StatusOK, map[string]string{"upload_url": s.presign(f), "uri": f.URI})
	return nil
}

// removeExpired removes the files that were not uploaded before their address expired.
func (s *server) removeExpired(tx *wire.Tx) {
	for _, f := range wire.List[file](tx, bucketFiles) {
		if f.UploadedAt == nil && s.Clock.Now().Sub(f.CreatedAt) > uploadTTL {
			tx.Remove(bucketFiles, f.URI)
		}
	}
}

// tenantNumber returns the number of a tenant. A tenant receives it with its first file.
func tenantNumber(tx *wire.Tx, tenant string) int {
	n, ok := wire.Get[int](tx, bucketTenants, tenant)
	if !ok {
		n = len(tx.Keys(bucketTenants)) + 1
		wire.Put(tx, bucketTenants, tenant, n)
	}
	return n
}

// slug returns a file name in a form for addresses: "Pay stub (May).pdf" becomes pay-stub-may-pdf.
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	text := strings.Join(words, "-")
	return text[:min(len(text), 60)]
}

package api

import (
	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/transfer"
)

// A savedFile is the file of --download in JSON.
type savedFile struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	Status int    `json:"status"`
	Type   string `json:"contentType,omitempty"`
}

// save writes the body of a response to the file of --download. A response that is cut off leaves no file.
func (c *caller) save(doc *api.Document) error {
	size, err := (&transfer.Downloader{Force: c.force}).SaveFrom(doc.Body, c.download)
	if err != nil {
		return err
	}
	saved := savedFile{Path: c.download, Bytes: size, Status: doc.Status, Type: doc.Header.Get("Content-Type")}
	return c.env.Print(saved, func(p *output.Page) { p.Line("Saved %s (%s).", c.download, output.Bytes(size)) })
}

package api

import (
	"os"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/transfer"
)

// toStdout is the value of --download for stdout.
const toStdout = "-"

// checkDownload refuses a value of --download before a request is sent, whose response would be lost.
func (o *options) checkDownload() error {
	if o.download == toStdout {
		if flags := o.env.Flags; flags.JSON || flags.JQ != "" || flags.Output != "" {
			return fail.Usage("save it to a file: --download FILE", "--download - writes the response as it came, and --json, --jq and --output do not")
		}
		return nil
	}
	switch info, err := os.Lstat(o.download); {
	case err == nil && info.IsDir():
		return fail.Usage("name a file in it", "--download %s is a folder", output.Quote(o.download))
	case err == nil && !o.force:
		return &transfer.ExistsError{Path: o.download}
	}
	return nil
}

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

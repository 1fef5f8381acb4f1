package batch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/cli/assetfile"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/fail"
)

// parallelUploads is how many files are sent at once.
const parallelUploads = 4

// upload uploads the files that the items name, those that were not uploaded for this batch before, and sets their URLs.
func (g *gathering) upload(ctx context.Context) (err error) {
	if len(g.files) == 0 {
		return nil
	}
	done, err := plan.OpenUploads(g.dir)
	if err != nil {
		return batchinfo.Unusable(g.dir, err)
	}
	defer func() { err = errors.Join(err, done.Close()) }()
	if err := g.send(ctx, done); err != nil {
		return err
	}
	return g.setURLs(done)
}

// send uploads what is missing. Each upload is recorded when it is complete.
func (g *gathering) send(ctx context.Context, done *plan.Uploads) error {
	var files []*assetfile.File
	var sums []string
	for i, sum := range g.sums {
		if done.URL(sum) == "" {
			files, sums = append(files, g.files[i]), append(sums, sum)
		}
	}
	if len(files) == 0 {
		return nil
	}
	u, err := assetfile.NewUploader(g.o.env)
	if err != nil {
		return err
	}
	var first error
	u.UploadAll(ctx, files, parallelUploads, func(i int, asset assetfile.Asset, err error) {
		if err == nil {
			g.uploaded++
			err = done.Add(plan.Upload{SHA256: sums[i], URL: asset.URL, Bytes: files[i].Size})
		}
		if err != nil && first == nil {
			first = &fail.Error{
				Around: strings.ReplaceAll(files[i].Path, "%", "%%") + " was not uploaded: %s; the same command continues", Err: err,
			}
		}
	})
	return cmp.Or(first, ctx.Err())
}

// setURLs writes the draft once more, with URLs in place of the marks.
func (g *gathering) setURLs(done *plan.Uploads) error {
	marked := g.take()
	defer marked.Discard()
	var err error
	if g.draft, err = plan.NewDraft(g.dir); err != nil {
		return err
	}
	return marked.Each(func(item plan.Item) error {
		item.Inputs, err = g.replaceMarks(item.Inputs, done)
		if err != nil {
			return err
		}
		return g.draft.Add(item)
	})
}

// sumLength is the length of a SHA-256 in hexadecimal.
const sumLength = 64

// replaceMarks returns the JSON of inputs with URLs in place of the marks.
func (g *gathering) replaceMarks(raw []byte, done *plan.Uploads) ([]byte, error) {
	mark := []byte(`"` + g.mark)
	var out []byte
	for {
		before, after, found := bytes.Cut(raw, mark)
		out = append(out, before...)
		if !found {
			return out, nil
		}
		if len(after) <= sumLength {
			return nil, errors.New("the draft of the items was changed")
		}
		url := done.URL(string(after[:sumLength]))
		if url == "" {
			return nil, fmt.Errorf("there is no URL for the file with the SHA-256 %s", after[:sumLength])
		}
		text, err := json.Marshal(url)
		if err != nil {
			return nil, err
		}
		out = append(out, text...)
		raw = after[sumLength+1:]
	}
}

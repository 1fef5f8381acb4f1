package assetfile

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/uselamina/lamina/internal/api"
)

// Limits of the files for which presigned URLs are asked for at once. The URLs expire, so that they must not wait long.
const (
	maxTickets = 20
	maxAhead   = 64 << 20 // bytes
)

// tickets asks the service for presigned URLs, for several files in one request: the service limits requests, not files.
type tickets struct {
	client *api.Client

	mu    sync.Mutex
	files []*File // in the order of their uploads
	asked map[*File]bool
	ready map[*File]api.Upload
}

// plan sets the files that will be uploaded.
func (t *tickets) plan(files []*File) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.files = files
}

// take returns a presigned URL for a file that was not returned before.
func (t *tickets) take(ctx context.Context, f *File) (api.Upload, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ticket, ok := t.ready[f]; ok {
		delete(t.ready, f)
		return ticket, nil
	}
	files := t.ahead(f)
	uploads, err := t.ask(ctx, files)
	var refused *api.Error
	if errors.As(err, &refused) && refused.Status == http.StatusBadRequest && len(files) > 1 { // perhaps because of another file
		files = files[:1]
		uploads, err = t.ask(ctx, files)
	}
	if err != nil {
		return api.Upload{}, err
	}
	for i, f := range files {
		t.asked[f] = true
		t.ready[f] = uploads[i]
	}
	delete(t.ready, f)
	return uploads[0], nil
}

func (t *tickets) ask(ctx context.Context, files []*File) ([]api.Upload, error) {
	var names []api.UploadFile
	for _, f := range files {
		names = append(names, api.UploadFile{Filename: f.Name, MediaType: f.Kind})
	}
	return t.client.UploadURLs(ctx, names)
}

// ahead returns a file, and the next ones for which no URL was asked for yet.
func (t *tickets) ahead(f *File) []*File {
	files, size, found := []*File{f}, f.Size, false
	isFirst := !t.asked[f]
	for _, other := range t.files {
		if found && isFirst && !t.asked[other] {
			if size += other.Size; size > maxAhead || len(files) == maxTickets {
				break
			}
			files = append(files, other)
		}
		found = found || other == f
	}
	return files
}

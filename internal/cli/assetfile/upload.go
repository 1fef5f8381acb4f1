package assetfile

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"
	"sync"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/transfer"
)

// An Asset is an uploaded file.
type Asset struct {
	URL         string
	ID          string // empty if the service gives none
	Name        string
	ContentType string
	IsSkipped   bool // the same bytes were there before
}

// An Uploader uploads files to the workspace of the session. The host of the files gets no credential.
type Uploader struct {
	// Again uploads what is at the service already, too.
	Again bool

	storage *transfer.Uploader
	memory  *memory
	tickets *tickets
}

// NewUploader opens the session, and returns an uploader for its workspace.
func NewUploader(env *cmdutil.Env) (*Uploader, error) {
	s, err := env.Sessions.OpenFor(provider.Lamina())
	if err != nil {
		return nil, err
	}
	storage, err := s.Uploader()
	if err != nil {
		return nil, err
	}
	return &Uploader{
		storage: storage, memory: &memory{env: env, account: s.Fingerprint()},
		tickets: &tickets{client: s.Client(), asked: map[*File]bool{}, ready: map[*File]api.Upload{}},
	}, nil
}

// Upload uploads one file, unless its bytes are at the service already. progress, if not nil, is called with the number of bytes
// that were sent.
func (u *Uploader) Upload(ctx context.Context, f *File, progress func(sent int64)) (Asset, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return Asset{}, &transfer.SourceError{Err: withoutPath(err)}
	}
	defer file.Close()
	if !u.Again && u.memory.mayHave(f) {
		if asset, found, err := u.findKnown(ctx, f, file); found || err != nil {
			return asset, err
		}
	}
	body := &hashingReader{ReaderAt: file, size: f.Size, now: u.memory.env.Now}
	var ticket api.Upload
	err = u.storage.Upload(ctx, body, f.Size, func(ctx context.Context) (transfer.Target, error) {
		var err error
		ticket, err = u.tickets.take(ctx, f)
		return transfer.Target{URL: ticket.UploadURL, ContentType: ticket.ContentTypeHint}, err
	}, progress)
	if err != nil {
		return Asset{}, err
	}
	if info, err := file.Stat(); err != nil || info.Size() != f.Size || !info.ModTime().Equal(f.modified) {
		return Asset{}, &fail.Error{Code: fail.UploadFailed, Message: "the file changed while it was uploaded"}
	}
	asset := Asset{URL: ticket.AssetURL, ID: api.String(ticket.AssetID), Name: f.Name, ContentType: ticket.ContentTypeHint}
	if sum := body.sum(); sum != "" {
		u.memory.add(ctx, remembered{
			SHA256: sum, Size: f.Size, Kind: f.Kind, Name: asset.Name, ContentType: asset.ContentType, URL: asset.URL, AssetID: asset.ID,
		})
	}
	return asset, nil
}

// findKnown returns the asset with the bytes of a file, if the service still has it.
func (u *Uploader) findKnown(ctx context.Context, f *File, file *os.File) (Asset, bool, error) {
	sum, err := sumOf(ctx, file, f.Size)
	if err != nil {
		return Asset{}, false, &transfer.SourceError{Err: err}
	}
	known, found := u.memory.find(func(r remembered) bool { return r.SHA256 == sum && r.Kind == f.Kind })
	if !found {
		return Asset{}, false, nil
	}
	if !u.storage.Holds(ctx, known.URL, f.Size) {
		u.memory.forget(ctx, known)
		return Asset{}, false, nil
	}
	return Asset{URL: known.URL, ID: known.AssetID, Name: known.Name, ContentType: known.ContentType, IsSkipped: true}, true, nil
}

// UploadAll uploads files, several at once, and shows how much of them is sent. It calls done for each file when it is uploaded or
// has failed, for one at a time. A failure does not stop the others, unless they would fail for the same reason: then they are not
// begun or are stopped, and done is not called for them.
func (u *Uploader) UploadAll(ctx context.Context, files []*File, parallel int, done func(i int, asset Asset, err error)) {
	u.tickets.plan(files)
	d := newDisplay(u.memory.env, files)
	defer d.progress.Stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	isOver := false
	var workers sync.WaitGroup
	next := make(chan int)
	for range min(parallel, len(files)) {
		workers.Go(func() {
			for i := range next {
				asset, err := u.Upload(ctx, files[i], func(sent int64) { d.sent(i, sent) })
				d.ended(i)
				mu.Lock()
				if err == nil || !isOver {
					done(i, asset, err)
				}
				if u.endsAll(err) {
					isOver = true
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	for i := range files {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	workers.Wait()
}

// endsAll reports whether all other uploads would fail as one did.
func (u *Uploader) endsAll(err error) bool {
	if err == nil {
		return false
	}
	failure := u.memory.env.Sessions.Describe(err)
	return errors.Is(err, context.Canceled) || failure.Exit == fail.ExitAuth || failure.Exit == fail.ExitInterrupted
}

// URLs uploads files and returns the URL of each, or the first error.
func URLs(ctx context.Context, env *cmdutil.Env, files []*File) ([]string, error) {
	u, err := NewUploader(env)
	if err != nil {
		return nil, err
	}
	urls := make([]string, len(files))
	var first error
	u.UploadAll(ctx, files, 4, func(i int, asset Asset, err error) {
		urls[i] = asset.URL
		if err != nil && first == nil {
			first = &fail.Error{Around: strings.ReplaceAll(files[i].Path, "%", "%%") + " was not uploaded: %s", Err: err}
		}
	})
	return urls, cmp.Or(first, ctx.Err())
}

package assetfile

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/cmdutil"
)

const (
	memoryName = "uploads.json"
	memoryTime = 7 * 24 * time.Hour // how long an upload is remembered
	maxMemory  = 1000               // uploads
)

// A remembered upload is a file whose bytes are at the service.
type remembered struct {
	Account     string    `json:"account"`
	SHA256      string    `json:"sha256"`
	Size        int64     `json:"size"`
	Kind        string    `json:"kind"`
	Name        string    `json:"name"`
	ContentType string    `json:"contentType"`
	URL         string    `json:"url"`
	AssetID     string    `json:"assetId,omitempty"`
	At          time.Time `json:"at"`
}

// memory holds the uploads of the last days, of all accounts. It may be lost: then files are uploaded again.
type memory struct {
	env     *cmdutil.Env
	account string
	mu      sync.Mutex
}

// read returns the uploads that have not expired.
func (m *memory) read() []remembered {
	var all []remembered
	raw, err := m.env.Sessions.Store().ReadFile(memoryName)
	if err != nil || json.Unmarshal(raw, &all) != nil {
		return nil
	}
	now := m.env.Now()
	return slices.DeleteFunc(all, func(r remembered) bool {
		return now.Sub(r.At) > memoryTime || r.At.After(now.Add(time.Hour)) || r.URL == "" || r.SHA256 == ""
	})
}

// find returns the upload of this account that a function accepts.
func (m *memory) find(accepts func(remembered) bool) (remembered, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.read()
	i := slices.IndexFunc(all, func(r remembered) bool { return r.Account == m.account && accepts(r) })
	if i < 0 {
		return remembered{}, false
	}
	return all[i], true
}

// mayHave reports whether a file of this size and kind was uploaded, so that its bytes are worth comparing.
func (m *memory) mayHave(f *File) bool {
	_, found := m.find(func(r remembered) bool { return r.Size == f.Size && r.Kind == f.Kind })
	return found
}

// add remembers an upload, in place of an earlier one of the same bytes.
func (m *memory) add(ctx context.Context, r remembered) {
	r.Account, r.At = m.account, m.env.Now().UTC()
	m.change(ctx, r, true)
}

// forget removes an upload that is no longer at the service.
func (m *memory) forget(ctx context.Context, r remembered) { m.change(ctx, r, false) }

// change replaces what is remembered of the bytes of r. Failures are ignored: then the file is uploaded again.
func (m *memory) change(ctx context.Context, r remembered, keep bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.DeleteFunc(m.read(), func(other remembered) bool {
		return other.Account == r.Account && other.SHA256 == r.SHA256 && other.Kind == r.Kind
	})
	if keep {
		all = append([]remembered{r}, all...)
	}
	raw, err := json.Marshal(all[:min(len(all), maxMemory)])
	if err == nil && m.env.Sessions.Store().Dir != "" {
		_ = m.env.Sessions.Store().WriteFile(ctx, memoryName, raw)
	}
}

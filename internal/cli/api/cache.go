package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

// maxCached is the largest size of a response that is kept for --cache, in bytes.
const maxCached = 8 << 20

// cachePattern matches the names of the files of --cache.
const cachePattern = "api-*.json"

// A cachedResponse is a file of --cache.
type cachedResponse struct {
	Stored time.Time   `json:"stored"`
	Until  time.Time   `json:"until"` // when the file may be removed
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

// fetch sends a call, or returns the stored response to it that --cache permits.
func (c *caller) fetch(ctx context.Context, call api.Call) (*api.Document, error) {
	if c.cache == 0 {
		return c.client.Fetch(ctx, call)
	}
	name, now := c.cacheName(call), c.env.Now()
	if kept := c.readCached(name); kept != nil && now.Sub(kept.Stored) < c.cache && !now.Before(kept.Stored) {
		return &api.Document{Status: kept.Status, Header: kept.Header, Body: io.NopCloser(bytes.NewReader(kept.Body))}, nil
	}
	doc, err := c.client.Fetch(ctx, call)
	if err != nil || doc.Refusal != nil {
		return doc, err
	}
	return doc, c.keep(ctx, name, doc)
}

// cacheName returns the name of the file for a call. It depends on the account and on all that the response may depend on.
func (c *caller) cacheName(call api.Call) string {
	s := c.session
	credential := []any{s.Profile, s.Variable, s.Settings, c.client.Workspace}
	if s.Refreshes() {
		credential = append(credential, s.Credential.Account) // the token changes with each refresh
	} else {
		credential = append(credential, sha256.Sum256([]byte(s.Key().Reveal())))
	}
	raw, _ := json.Marshal([]any{s.Provider.Name, s.BaseURL, credential, call.Path, call.Query.Encode(), call.Header, call.Accept}) // cannot fail
	sum := sha256.Sum256(raw)
	return "api-" + hex.EncodeToString(sum[:16]) + ".json"
}

// readCached returns a stored response; nil if there is none.
func (c *caller) readCached(name string) *cachedResponse {
	raw, err := c.env.Sessions.Store().ReadFile(name)
	var kept cachedResponse
	if err != nil || json.Unmarshal(raw, &kept) != nil {
		return nil
	}
	return &kept
}

// keep stores a response whose body ends and is not too large, and lets doc be read from its beginning.
func (c *caller) keep(ctx context.Context, name string, doc *api.Document) error {
	if k := kindOf(doc.Header, nil); k == kindEvents || k == kindLines || doc.Status != http.StatusOK {
		return nil
	}
	body := doc.Body
	raw, err := io.ReadAll(io.LimitReader(body, maxCached+1))
	if err != nil {
		_ = body.Close()
		return err
	}
	doc.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(raw), body), body}
	if len(raw) > maxCached {
		return nil
	}
	now := c.env.Now()
	kept := cachedResponse{Stored: now, Until: now.Add(c.cache), Status: doc.Status, Header: c.publicHeader(doc), Body: raw}
	text, err := json.Marshal(kept)
	if err == nil {
		err = c.env.Sessions.Store().WriteFile(ctx, name, text)
	}
	if err != nil {
		c.env.Note("could not keep the response for --cache: %v", err)
		return nil
	}
	c.removeOld(now)
	return nil
}

// removeOld removes the stored responses that are too old for the command that stored them.
func (c *caller) removeOld(now time.Time) {
	store := c.env.Sessions.Store()
	files, _ := filepath.Glob(filepath.Join(store.Dir, cachePattern))
	slices.Sort(files)
	for _, file := range files {
		name := filepath.Base(file)
		if kept := c.readCached(name); kept == nil || now.After(kept.Until) {
			_ = store.RemoveFile(name)
		}
	}
}

package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/term"
)

// cacheName is the file of ids for completion. It is no part of the configuration: losing it costs nothing.
const cacheName = "completion.json"

// maxCached bounds the ids of each kind.
const maxCached = 50

// A completionCache holds what a shell is offered, for one account.
type completionCache struct {
	Account string       `json:"account"`
	Apps    []completion `json:"apps"`
	Runs    []completion `json:"runs"`
}

// A completion is an id with what it stands for.
type completion struct {
	ID    string `json:"id"`
	About string `json:"about"`
}

func (e *Env) cacheApps(apps []api.AppSummary) {
	e.changeCache(func(c *completionCache) {
		c.Apps = nil
		for _, a := range apps {
			c.Apps = append(c.Apps, completion{ID: term.Line(a.AppID), About: term.Line(a.Name)})
		}
	})
}

func (e *Env) cacheRuns(runs []api.RunSummary) {
	e.changeCache(func(c *completionCache) {
		c.Runs = nil
		for _, r := range runs {
			c.Runs = append(c.Runs, completion{ID: term.Line(r.RunID), About: term.Line(string(r.Status))})
		}
	})
}

// cacheRun puts a new run first.
func (e *Env) cacheRun(id, app string) {
	e.changeCache(func(c *completionCache) {
		c.Runs = append([]completion{{ID: term.Line(id), About: term.Line(app)}}, c.Runs...)
	})
}

func (e *Env) cachePath() string { return filepath.Join(e.store().Dir, cacheName) }

// readCache returns the cache of the present account, empty if there is none.
func (e *Env) readCache() *completionCache {
	c := &completionCache{}
	raw, err := os.ReadFile(e.cachePath())
	if err != nil || json.Unmarshal(raw, c) != nil || c.Account != e.accountName() {
		return &completionCache{Account: e.accountName()}
	}
	return c
}

// changeCache writes the cache anew if change made a difference, and only where there is a home for it already. It is
// a convenience, so it is not flushed to the disk, and its failures are nobody's business.
func (e *Env) changeCache(change func(*completionCache)) {
	if e.store().Dir == "" {
		return
	}
	c := e.readCache()
	before, _ := json.Marshal(c)
	change(c)
	c.Apps, c.Runs = c.Apps[:min(len(c.Apps), maxCached)], c.Runs[:min(len(c.Runs), maxCached)]
	after, err := json.Marshal(c)
	if err != nil || bytes.Equal(before, after) {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(e.cachePath()), cacheName+".*")
	if err != nil {
		return
	}
	_, err = f.Write(after)
	if cerr := f.Close(); err != nil || cerr != nil || os.Rename(f.Name(), e.cachePath()) != nil {
		_ = os.Remove(f.Name())
	}
}

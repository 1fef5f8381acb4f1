package poll

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

// cursor is what is known of the runs of a workspace. Times are those of the starts of runs, by the clock of the service.
type cursor struct {
	Workspace string               `json:"workspace"`
	Newest    time.Time            `json:"newest"` // of the runs that were seen
	Active    map[string]time.Time `json:"active"` // runs that have not ended
	Ended     map[string]time.Time `json:"ended"`  // runs that were reported, or had ended before the first poll, and may be listed again
	Turn      int                  `json:"turn"`   // of the next look-up
}

// readCursor returns the cursor in a file, nil if there is none of the workspace.
func readCursor(file, workspace string) *cursor {
	raw, err := os.ReadFile(file)
	c := &cursor{}
	if err != nil || json.Unmarshal(raw, c) != nil || c.Workspace != workspace || c.Active == nil || c.Ended == nil {
		return nil
	}
	return c
}

// write replaces the file of the cursor, and flushes it to the disk.
func (c *cursor) write(file string) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // private
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// since is the start of the runs that a poll lists. It goes back to the oldest active run, unless that one is much older.
func (c *cursor) since() time.Time {
	if c.Newest.IsZero() {
		return time.Time{}
	}
	start := c.Newest
	for _, created := range c.Active {
		if created.Before(start) && created.After(c.Newest.Add(-maxBack)) {
			start = created
		}
	}
	return start.Add(-overlap)
}

// isNew reports whether a run that has ended was not reported. A run that started before the time from which runs are listed is new only if
// it was active: a service may list more than it was asked for.
func (c *cursor) isNew(r api.RunSummary, since time.Time) bool {
	_, isActive := c.Active[r.RunID]
	_, isKnown := c.Ended[r.RunID]
	return isActive || !isKnown && (r.CreatedAt.IsZero() || !r.CreatedAt.Before(since))
}

// note stores the state of a run.
func (c *cursor) note(r api.RunSummary, isReported bool) {
	if r.CreatedAt.After(c.Newest) {
		c.Newest = r.CreatedAt
	}
	if isReported {
		delete(c.Active, r.RunID)
		c.Ended[r.RunID] = r.CreatedAt
	} else if !r.Status.Final() {
		c.Active[r.RunID] = r.CreatedAt
	}
}

// prune forgets ended runs that are too old to be listed again.
func (c *cursor) prune() {
	for id, created := range c.Ended {
		if !created.IsZero() && created.Before(c.Newest.Add(-maxBack-2*overlap)) {
			delete(c.Ended, id)
		}
	}
}

// older returns the next active runs that are not in a list.
func (c *cursor) older(listed []api.RunSummary) []string {
	var ids []string
	for id := range c.Active {
		if !slices.ContainsFunc(listed, func(r api.RunSummary) bool { return r.RunID == id }) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if len(ids) <= lookUps {
		return ids
	}
	c.Turn = (c.Turn + lookUps) % len(ids)
	return append(ids[c.Turn:], ids[:c.Turn]...)[:lookUps]
}

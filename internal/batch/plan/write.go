package plan

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/uselamina/lamina/internal/disk"
)

// A Draft is an items file that is being written. Write makes it the items file of a plan; until then it is a temporary file.
type Draft struct {
	file *os.File
	out  *bufio.Writer
	sum  hash.Hash
	n    int
}

// NewDraft begins an items file in a folder.
func NewDraft(dir string) (*Draft, error) {
	f, err := os.CreateTemp(dir, tempPattern)
	if err != nil {
		return nil, err
	}
	return &Draft{file: f, out: bufio.NewWriterSize(f, 256<<10), sum: sha256.New()}, nil
}

// Add appends an item. Its inputs are JSON without a line break (Canonical).
func (d *Draft) Add(item Item) error {
	line := append(compact(item), '\n')
	_, _ = d.sum.Write(line)
	d.n++
	_, err := d.out.Write(line)
	return err
}

// Items returns the number of items so far.
func (d *Draft) Items() int { return d.n }

// Hash returns the SHA-256 of the items so far.
func (d *Draft) Hash() string { return hex.EncodeToString(d.sum.Sum(nil)) }

// Each calls f with the items so far, in order.
func (d *Draft) Each(f func(item Item) error) error {
	if err := d.out.Flush(); err != nil {
		return err
	}
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	_, err = eachItem(io.NewSectionReader(d.file, 0, info.Size()), func(_ int, _ int64, item Item) error { return f(item) })
	return err
}

// Discard removes the draft.
func (d *Draft) Discard() { disk.Discard(d.file) }

// Write makes a draft and a plan the ones of a folder. The items are written first, under a name of their own, and the plan last, in one
// step: an interrupted process leaves the old plan with the old items, or the new ones. Format, Rule, Items, ItemsFile and ItemsHash of
// the plan are set. The draft is gone afterwards, also after an error.
func Write(dir string, p Plan, d *Draft) (*Plan, error) {
	p.Format, p.Rule, p.Items, p.ItemsHash = Format, Rule, d.n, d.Hash()
	p.ItemsFile, p.dir = itemsName(p.ItemsHash), dir
	if problem := p.problem(); problem != "" {
		d.Discard()
		return nil, errors.New("the plan was not written: " + problem)
	}
	if err := d.out.Flush(); err != nil {
		d.Discard()
		return nil, err
	}
	if err := disk.Commit(d.file, p.ItemsPath()); err != nil {
		return nil, err
	}
	return &p, p.save()
}

// save replaces plan.json. The items stay as they are.
func (p *Plan) save() error {
	raw, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	if err := disk.WriteFile(filepath.Join(p.dir, planName), append(raw, '\n')); err != nil {
		return err
	}
	p.removeOld()
	return nil
}

// removeOld removes the items files and the drafts of other plans. A file that stays does no harm.
func (p *Plan) removeOld() {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		name := entry.Name()
		if isTemp(name) || itemsFile().MatchString(name) && name != p.ItemsFile {
			_ = os.Remove(filepath.Join(p.dir, name))
		}
	}
}

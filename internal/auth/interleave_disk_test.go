package auth

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/uselamina/lamina/internal/config"
)

// A memoryDisk is the disk of the world as one process uses it. It implements configtest.Disk.
type memoryDisk struct{ p *proc }

func base(path string) string { return filepath.Base(path) }

// isShared reports whether a file is the one that the Node client writes, too.
func isShared(path string) bool { return base(path) == "config.json" }

// isDocument reports whether a file is part of the configuration, which other processes read.
func isDocument(path string) bool { return isShared(path) || base(path) == "profiles.json" }

func (d memoryDisk) Read(path string) ([]byte, error) {
	var data string
	var known bool
	ok := d.p.take(step{what: "read " + base(path), local: !isDocument(path), do: func(string) string {
		var f file
		f, known = d.p.w.files[base(path)]
		data = f.data
		if d.p.w.broken.noSecondRead && isShared(path) {
			if d.p.firstRead == "" {
				d.p.firstRead = data
			}
			data = d.p.firstRead
		}
		return data
	}})
	switch {
	case !ok:
		return nil, errDead
	case !known:
		return nil, syscall.ENOENT
	}
	return []byte(data), nil
}

func (d memoryDisk) WriteTemp(target string, data []byte) (string, error) {
	w := d.p.w
	isJournal := !isDocument(target)
	d.p.comparing = isShared(target)
	var name string
	failed := false
	ok := d.p.take(step{what: "write temporary " + base(target), local: true, faults: []string{"disk full"}, do: func(fault string) string {
		if failed = fault != ""; failed {
			return "full"
		}
		d.p.temps++
		name = fmt.Sprintf("%s.tmp-%d-%d", base(target), d.p.id, d.p.temps)
		if !(isJournal && w.broken.noJournal) {
			w.files[name] = file{string(data), !w.broken.noSync}
		}
		return ""
	}})
	switch {
	case !ok:
		return "", errDead
	case failed:
		return "", syscall.ENOSPC
	}
	return filepath.Join(filepath.Dir(target), name), nil
}

func (d memoryDisk) Rename(from, to string) error {
	w := d.p.w
	if w.broken.earlyUnlock {
		d.unlock(config.RefreshLock("").String())
	}
	if w.broken.tornWrite && isDocument(to) {
		d.p.take(step{what: "truncate", do: func(string) string { w.files[base(to)] = file{"", true}; return "" }})
	}
	ok := d.p.take(step{what: "rename to " + base(to), local: !isDocument(to), stops: kill, do: func(string) string {
		if f, there := w.files[base(from)]; there {
			w.files[base(to)] = f
			delete(w.files, base(from))
		}
		if isDocument(to) {
			w.renames++
		}
		if isShared(to) {
			d.p.comparing = false
			d.p.stored = w.server.rotatedBy == d.p
		}
		return ""
	}})
	if !ok {
		return errDead
	}
	return nil
}

// WriteInPlace is not called, because Rename never fails.
func (d memoryDisk) WriteInPlace(string, []byte) error { return errDead }

// CheckReplace is not a step, because no other process can observe it.
func (d memoryDisk) CheckReplace(string) error { return nil }

func (d memoryDisk) SyncDir(string) error {
	w := d.p.w
	ok := d.p.take(step{what: "sync the folder", local: true, do: func(string) string {
		if !w.broken.noFolderSync {
			w.durable, w.renames = maps.Clone(w.files), 0
		}
		d.p.durable = d.p.stored
		return ""
	}})
	if !ok {
		return errDead
	}
	return nil
}

func (d memoryDisk) Remove(path string) error {
	w := d.p.w
	d.p.comparing = false
	ok := d.p.take(step{what: "remove", local: true, stops: kill, do: func(string) string { delete(w.files, base(path)); return "" }})
	if !ok {
		return errDead
	}
	return nil
}

func (d memoryDisk) Lock(ctx context.Context, path string) (func(), error) {
	w := d.p.w
	lock := base(path)
	free := func() bool { return w.holder[lock] == nil || w.broken.noLock }
	late := false
	ok := d.p.take(step{what: "lock " + lock, enabled: free, faults: []string{"waited too long"}, do: func(fault string) string {
		if late = fault != ""; !late {
			w.holder[lock] = d.p
		}
		return ""
	}})
	switch {
	case !ok:
		return nil, errDead
	case late:
		return nil, context.DeadlineExceeded
	case ctx.Err() != nil:
		d.unlock(lock)
		return nil, ctx.Err()
	}
	return func() { d.unlock(lock) }, nil
}

// unlock is not a step, because no process can observe it apart from the previous step.
func (d memoryDisk) unlock(lock string) {
	w := d.p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holder[lock] == d.p {
		delete(w.holder, lock)
	}
}

// promptly is the longest time that a foreign program takes for each of its steps from the service's response to the end of
// its write. invalidGrant reads the store for a quarter of a second; nothing is promised for a slower program.
const promptly = 100 * time.Millisecond

// Sleep takes any time that keeps a foreign program prompt.
func (d memoryDisk) Sleep(t time.Duration) {
	w := d.p.w
	foreign := slices.ContainsFunc(w.procs, func(p *proc) bool { return p.foreign })
	d.p.take(step{what: "sleep", local: !foreign, do: func(string) string { d.p.slept += t; return "" }, enabled: func() bool {
		return !slices.ContainsFunc(w.procs, func(p *proc) bool { return p.midway }) || d.p.slept+t < promptly
	}})
}

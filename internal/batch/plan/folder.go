package plan

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/batch/shard"
	"github.com/uselamina/lamina/internal/disk"
)

// The names in the folder of a batch.
const (
	planName        = "plan.json"
	lockName        = ".lock"
	uploadsName     = "uploads.ndjson"
	journalName     = "journal"
	cancelName      = ".cancel"
	creditsName     = "credits.json"
	creditsLockName = "credits.lock"
	resultsName     = "results.ndjson"
	reportName      = "report.html"
	itemsPrefix     = "items-"
	itemsSuffix     = ".ndjson"
	tempPattern     = "items.tmp-*"
)

// itemsName returns the name of the items file with a hash.
func itemsName(hash string) string { return itemsPrefix + hash[:min(8, len(hash))] + itemsSuffix }

// Dir returns the folder of the batch.
func (p *Plan) Dir() string { return p.dir }

// ItemsPath returns the path of the items file.
func (p *Plan) ItemsPath() string { return filepath.Join(p.dir, p.ItemsFile) }

// JournalDir returns the folder of the journals.
func (p *Plan) JournalDir() string { return filepath.Join(p.dir, journalName) }

// JournalPath returns the path of the journal of a shard.
func (p *Plan) JournalPath(s shard.Shard) string {
	return filepath.Join(p.JournalDir(), s.FileName()+".ndjson")
}

// JournalLockPath returns the path of the lock file that a process locks while it runs a shard.
func (p *Plan) JournalLockPath(s shard.Shard) string {
	return filepath.Join(p.JournalDir(), s.FileName()+".lock")
}

// CreditsPath returns the path of the reservations of credits.
func (p *Plan) CreditsPath() string { return filepath.Join(p.dir, creditsName) }

// CreditsLockPath returns the path of the lock file of the reservations.
func (p *Plan) CreditsLockPath() string { return filepath.Join(p.dir, creditsLockName) }

// ResultsPath returns the path of the results.
func (p *Plan) ResultsPath() string { return filepath.Join(p.dir, resultsName) }

// ReportPath returns the path of the report.
func (p *Plan) ReportPath() string { return filepath.Join(p.dir, reportName) }

// LockShared keeps others from planning the batch again while a process runs a part of it. It does not wait: the error is
// disk.ErrLocked while the batch is planned.
func LockShared(dir string) (unlock func(), err error) {
	return disk.Lock(filepath.Join(dir, lockName), true)
}

// LockExclusive keeps others from running the batch while it is planned. It does not wait: the error is disk.ErrLocked while a
// process runs a part of the batch, or plans it.
func LockExclusive(dir string) (unlock func(), err error) {
	return disk.Lock(filepath.Join(dir, lockName), false)
}

// LockToCancel is LockExclusive, but makes the processes that run parts of the batch stop, by IsCancelling, and waits for them. The
// error is disk.ErrLocked if one still runs after the wait, or if another process cancels the batch, and that of ctx when it is done.
func LockToCancel(ctx context.Context, dir string, wait time.Duration) (unlock func(), err error) {
	stop, err := disk.LockWithin(ctx, filepath.Join(dir, cancelName), false, disk.ProbeWait)
	if err != nil {
		return nil, err
	}
	defer stop()
	return disk.LockWithin(ctx, filepath.Join(dir, lockName), false, wait)
}

// IsCancelling reports whether the processes that run parts of the batch have to stop.
func IsCancelling(dir string) bool { return disk.IsLocked(filepath.Join(dir, cancelName)) }

// ErrNotABatch means that a folder has other files, and no plan.
var ErrNotABatch = errors.New("is not empty, and is not the folder of a batch")

// Prepare creates the folder of a batch. A folder with a plan, or with files of an interrupted process and no plan, is taken as
// it is; one with anything else is refused with ErrNotABatch.
func Prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	isForeign := false
	for _, entry := range entries {
		if entry.Name() == planName {
			return nil
		}
		isForeign = isForeign || !mayBeLeft(entry.Name())
	}
	if isForeign {
		return ErrNotABatch
	}
	return nil
}

// RemoveEmpty removes a folder that has nothing but the lock file, which the caller has locked: nothing was planned there.
func RemoveEmpty(dir string) {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) == 1 && entries[0].Name() == lockName && os.Remove(filepath.Join(dir, lockName)) == nil {
		_ = os.Remove(dir)
	}
}

// mayBeLeft reports whether a file may be in the folder of a batch before there is a plan.
func mayBeLeft(name string) bool {
	return name == lockName || name == uploadsName || isTemp(name) || itemsFile().MatchString(name) || strings.HasPrefix(name, planName+".tmp-")
}

// isTemp reports whether a name is that of a draft.
func isTemp(name string) bool { return strings.HasPrefix(name, strings.TrimSuffix(tempPattern, "*")) }

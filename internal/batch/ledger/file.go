package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/uselamina/lamina/internal/disk"
)

const (
	version = 1
	maxFile = 4 << 20
)

// A DamagedError means that this program cannot have written the file. It was not changed.
type DamagedError struct {
	Path   string
	Reason string
}

// Error describes the problem.
func (e *DamagedError) Error() string { return e.Path + " " + e.Reason }

// A record has the credits of an owner.
type record struct {
	Spent    float64 `json:"spent"`
	Reserved float64 `json:"reserved"`
}

// total returns the sum of all records.
func total(records map[string]record) (sum float64) {
	for _, r := range records {
		sum += r.Spent + r.Reserved
	}
	return sum
}

// document is the content of the file.
type document struct {
	Version int               `json:"version"`
	Owners  map[string]record `json:"owners"`
}

// A file holds the records of all owners.
type file struct{ path, lock string }

// locked calls do while this process has the lock. It waits for the lock until ctx is done, or others have had it for too long.
func (f file) locked(ctx context.Context, do func() error) error {
	unlock, err := disk.LockWithin(ctx, f.lock, false, lockWait)
	if err != nil {
		return err
	}
	defer unlock()
	return do()
}

// read returns the records; none if there is no file.
func (f file) read() (map[string]record, error) {
	raw, err := disk.ReadFile(f.path, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]record{}, nil
	}
	if err != nil {
		return nil, err
	}
	records, problem := decode(raw)
	if problem != "" {
		return nil, &DamagedError{f.path, problem}
	}
	return records, nil
}

// decode returns the records in a file, or what is wrong with it.
func decode(raw []byte) (records map[string]record, problem string) {
	var d document
	if err := json.Unmarshal(raw, &d); err != nil || d.Version == 0 {
		return nil, "is damaged"
	}
	if d.Version != version {
		return nil, fmt.Sprintf("has the format %d; this version reads %d", d.Version, version)
	}
	if d.Owners == nil {
		return nil, "is damaged: it has no owners"
	}
	for owner, r := range d.Owners {
		if check(r.Spent, r.Reserved) != nil {
			return nil, fmt.Sprintf("is damaged: it has impossible credits for %q", owner)
		}
	}
	return d.Owners, ""
}

// write replaces the file in one step.
func (f file) write(records map[string]record) error {
	raw, err := json.Marshal(document{version, records})
	if err != nil {
		return err
	}
	return disk.WriteFile(f.path, append(raw, '\n'))
}

package batchinfo

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/uselamina/lamina/internal/batch/engine"
	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/ledger"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/disk"
	"github.com/uselamina/lamina/internal/fail"
)

// nothingStarted ends the messages about folders that cannot be used.
const nothingStarted = "; nothing was started"

// Unusable describes what is wrong with the files in the folder of a batch. Other errors are returned as they are.
func Unusable(dir string, err error) error {
	var hint string
	var foreign *journal.ForeignError
	var damaged *journal.DamagedError
	var credits *ledger.DamagedError
	var short *engine.ShortError
	switch {
	case errors.Is(err, disk.ErrLocked):
		return Busy(dir, err)
	case errors.As(err, &foreign) && foreign.IsOtherFormat():
		hint = "use the version of lamina that wrote it"
	case errors.As(err, &foreign):
		hint = "move it out of the folder, or restore the folder from a copy"
	case errors.As(err, &damaged):
		hint = "restore the folder from a copy: without the journal, items would be started twice"
	case errors.As(err, &short) && short.Runs > 0:
		hint = "restore the folder from a copy. If those runs are of another batch, remove " + short.Mark
	case errors.As(err, &short):
		hint = "restore the folder from a copy. To start the items again that the missing records named, remove " + short.Mark
	case errors.As(err, &credits):
		hint = "remove the file; it is made again from the journals"
	case errors.Is(err, plan.ErrNone):
		return &fail.Error{
			Code: fail.BatchUnusable, Message: "there is no batch in " + dir, Hint: fail.CommandLine("batch", "plan", "APP", "ITEMS", "--out", dir), Err: err,
		}
	case errors.Is(err, plan.ErrFormat):
		hint = "use the version of lamina that planned the batch, or plan it in a new folder"
	case errors.Is(err, plan.ErrItems):
		hint = "plan the same items again, with the same command, and the file is restored"
	case errors.Is(err, plan.ErrDamaged), errors.Is(err, disk.ErrNotRegular):
		hint = restore
	default:
		return FileError(dir, err)
	}
	return &fail.Error{Code: fail.BatchUnusable, Message: err.Error() + nothingStarted, Hint: hint, Err: err}
}

// Short describes that a journal has lost records and that nothing was started therefore; nil if err says something else.
func Short(dir string, err error) error {
	var short *engine.ShortError
	if !errors.As(err, &short) {
		return nil
	}
	return Unusable(dir, err)
}

// FreeSpace is the hint for a full disk.
const FreeSpace = "free space on the disk, and repeat the command: it continues"

// restore is the hint for a folder whose files were changed by others.
const restore = "restore the folder from a copy, or plan the batch in a new folder"

// FileError describes an error of the operating system about a file in the folder of a batch. Other errors are returned as they are.
func FileError(dir string, err error) error {
	var path *fs.PathError
	var link *os.LinkError
	var own *fail.Error
	if errors.As(err, &own) || !errors.As(err, &path) && !errors.As(err, &link) {
		return err
	}
	hint := restore
	switch {
	case IsFull(err):
		return &fail.Error{Err: err, Around: "%s", Hint: FreeSpace}
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		hint = "raise the limit of open files (ulimit -n), or run a part of the shards in each process (--shard)"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		hint = "make the folder writable, and repeat the command"
	case !IsFolder(dir):
		hint = "name the folder that lamina batch plan has written"
	}
	return &fail.Error{Code: fail.BatchUnusable, Message: err.Error() + nothingStarted, Hint: hint, Err: err}
}

// NotWritten describes why a file in the folder of a batch could not be replaced.
func NotWritten(dir, path string, err error) error {
	if errors.Is(err, context.Canceled) {
		return &fail.Error{Code: fail.Interrupted, Message: "interrupted; " + path + " was not written", Hint: "repeat the command", Err: err}
	}
	if IsFolder(path) {
		return &fail.Error{
			Code: fail.BatchUnusable, Message: path + " is a folder, which is not replaced", Hint: "move it out of the folder of the batch, and repeat the command", Err: err,
		}
	}
	return Unusable(dir, err)
}

// IsFull reports whether an error says that there is no room for a file.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// IsFolder reports whether a path is that of a folder.
func IsFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Busy describes that another process uses the folder of a batch. Other errors are those of Unusable.
func Busy(dir string, err error) error {
	if !errors.Is(err, disk.ErrLocked) {
		return Unusable(dir, err)
	}
	return &fail.Error{
		Code: fail.BatchBusy, Message: "another process runs, plans or cancels the batch in " + dir + nothingStarted,
		Hint: fail.CommandLine("batch", "status", dir), Err: err,
	}
}

// CannotPrepare describes why a folder cannot be that of a batch.
func CannotPrepare(folder string, err error) error {
	hint := "name another folder with --out"
	if errors.Is(err, plan.ErrNotABatch) {
		return &fail.Error{Code: fail.BatchUnusable, Message: folder + " " + err.Error() + "; nothing was written", Hint: hint, Err: err}
	}
	return fail.Usage(hint, "the folder %s cannot be used: %v", folder, err)
}

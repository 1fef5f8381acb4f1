package batchinfo

import (
	"errors"

	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/ledger"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/disk"
	"github.com/uselamina/lamina/internal/fail"
)

// Unusable describes what is wrong with the files in the folder of a batch. Other errors are returned as they are.
func Unusable(dir string, err error) error {
	hint := ""
	var damaged *journal.DamagedError
	var foreign *journal.ForeignError
	var credits *ledger.DamagedError
	switch {
	case errors.Is(err, disk.ErrLocked):
		return Busy(dir, err)
	case errors.As(err, &foreign):
		hint = "use the version of lamina that wrote it, or move it out of the folder"
	case errors.As(err, &damaged):
		hint = "restore the folder from a copy: without the journal, items would be started twice"
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
		hint = "restore the folder from a copy, or plan the batch in a new folder"
	default:
		return err
	}
	return &fail.Error{Code: fail.BatchUnusable, Message: err.Error() + "; nothing was started", Hint: hint, Err: err}
}

// Busy describes that another process uses the folder of a batch. Other errors are those of Unusable.
func Busy(dir string, err error) error {
	if !errors.Is(err, disk.ErrLocked) {
		return Unusable(dir, err)
	}
	return &fail.Error{
		Code: fail.BatchBusy, Message: "another process runs or plans the batch in " + dir + "; nothing was started",
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

package scan

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Stdin scans a stream. name stands for it in the report.
func (f *Finder) Stdin(r io.Reader, name string) Report {
	var report Report
	f.stream(r, name, &report)
	return report
}

// stream scans what the user named. What is not text was named, but cannot be scanned.
func (f *Finder) stream(r io.Reader, name string, report *Report) {
	switch whyNot, err := f.text(r, report.add(name, "")); {
	case err != nil:
		report.miss(name, reason(err))
	case whyNot != "":
		report.miss(name, whyNot)
	default:
		report.Files++
	}
}

// add returns a function that adds a finding in a file, or in a git object.
func (r *Report) add(path, object string) func(line int, h Hit) {
	return func(line int, h Hit) {
		r.Findings = append(r.Findings, Finding{Hit: h, Path: filepath.ToSlash(path), Line: line, Object: object})
	}
}

// file scans one file below root.
func (f *Finder) file(root, path string, report *Report) {
	at := filepath.Join(root, path)
	info, err := os.Lstat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		report.skip(path, isGone) // it was removed, or is outside of a sparse checkout
		return
	case err != nil:
		report.miss(path, reason(err))
		return
	case info.Mode()&fs.ModeSymlink != 0:
		report.skip(path, isLink) // the target is scanned by itself
		return
	case info.IsDir():
		report.skip(path, isModule)
		return
	case !info.Mode().IsRegular():
		report.skip(path, isSpecial)
		return
	}
	file, err := os.Open(at)
	if err != nil {
		report.miss(path, reason(err))
		return
	}
	defer func() { _ = file.Close() }()
	before, statErr := file.Stat()
	whyNot, err := f.text(file, report.add(path, ""))
	after, lastErr := file.Stat()
	switch err := cmp.Or(statErr, err, lastErr); {
	case err != nil:
		report.miss(path, reason(err))
	case whyNot != "":
		report.skip(path, whyNot)
	case before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime()):
		report.miss(path, isChanged)
	default:
		report.Files++
	}
}

// Named scans a file that the user named. A pipe or a device is read as a stream.
func (f *Finder) Named(path string) Report {
	var report Report
	file, err := os.Open(path)
	if err != nil {
		report.miss(path, reason(err))
		return report
	}
	defer func() { _ = file.Close() }()
	f.stream(file, path, &report)
	return report
}

// Folder scans all files of a folder except .git and node_modules. A link to a folder is not followed; see filepath.EvalSymlinks.
func (f *Finder) Folder(ctx context.Context, path string) (Report, error) {
	var report Report
	err := filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
		relative, relErr := filepath.Rel(path, at)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case relErr != nil:
			return relErr
		case err != nil:
			report.miss(relative, reason(err))
			return nil
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case entry.IsDir() && entry.Name() == "node_modules":
			report.skip(relative, isLibrary)
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		f.file(path, relative, &report)
		return nil
	})
	return report, errors.Join(err, ctx.Err())
}

// reason returns the cause of an error of a file, without its path.
func reason(err error) string {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

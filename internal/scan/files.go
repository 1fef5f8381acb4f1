package scan

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A Finding is a key with its place.
type Finding struct {
	Hit
	Path   string // of the file, relative to the folder that was scanned
	Line   int    // from 1
	Object string // the git object that contains the key; empty for a file on disk
}

// A Report is the result of a scan.
type Report struct {
	Findings []Finding
	Files    int // files that were scanned
	Versions int // versions of files in the history that were scanned
	Skipped  int // files that are not text or could not be read
}

// longestLine is the largest number of bytes that are scanned as one line.
const longestLine = 1 << 20

// text scans a text line by line and calls found for each key. It returns false if r is not text.
func (f *Finder) text(r io.Reader, found func(line int, h Hit)) (bool, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	if head, _ := b.Peek(8 << 10); bytes.IndexByte(head, 0) >= 0 {
		_, err := io.Copy(io.Discard, b)
		return false, err
	}
	lines := bufio.NewScanner(b)
	lines.Buffer(make([]byte, 0, 64<<10), longestLine)
	lines.Split(linesOrParts)
	for n := 1; lines.Scan(); n++ {
		for _, h := range f.Line(lines.Bytes()) {
			found(n, h)
		}
	}
	return true, lines.Err()
}

// linesOrParts is a bufio.SplitFunc for lines. It splits a line that is longer than half of longestLine into parts.
func linesOrParts(data []byte, atEOF bool) (int, []byte, error) {
	advance, token, err := bufio.ScanLines(data, atEOF)
	if advance == 0 && token == nil && len(data) >= longestLine/2 {
		return len(data), data, err
	}
	return advance, token, err
}

// file scans one file below root.
func (f *Finder) file(root, path string, report *Report) {
	info, err := os.Lstat(filepath.Join(root, path))
	if err != nil || !info.Mode().IsRegular() {
		return // the file was removed, or is a link: the target is scanned by itself
	}
	file, err := os.Open(filepath.Join(root, path))
	if err != nil {
		report.Skipped++
		return
	}
	defer file.Close()
	isText, err := f.text(file, func(line int, h Hit) {
		report.Findings = append(report.Findings, Finding{Hit: h, Path: filepath.ToSlash(path), Line: line})
	})
	if err != nil || !isText {
		report.Skipped++
		return
	}
	report.Files++
}

// Folder scans a file, or all files of a folder except .git and node_modules.
func (f *Finder) Folder(ctx context.Context, path string) (Report, error) {
	var report Report
	info, err := os.Stat(path)
	if err != nil {
		return report, err
	}
	if !info.IsDir() {
		f.file(filepath.Dir(path), filepath.Base(path), &report)
		return report, nil
	}
	err = filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			report.Skipped++
			return nil //nolint:nilerr // the other files are scanned
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		relative, err := filepath.Rel(path, at)
		if err != nil {
			return err
		}
		f.file(path, relative, &report)
		return nil
	})
	return report, errors.Join(err, ctx.Err())
}

package inbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The names of segments are segmentPrefix, the number of the first delivery in 16 digits, and segmentSuffix.
const (
	segmentPrefix = "deliveries-"
	segmentSuffix = ".ndjson"
)

func segmentName(first uint64) string {
	return fmt.Sprintf("%s%016d%s", segmentPrefix, first, segmentSuffix)
}

// firstOf returns the number of the first delivery in a segment, by the name of its file.
func firstOf(name string) (first uint64, isSegment bool) {
	digits := strings.TrimSuffix(strings.TrimPrefix(name, segmentPrefix), segmentSuffix)
	first, err := strconv.ParseUint(digits, 10, 64)
	return first, err == nil && segmentName(first) == name
}

// segments returns the numbers of the first deliveries of all segments in a folder, in order.
func segments(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []uint64
	for _, entry := range entries {
		if first, ok := firstOf(entry.Name()); ok && entry.Type().IsRegular() {
			all = append(all, first)
		}
	}
	slices.Sort(all)
	return all, nil
}

// place is where a delivery is stored.
type place struct {
	segment uint64
	offset  int64
	length  int
}

// scan yields the lines of a segment that end in a line break, and where they are.
func scan(r io.Reader, segment uint64) iter.Seq2[place, []byte] {
	return func(yield func(place, []byte) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		at := place{segment: segment}
		for {
			line, err := in.ReadBytes('\n')
			if err != nil { // what follows the last line break was not stored completely
				return
			}
			at.length = len(line)
			if !yield(at, bytes.TrimSuffix(line, []byte("\n"))) {
				return
			}
			at.offset += int64(len(line))
		}
	}
}

// All yields the deliveries of the inbox in a folder, oldest first. It needs no lock. A missing folder is an empty inbox.
func All(dir string) iter.Seq2[Delivery, error] {
	return func(yield func(Delivery, error) bool) {
		firsts, err := segments(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			yield(Delivery{}, err)
			return
		}
		for _, first := range firsts {
			f, err := os.Open(filepath.Join(dir, segmentName(first)))
			if errors.Is(err, fs.ErrNotExist) {
				continue // the process that adds has removed it as the oldest one
			}
			if err != nil {
				yield(Delivery{}, err)
				return
			}
			ended := yieldSegment(f, first, yield)
			_ = f.Close()
			if ended {
				return
			}
		}
	}
}

func yieldSegment(f *os.File, first uint64, yield func(Delivery, error) bool) (ended bool) {
	seq := first
	for _, line := range scan(f, first) {
		if d, ok := parse(line, seq); ok && !yield(d, nil) {
			return true
		}
		seq++
	}
	return false
}

// Newest returns the newest deliveries of the inbox in a folder, at most limit, newest first. It reads only the segments that have them.
func Newest(dir string, limit int) (newest []Delivery, err error) {
	firsts, err := segments(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, first := range slices.Backward(firsts) {
		raw, err := os.ReadFile(filepath.Join(dir, segmentName(first)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var lines [][]byte
		for _, line := range scan(bytes.NewReader(raw), first) {
			lines = append(lines, line)
		}
		for i, line := range slices.Backward(lines) {
			if len(newest) == limit {
				return newest, nil
			}
			if d, ok := parse(line, first+uint64(i)); ok {
				newest = append(newest, d)
			}
		}
	}
	return newest, nil
}

// Find returns the delivery of a run. found is false if there is none.
func Find(dir, id string) (d Delivery, found bool, err error) {
	for d, err := range All(dir) {
		if err != nil || d.ID == id {
			return d, err == nil, err
		}
	}
	return Delivery{}, false, nil
}

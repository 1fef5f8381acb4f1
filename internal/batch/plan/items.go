package plan

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/uselamina/lamina/internal/disk"
)

// An Item is one run that a batch needs.
type Item struct {
	ID     string          `json:"id"`
	Inputs json.RawMessage `json:"inputs"`
}

// MaxLine is the largest line of an items file, in bytes.
const MaxLine = 32 << 20

// openItems opens the items file.
func (p *Plan) openItems() (*os.File, error) {
	f, err := disk.Open(p.ItemsPath())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, p.itemsError("is missing")
	case errors.Is(err, disk.ErrNotRegular):
		return nil, p.itemsError("%v", disk.ErrNotRegular)
	}
	return f, err
}

// itemsError returns the error for an items file that cannot be used.
func (p *Plan) itemsError(format string, args ...any) error {
	return &Error{Kind: ErrItems, Path: p.ItemsPath(), Detail: fmt.Sprintf(format, args...)}
}

// EachItem calls f with the items in order, with the number of each from 0 and its place in the items file. An error of f ends it. The
// content of the file is known to be the one of the plan only when EachItem returns no error; else the error is an *Error.
func (p *Plan) EachItem(f func(i int, offset int64, item Item) error) error {
	file, err := p.openItems()
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := eachItem(io.TeeReader(file, sum), f)
	var bad *badLineError
	switch {
	case errors.As(err, &bad):
		return p.itemsError("has been changed: %v", bad)
	case err != nil:
		return err
	case hex.EncodeToString(sum.Sum(nil)) != p.ItemsHash:
		return p.itemsError("has been changed: its SHA-256 is not the one of the plan")
	case n != p.Items:
		return p.itemsError("has %d items, and the plan has %d", n, p.Items)
	}
	return nil
}

// A badLineError is a line that is no item.
type badLineError struct{ line int }

// Error describes the problem.
func (e *badLineError) Error() string { return fmt.Sprintf("line %d is no item", e.line) }

// eachItem calls f with the items of a file, and returns their number.
func eachItem(r io.Reader, f func(i int, offset int64, item Item) error) (n int, err error) {
	in := bufio.NewReaderSize(r, 256<<10)
	var offset int64
	for ; ; n++ {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return n, nil
		}
		if errors.Is(err, disk.ErrLongLine) {
			return n, &badLineError{n + 1}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
		item, err := decodeItem(line)
		if err != nil {
			return n, &badLineError{n + 1}
		}
		if err := f(n, offset, item); err != nil {
			return n, err
		}
		offset += int64(len(line))
	}
}

// ItemAt returns the item at a place that EachItem told. f is the items file.
func (p *Plan) ItemAt(f io.ReaderAt, offset int64) (Item, error) {
	line, err := disk.LineAt(f, offset, MaxLine)
	if err != nil {
		return Item{}, p.itemsError("has been changed: it ends before an item")
	}
	item, err := decodeItem(line)
	if err != nil {
		return Item{}, p.itemsError("has been changed: there is no item at byte %d", offset)
	}
	return item, nil
}

// readLine returns a line with its line break. At the end of the file it returns what is left, and io.EOF.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > MaxLine {
			return nil, disk.ErrLongLine
		}
	}
}

// decodeItem decodes a line of an items file.
func decodeItem(line []byte) (Item, error) {
	var item Item
	if err := json.Unmarshal(line, &item); err != nil {
		return Item{}, err
	}
	if item.ID == "" || !bytes.HasPrefix(item.Inputs, []byte("{")) {
		return Item{}, errors.New("no item")
	}
	return item, nil
}

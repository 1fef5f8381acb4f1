package journal

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/uselamina/lamina/internal/disk"
)

const (
	// markExt is the end of the name of the file of a mark, in the folder of the journal.
	markExt = ".size"
	// markLength is the length of the file, so that a newer size replaces all of an older one.
	markLength = 20
)

// MarkPath returns the path of the file that has the size of a journal.
func MarkPath(journal string) string { return strings.TrimSuffix(journal, Ext) + markExt }

// A mark is the size that a journal had, in a file. A journal that is smaller has lost records. The mark is never larger than what was
// flushed of the journal.
type mark struct {
	file *os.File
	size int64
}

// openMark opens the mark of a journal, and creates it if it is missing. What is no size counts as 0.
func openMark(journal string) (mark, error) {
	f, err := disk.Update(MarkPath(journal))
	if err != nil {
		return mark{}, err
	}
	m := mark{file: f}
	raw, err := io.ReadAll(io.NewSectionReader(f, 0, markLength))
	if err == nil {
		m.size, _ = strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	}
	return m, nil
}

// set stores the size of the journal. It never goes down: what is missing stays missing. A size that cannot be stored does no harm.
func (m *mark) set(size int64) {
	if size <= m.size {
		return
	}
	if _, err := m.file.WriteAt(fmt.Appendf(nil, "%-*d\n", markLength-1, size), 0); err == nil {
		m.size = size
	}
}

func (m *mark) close() {
	if m.file != nil {
		_ = m.file.Close()
	}
}

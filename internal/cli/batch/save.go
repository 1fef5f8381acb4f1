package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/batch/engine"
	"github.com/uselamina/lamina/internal/batch/journal"
	"github.com/uselamina/lamina/internal/batch/plan"
	"github.com/uselamina/lamina/internal/cli/batchinfo"
	"github.com/uselamina/lamina/internal/cli/runinfo"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/transfer"
)

// A saver writes the outputs of the items of a batch to this disk.
type saver struct {
	dir        string // of the batch
	pattern    string
	downloader *transfer.Downloader
}

// newSaver returns a saver for a pattern of paths; nil for an empty one.
func newSaver(env *cmdutil.Env, dir, pattern string) (*saver, error) {
	if pattern == "" {
		return nil, nil
	}
	session, err := env.Sessions.OpenFor(provider.Lamina())
	if err != nil {
		return nil, err
	}
	s := &saver{dir: dir, pattern: pattern}
	s.downloader, err = session.Downloader()
	if err == nil {
		s.downloader.Force = true // an interrupted process may have saved the same output
	}
	return s, err
}

// placeholders are what a pattern may have in braces.
var placeholders = []string{"{id}", "{label}", "{index}", "{ext}", "{runId}"}

// checkPattern refuses a pattern with an unknown placeholder, and one by which items would replace each other's files, or those of the
// batch in the folder dir.
func checkPattern(dir, pattern string) error {
	for _, name := range regexp.MustCompile(`\{[^{}/]*\}`).FindAllString(pattern, -1) {
		if !slices.Contains(placeholders, name) {
			return fail.Usage("use "+strings.Join(placeholders, ", "), "--download has the unknown placeholder %s", name)
		}
	}
	if isAmongFiles(dir, pattern) {
		return fail.Usage("use a folder of its own, such as "+fail.Quote(filepath.Join(dir, "out", "{id}")+"/"),
			"--download would mix the outputs with the files of the batch in %s", dir)
	}
	if pattern == "" || strings.Contains(pattern, "{id}") || strings.Contains(pattern, "{runId}") {
		return nil
	}
	return fail.Usage("", "--download needs {id} in its path, so that each item has files of its own, such as %s",
		fail.Quote(filepath.Join(pattern, "{id}")+"/"))
}

// isAmongFiles reports whether a pattern names files in the folder of a batch itself, or in that of its journals.
func isAmongFiles(dir, pattern string) bool {
	fixed, _, isTemplate := strings.Cut(pattern, "{")
	if isTemplate && !strings.HasSuffix(fixed, "/") {
		fixed = filepath.Dir(fixed)
	}
	folder, err := filepath.Abs(fixed)
	if err != nil || pattern == "" {
		return false
	}
	dir, err = filepath.Abs(dir)
	journals := filepath.Join(dir, "journal")
	return err == nil && (folder == dir || folder == journals || strings.HasPrefix(folder, journals+string(filepath.Separator)))
}

// save writes the outputs of a run. It returns those that it wrote, also with an error.
func (s *saver) save(ctx context.Context, item plan.Item, run engine.Run) ([]journal.File, error) {
	found := api.Run{RunID: run.ID, Status: api.Completed}
	if len(run.Outputs) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(run.Outputs, &found.Outputs); err != nil {
		return nil, err
	}
	outputs, _ := runinfo.OutputsToSave(found, nil) // the error says that there are none
	where := strings.ReplaceAll(s.pattern, "{id}", folderName(item.ID))
	var files []journal.File
	for i := range outputs {
		path, size, err := s.downloader.Save(ctx, outputs[i], func(o transfer.Output) string {
			outputs[i] = o
			return transfer.Names(where, run.ID, outputs, batchinfo.IsFolder)[i]
		})
		if err != nil {
			return files, err
		}
		sum, err := hashOf(path)
		if err != nil {
			return files, err
		}
		files = append(files, journal.File{Label: outputs[i].Label, Path: s.relative(path), Bytes: size, SHA256: sum})
	}
	return files, nil
}

// relative returns a path relative to the folder of the batch, so that the folder can be moved; the whole path of a file outside it.
func (s *saver) relative(path string) string {
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return path
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if inside, err := filepath.Rel(dir, whole); err == nil && filepath.IsLocal(inside) {
		return filepath.ToSlash(inside)
	}
	return whole
}

func hashOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// maxName is the largest number of characters that a name takes from an id.
const maxName = 80

// folderName returns a name for the files of an item that no file system takes for anything else. Ids of which that changes something
// get a part of their hash, so that two ids never have one name, also where case does not count.
func folderName(id string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '-'
	}, id)
	name = strings.Trim(name[:min(len(name), maxName)], ".")
	if name == id && !isReserved(name) {
		return name
	}
	sum := sha256.Sum256([]byte(id))
	return strings.Trim(name+"-"+hex.EncodeToString(sum[:8]), "-")
}

// isReserved reports whether Windows gives a name another meaning.
func isReserved(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	switch base {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(base) == 4 && (strings.HasPrefix(base, "com") || strings.HasPrefix(base, "lpt"))
}

package items

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
)

// IDs gives each item an id, and finds the ids that are there twice. It keeps 16 bytes of a hash of each.
type IDs struct {
	// KeepDuplicates gives each of several equal items without an id an id of its own. Otherwise only the first is kept.
	KeepDuplicates bool
	// Duplicates is the number of items that were equal to an earlier one.
	Duplicates int

	lines   map[[16]byte]uint32 // by hashes of ids
	repeats map[string]int
}

// Assign returns the id of an item: its own, or one of its content. isNew is false for an item that is left out. An id of its own that is
// there twice is an *Error.
func (s *IDs) Assign(r Record, content []byte) (id string, isNew bool, err error) {
	if r.ID != "" {
		if line, isTaken := s.take(r.ID, r.Line); isTaken {
			return "", false, &Error{Line: r.Line, Field: idName, Message: fmt.Sprintf("the id %q is already used in line %d", r.ID, line)}
		}
		return r.ID, true, nil
	}
	sum := sha256.Sum256(content)
	id = "sha-" + hex.EncodeToString(sum[:16])
	if _, isTaken := s.take(id, r.Line); !isTaken {
		return id, true, nil
	}
	s.Duplicates++
	if !s.KeepDuplicates {
		return "", false, nil
	}
	if s.repeats == nil {
		s.repeats = map[string]int{}
	}
	for isTaken := true; isTaken; {
		s.repeats[id]++
		_, isTaken = s.take(id+"-"+strconv.Itoa(s.repeats[id]+1), r.Line)
	}
	return id + "-" + strconv.Itoa(s.repeats[id]+1), true, nil
}

// take remembers an id, unless it is known: then it returns its line.
func (s *IDs) take(id string, line int) (first int, isTaken bool) {
	if s.lines == nil {
		s.lines = map[[16]byte]uint32{}
	}
	sum := sha256.Sum256([]byte(id))
	key := [16]byte(sum[:16])
	if known, ok := s.lines[key]; ok {
		return int(known), true
	}
	s.lines[key] = uint32(line)
	return 0, false
}

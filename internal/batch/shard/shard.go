// Package shard divides the items of a batch among processes, and finds out which part belongs to a process of an engine.
package shard

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Max is the largest number of shards of a batch.
const Max = 10_000

// A Shard is one of several parts of a batch.
type Shard struct {
	Index int // from 0
	Count int // 0 if it is unknown
}

// String returns, for example, 3/8.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// FileName returns, for example, 3-of-8.
func (s Shard) FileName() string { return fmt.Sprintf("%d-of-%d", s.Index, s.Count) }

// Parse returns the shard of a text like 3/8.
func Parse(text string) (Shard, error) {
	before, after, ok := strings.Cut(text, "/")
	index, isIndex := number(before)
	count, isCount := number(after)
	if !ok || !isIndex || !isCount {
		return Shard{}, fmt.Errorf("%q is no shard: write the number of the shard, from 0, and how many there are, such as 3/8", text)
	}
	s := Shard{Index: index, Count: count}
	if count == 0 {
		return Shard{}, errors.New("there is at least one shard: write 0/1 for all")
	}
	return s, s.check()
}

// check returns an error unless there is such a shard. A count of 0 is unknown.
func (s Shard) check() error {
	switch {
	case s.Count > Max:
		return fmt.Errorf("%d shards are too many: the most is %d", s.Count, Max)
	case s.Index >= Max || s.Count > 0 && s.Index >= s.Count:
		return fmt.Errorf("there is no shard %d: the shards are counted from 0 to %d", s.Index, max(s.Count, 1)-1)
	}
	return nil
}

// number parses digits alone, without a sign.
func number(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}

// Of returns the index of the shard that an item belongs to. It depends on the id alone, so that the order of the items does not matter.
func Of(id string, count int) int {
	sum := sha256.Sum256([]byte(id))
	return int(binary.BigEndian.Uint64(sum[:8]) % uint64(max(count, 1)))
}

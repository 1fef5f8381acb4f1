package main

import (
	"regexp"
	"sync"
	"testing"
	"time"
)

// A transcript is what a program has written so far. Its zero value is ready to use.
type transcript struct {
	mu      sync.Mutex
	text    []byte
	read    int           // the offset from which the next expect searches
	changed chan struct{} // closed at the next write; nil if no expect waits
}

// Write adds to the transcript.
func (l *transcript) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return len(b), nil
}

// String returns everything written so far.
func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// expect waits for a match after the previous one, and returns it with its groups.
func (l *transcript) expect(t *testing.T, pattern string) []string {
	t.Helper()
	want := regexp.MustCompile(pattern)
	late := time.After(patience)
	for {
		groups, changed := l.next(want)
		if groups != nil {
			return groups
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("got %q after %s, want a match of %q", l.String(), patience, pattern)
		}
	}
}

// next returns the groups of the first match in the unread text or, if there is none, a channel that is closed at the next
// write.
func (l *transcript) next(want *regexp.Regexp) (groups []string, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.text[l.read:]
	if at := want.FindSubmatchIndex(rest); at != nil {
		for i := 0; i < len(at); i += 2 {
			groups = append(groups, string(rest[max(at[i], 0):max(at[i+1], 0)]))
		}
		l.read += at[1]
		return groups, nil
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return nil, l.changed
}

package output

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uselamina/lamina/internal/term"
)

// TestProgressLines: without a terminal and for screen readers, each change is one line.
func TestProgressLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name              string
		tty, plain, quiet bool
		want              string
	}{
		{"pipe", false, false, false, "queued\nrunning 50%\ndone\n"},
		{"plain terminal", true, true, false, "queued\nrunning 50%\ndone\n"},
		{"quiet", false, false, true, ""},
		{"quiet terminal", true, false, true, ""},
		{"quiet plain terminal", true, true, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			streams, out, errs := term.Test("")
			streams.ErrTTY = tt.tty
			p, err := New(streams, Options{Quiet: tt.quiet})
			if err != nil {
				t.Fatal(err)
			}
			g := p.Progress(tt.plain)
			for _, text := range []string{"queued", "queued", "running\x1b[31m\n 50%", "running 50%", "done"} {
				g.Set("%s", text)
			}
			g.Stop()
			g.Stop()
			g.Set("too late")
			if errs.String() != tt.want || out.Len() > 0 {
				t.Errorf("got %q on stderr and %q on stdout, want %q and nothing", errs, out, tt.want)
			}
		})
	}
}

// A screen is a terminal on which only the current line is replaced.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

// lines returns the visible lines: of each, what was written after it was last erased.
func (s *screen) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, line := range strings.Split(s.buf.String(), "\n") {
		parts := strings.Split(line, eraseLine)
		lines = append(lines, parts[len(parts)-1])
	}
	return lines
}

// TestProgressLive: on a terminal the live line stays below messages and is removed at the end.
func TestProgressLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		streams, _, _ := term.Test("")
		s := &screen{}
		streams.Err, streams.ErrTTY = s, true
		streams.Width = func() int { return 30 }
		p, err := New(streams, Options{})
		if err != nil {
			t.Fatal(err)
		}
		wantLines := func(want ...string) {
			t.Helper()
			synctest.Wait()
			got := s.lines()
			for i := range got {
				got[i] = strings.TrimLeft(got[i], frames+" ")
			}
			if strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		g := p.Progress(false)
		time.Sleep(time.Second)
		wantLines("")
		g.Set("running %d%%", 10)
		wantLines("running 10%  1s")
		time.Sleep(2 * time.Second)
		wantLines("running 10%  3s")
		p.Warn("trying again")
		wantLines("trying again", "")
		time.Sleep(200 * time.Millisecond)
		wantLines("trying again", "running 10%  3s")
		g.Set("a text that is too long for this line")
		wantLines("trying again", "a text that is too long fo…")
		err = g.Hidden(func() error {
			_, err := s.Write([]byte("of stdout\n"))
			return err
		})
		if err != nil {
			t.Error(err)
		}
		wantLines("trying again", "of stdout", "")
		time.Sleep(200 * time.Millisecond)
		wantLines("trying again", "of stdout", "a text that is too long fo…")
		g.Stop()
		wantLines("trying again", "of stdout", "")
		g.Set("too late")
		time.Sleep(time.Second)
		wantLines("trying again", "of stdout", "")
		p.Warn("done")
		wantLines("trying again", "of stdout", "done", "")
	})
}

// TestProgressConcurrent is for the race detector.
func TestProgressConcurrent(t *testing.T) {
	t.Parallel()
	streams, _, _ := term.Test("")
	streams.ErrTTY = true
	p, err := New(streams, Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := p.Progress(false)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				g.Set("%d %d", i, j)
				p.Say("said")
			}
			g.Stop()
		})
	}
	all.Wait()
}

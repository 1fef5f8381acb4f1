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

// TestProgressLines: off a terminal, and for screen readers, every change is one line, and nothing with quiet.
func TestProgressLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name              string
		tty, plain, quiet bool
		want              string
	}{
		{"pipe", false, false, false, "queued\nrunning 50%\ndone\n"},
		{"plain terminal", true, true, false, "queued\nrunning 50%\ndone\n"},
		{"quiet", false, false, true, ""},
		{"quiet terminal", true, false, true, ""},
		{"quiet plain terminal", true, true, true, ""},
	} {
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
				t.Errorf("got %q and %q", errs, out)
			}
		})
	}
}

// A screen is a terminal of one line at a time.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

// lines are what is to be seen: a line is what came after it was last erased.
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

// TestProgressLive: on a terminal one line is written over, also when something is said meanwhile, and is gone at the end.
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
		see := func(want ...string) {
			t.Helper()
			synctest.Wait()
			got := s.lines()
			for i := range got {
				got[i] = strings.TrimLeft(got[i], frames+" ")
			}
			if strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("see %q, want %q", got, want)
			}
		}
		g := p.Progress(false)
		time.Sleep(time.Second)
		see("")
		g.Set("running %d%%", 10)
		see("running 10%  1s")
		time.Sleep(2 * time.Second)
		see("running 10%  3s")
		p.Warn("trying again")
		see("trying again", "")
		time.Sleep(200 * time.Millisecond)
		see("trying again", "running 10%  3s")
		g.Set("a text that is too long for this line")
		see("trying again", "a text that is too long fo…")
		g.Stop()
		see("trying again", "")
		g.Set("too late")
		time.Sleep(time.Second)
		see("trying again", "")
		p.Warn("done")
		see("trying again", "done", "")
	})
}

// TestProgressTogether is for the race detector.
func TestProgressTogether(t *testing.T) {
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

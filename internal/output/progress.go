package output

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/uselamina/lamina/internal/term"
)

// frames turn in place while something goes on.
const frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

// A Progress shows how far something is, on stderr: one live line on a terminal, one line per change elsewhere.
type Progress struct {
	p       *Printer
	live    bool
	mu      sync.Mutex
	text    string
	started time.Time
	frame   int
	done    chan struct{}
	ended   sync.WaitGroup
}

// Progress starts a progress display. Plain asks for lines instead of a live one, as screen readers need. It shows
// nothing when the person asked for quiet, and must be ended with Stop.
func (p *Printer) Progress(plain bool) *Progress {
	g := &Progress{p: p, live: p.streams.ErrTTY && !plain && !p.quiet, started: time.Now(), done: make(chan struct{})}
	if g.live {
		g.ended.Add(1)
		go g.turn()
	}
	return g
}

// Set changes what is shown. After Stop it does nothing.
func (g *Progress) Set(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	text := term.Line(sprintf(format, args...))
	if text == g.text || g.stopped() {
		return
	}
	g.text = text
	switch {
	case g.live:
		g.draw()
	case !g.p.quiet:
		g.p.Warn("%s", text)
	}
}

// Stop takes the live line away.
func (g *Progress) Stop() {
	g.mu.Lock()
	if g.stopped() {
		g.mu.Unlock()
		return
	}
	close(g.done)
	g.mu.Unlock()
	g.ended.Wait()
	if g.live {
		g.p.talk.clear()
	}
}

// stopped reports whether the display has ended. The caller holds the lock.
func (g *Progress) stopped() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}

func (g *Progress) turn() {
	defer g.ended.Done()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-g.done:
			return
		case <-tick.C:
			g.mu.Lock()
			g.draw()
			g.mu.Unlock()
		}
	}
}

// draw writes the live line over itself. The caller holds the lock.
func (g *Progress) draw() {
	if g.text == "" {
		return
	}
	spinner := []rune(frames)
	g.frame = (g.frame + 1) % len(spinner)
	line := fmt.Sprintf("%s  %s", g.text, time.Since(g.started).Round(time.Second))
	line = runewidth.Truncate(line, max(g.p.streams.Width()-3, 10), "…")
	g.p.talk.draw(fmt.Sprintf("%s %s", g.p.err.Busy(string(spinner[g.frame])), line))
}

// eraseLine goes to the start of the terminal's line and empties it.
const eraseLine = "\r\x1b[K"

// A talk is stderr, on which lines that stay and one that is written over take turns.
type talk struct {
	mu   sync.Mutex
	w    io.Writer
	live bool // a line is shown that will be written over
}

// say writes a line that stays, in the place of the live one, which comes back when it is drawn again.
func (t *talk) say(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live {
		line = eraseLine + line
		t.live = false
	}
	_, _ = io.WriteString(t.w, line+"\n")
}

// draw writes the live line.
func (t *talk) draw(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live = true
	_, _ = io.WriteString(t.w, eraseLine+line)
}

// clear takes the live line away.
func (t *talk) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live {
		_, _ = io.WriteString(t.w, eraseLine)
		t.live = false
	}
}

// Bar draws a fraction of 0 to 1 as a bar of the given width.
func Bar(fraction float64, width int) string {
	full := int(min(max(fraction, 0), 1)*float64(width) + 0.5)
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

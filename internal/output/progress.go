package output

import (
	"fmt"
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

// Set changes what is shown.
func (g *Progress) Set(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	text := term.Line(fmt.Sprintf(format, args...))
	if text == g.text {
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
	select {
	case <-g.done:
		g.mu.Unlock()
		return
	default:
	}
	close(g.done)
	g.mu.Unlock()
	g.ended.Wait()
	if g.live {
		_, _ = fmt.Fprint(g.p.streams.Err, "\r\x1b[K")
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
	_, _ = fmt.Fprintf(g.p.streams.Err, "\r\x1b[K%s %s", g.p.err.Busy(string(spinner[g.frame])), line)
}

// Bar draws a fraction of 0 to 1 as a bar of the given width.
func Bar(fraction float64, width int) string {
	full := int(min(max(fraction, 0), 1)*float64(width) + 0.5)
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

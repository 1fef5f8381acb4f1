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

// frames are the frames of the spinner.
const frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

// A Progress shows the state of an operation on stderr: one live line on a terminal, else one line for each change.
type Progress struct {
	p       *Printer
	live    bool
	mu      sync.Mutex
	text    string
	above   []string // the lines above text, only if live
	started time.Time
	frame   int
	done    chan struct{}
	ended   sync.WaitGroup
}

// Progress starts a progress display, which must be ended with Stop. plain selects lines instead of a live line, as screen
// readers need them. With the option Quiet nothing is shown.
func (p *Printer) Progress(plain bool) *Progress {
	g := &Progress{p: p, live: p.streams.ErrTTY && !plain && !p.quiet, started: time.Now(), done: make(chan struct{})}
	if g.live {
		g.ended.Add(1)
		go g.animate()
	}
	return g
}

// IsLive reports whether the state is one line that changes. Only such a line may hold a Bar.
func (g *Progress) IsLive() bool { return g.live }

// Set changes the state that is shown, which is one line. After Stop it does nothing.
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

// SetAbove changes the lines that a live line has above it, one for each part of the operation. Where the line is not live it does
// nothing.
func (g *Progress) SetAbove(lines []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.live && !g.stopped() {
		g.above = lines
	}
}

// Hidden removes the live lines, calls fn, and lets them come back. fn may write to stdout, which may be the same terminal.
func (g *Progress) Hidden(fn func() error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.live && !g.stopped() {
		g.p.log.clear()
	}
	return fn()
}

// Stop ends the display and removes the live line.
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
		g.p.log.clear()
	}
}

// stopped reports whether Stop was called. The caller holds the lock.
func (g *Progress) stopped() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}

func (g *Progress) animate() {
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

// draw replaces the live line. The caller holds the lock.
func (g *Progress) draw() {
	if g.text == "" {
		return
	}
	spinner := []rune(frames)
	g.frame = (g.frame + 1) % len(spinner)
	fit := func(line string) string { return runewidth.Truncate(line, max(g.p.streams.Width()-3, 10), "…") }
	var lines []string
	for _, line := range g.above {
		lines = append(lines, "  "+fit(term.Line(line)))
	}
	line := fit(fmt.Sprintf("%s  %s", g.text, time.Since(g.started).Round(time.Second)))
	g.p.log.draw(append(lines, fmt.Sprintf("%s %s", g.p.err.Busy(string(spinner[g.frame])), line))...)
}

// Sequences of a terminal: eraseLine moves the cursor to the start of the line and clears the line; eraseUp does that to the line
// above.
const (
	eraseLine = "\r\x1b[K"
	eraseUp   = "\x1b[A\x1b[K"
)

// messages are the lines on stderr: permanent ones and, on a terminal, the live lines below them.
type messages struct {
	mu   sync.Mutex
	w    io.Writer
	live int // how many of the last lines are live
}

// erase returns what removes the live lines. The caller holds the lock.
func (m *messages) erase() string {
	if m.live == 0 {
		return ""
	}
	return eraseLine + strings.Repeat(eraseUp, m.live-1)
}

// write adds a permanent line. It replaces the live lines, which come back with the next draw.
func (m *messages) write(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = io.WriteString(m.w, m.erase()+line+"\n")
	m.live = 0
}

// draw replaces the live lines.
func (m *messages) draw(lines ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	start := eraseLine
	if m.live > 0 {
		start = m.erase()
	}
	_, _ = io.WriteString(m.w, start+strings.Join(lines, "\n"))
	m.live = len(lines)
}

// clear removes the live lines.
func (m *messages) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = io.WriteString(m.w, m.erase())
	m.live = 0
}

// Bar returns a bar of the given width for a fraction of 0 to 1.
func Bar(fraction float64, width int) string {
	full := int(min(max(fraction, 0), 1)*float64(width) + 0.5)
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

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
	line := fmt.Sprintf("%s  %s", g.text, time.Since(g.started).Round(time.Second))
	line = runewidth.Truncate(line, max(g.p.streams.Width()-3, 10), "…")
	g.p.log.draw(fmt.Sprintf("%s %s", g.p.err.Busy(string(spinner[g.frame])), line))
}

// eraseLine moves the cursor to the start of the line and clears the line.
const eraseLine = "\r\x1b[K"

// messages are the lines on stderr: permanent ones and, on a terminal, the live line below them.
type messages struct {
	mu     sync.Mutex
	w      io.Writer
	isLive bool // the last line is the live line
}

// write adds a permanent line. It replaces the live line, which comes back with the next draw.
func (m *messages) write(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isLive {
		line = eraseLine + line
		m.isLive = false
	}
	_, _ = io.WriteString(m.w, line+"\n")
}

// draw replaces the live line.
func (m *messages) draw(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.isLive = true
	_, _ = io.WriteString(m.w, eraseLine+line)
}

// clear removes the live line.
func (m *messages) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isLive {
		_, _ = io.WriteString(m.w, eraseLine)
		m.isLive = false
	}
}

// Bar returns a bar of the given width for a fraction of 0 to 1.
func Bar(fraction float64, width int) string {
	full := int(min(max(fraction, 0), 1)*float64(width) + 0.5)
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

// Package batchinfo shows the progress of many runs, as the commands that carry out batches do.
package batchinfo

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/uselamina/lamina/internal/batch/engine"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// Interval is how often a Screen is to be given a snapshot.
const Interval = time.Second

// The time between two lines where the screen is not live, in the first minutes and later. The log of a long batch stays short.
const (
	plainInterval = 10 * time.Second
	laterInterval = time.Minute
	firstMinutes  = 10 * time.Minute
)

// margin is what the lines of a progress need of the width of a terminal.
const margin = 3

// A Screen shows the progress of a batch on stderr: a few live lines on a terminal, else a line now and then.
type Screen struct {
	progress *output.Progress
	width    func() int
	speed    speed
	next     time.Duration // when the next line may be written, if the screen is not live
}

// NewScreen returns a screen. The caller must call Stop.
func NewScreen(env *cmdutil.Env) *Screen {
	return &Screen{progress: env.Progress(), width: env.Streams.Width}
}

// Show shows a snapshot.
func (s *Screen) Show(now engine.Snapshot) {
	s.speed.add(now.Elapsed, now.Counts.Done())
	if s.progress.IsLive() {
		lines := s.lines(now, s.width()-margin)
		last := len(lines) - 1
		s.progress.SetAbove(lines[:last])
		s.progress.Set("%s", lines[last])
		return
	}
	if now.Elapsed < s.next {
		return
	}
	s.progress.Set("%s", s.line(now))
	s.next = now.Elapsed + plainInterval
	if now.Elapsed >= firstMinutes {
		s.next = now.Elapsed + laterInterval
	}
}

// Hidden calls fn while the live lines are removed, so that it can write to stdout.
func (s *Screen) Hidden(fn func() error) error { return s.progress.Hidden(fn) }

// Stop removes the live lines.
func (s *Screen) Stop() { s.progress.Stop() }

// lines returns the lines of a live screen, each of at most the given number of columns.
func (s *Screen) lines(now engine.Snapshot, columns int) []string {
	c := now.Counts
	bar := 20
	if columns < 60 {
		bar = 10
	}
	done := float64(c.Done()) / float64(max(c.Total(), 1))
	lines := []string{fmt.Sprintf("%s %d of %d done", output.Bar(done, bar), c.Done(), c.Total())}
	if states := others(c); len(states) > 0 {
		lines = append(lines, fit(columns, states...))
	}
	if facts := s.facts(now); len(facts) > 0 {
		lines = append(lines, fit(columns, facts...))
	}
	notice := term.Line(now.Notice)
	if notice == "" {
		notice = "running"
	}
	return append(lines, notice)
}

// line returns all that is shown as one line.
func (s *Screen) line(now engine.Snapshot) string {
	c := now.Counts
	parts := append([]string{fmt.Sprintf("%d of %d done", c.Done(), c.Total())}, others(c)...)
	line := strings.Join(append(parts, s.facts(now)...), ", ")
	if notice := term.Line(now.Notice); notice != "" {
		line += "; " + notice
	}
	return line
}

// others returns the numbers of items in the states that the first line does not show.
func others(c state.Counts) (parts []string) {
	for _, one := range []struct {
		n    int
		name string
	}{
		{c.Running + c.Starting, "running"}, {c.Failed, "failed"}, {c.Held, "held"}, {c.Cancelled, "cancelled"}, {c.Skipped, "skipped"},
	} {
		if one.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", one.n, one.name))
		}
	}
	return parts
}

// facts returns the time left, the credits and the speed, as far as they are known.
func (s *Screen) facts(now engine.Snapshot) (parts []string) {
	perMinute := s.speed.perMinute()
	if left := now.Counts.Total() - now.Counts.Done(); left > 0 && perMinute > 0 {
		parts = append(parts, About(time.Duration(min(float64(left)/perMinute*float64(time.Minute), math.MaxInt64/2)))+" left")
	}
	spent := output.Number(now.Counts.Credits)
	switch {
	case now.MaxCredits >= 0:
		parts = append(parts, fmt.Sprintf("%s of %s credits", spent, output.Number(now.MaxCredits)))
	case now.Counts.Credits > 0:
		parts = append(parts, spent+" credits")
	}
	if perMinute >= 1 {
		parts = append(parts, fmt.Sprintf("%.0f a minute", perMinute))
	}
	return parts
}

// fit joins the parts that there is room for; at least the first one.
func fit(columns int, parts ...string) string {
	line := parts[0]
	for _, part := range parts[1:] {
		longer := line + ", " + part
		if runewidth.StringWidth(longer) <= columns {
			line = longer
		}
	}
	return line
}

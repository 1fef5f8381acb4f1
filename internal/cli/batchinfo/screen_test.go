package batchinfo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/uselamina/lamina/internal/batch/engine"
	"github.com/uselamina/lamina/internal/batch/state"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
)

// large is a batch of which nothing is missing and every number is long.
var large = engine.Snapshot{
	Counts: state.Counts{
		Pending: 200000, Starting: 16, Running: 484, Completed: 98000, Failed: 1234, Held: 12, Cancelled: 200, Skipped: 54, Credits: 490000,
	},
	MaxCredits: 1500000, Elapsed: 20 * time.Minute,
}

func TestLines(t *testing.T) {
	s := &Screen{speed: speed{samples: []sample{{15 * time.Minute, 99000}, {20 * time.Minute, 99500}}}}
	for _, tt := range []struct {
		columns int
		want    string
	}{
		{117, `███████░░░░░░░░░░░░░ 99500 of 300000 done
500 running, 1234 failed, 12 held, 200 cancelled, 54 skipped
about 33 h 30 min left, 490000 of 1500000 credits, 100 a minute
the service is full`},
		{57, `███░░░░░░░ 99500 of 300000 done
500 running, 1234 failed, 12 held, 200 cancelled
about 33 h 30 min left, 490000 of 1500000 credits
the service is full`},
		{37, `███░░░░░░░ 99500 of 300000 done
500 running, 1234 failed, 12 held
about 33 h 30 min left, 100 a minute
the service is full`},
	} {
		now := large
		now.Notice = "the service\x1b[31m is full"
		lines := s.lines(now, tt.columns)
		if got := strings.Join(lines, "\n"); got != tt.want {
			t.Errorf("at %d columns: got\n%s\nwant\n%s", tt.columns, got, tt.want)
		}
		for _, line := range lines {
			if n := runewidth.StringWidth(line); n > tt.columns {
				t.Errorf("got %d columns, want at most %d: %s", n, tt.columns, line)
			}
		}
	}
}

// A batch that has just begun has few lines, and no guess of its end.
func TestFirstLines(t *testing.T) {
	s := &Screen{}
	now := engine.Snapshot{Counts: state.Counts{Pending: 3}, MaxCredits: -1}
	s.speed.add(now.Elapsed, 0)
	want := "░░░░░░░░░░ 0 of 3 done\nrunning"
	if got := strings.Join(s.lines(now, 37), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Where there is no terminal, there is a plain line now and then, and fewer of them after some minutes.
func TestPlain(t *testing.T) {
	var stderr bytes.Buffer
	streams := &term.Streams{Out: &bytes.Buffer{}, Err: &stderr}
	printer, err := output.New(streams, output.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := NewScreen(&cmdutil.Env{Streams: streams, Printer: printer, Getenv: func(string) string { return "" }})
	for second := range 1200 {
		now := engine.Snapshot{Counts: state.Counts{Pending: 1200 - second, Completed: second}, MaxCredits: -1, Elapsed: time.Duration(second) * time.Second}
		if second > 900 {
			now.Notice = "the service is full"
		}
		s.Show(now)
	}
	s.Stop()
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if len(lines) != 60+10 {
		t.Errorf("got %d lines, want one each 10 seconds for 10 minutes and one each minute then", len(lines))
	}
	for i, want := range map[int]string{
		0: "0 of 1200 done", 1: "10 of 1200 done, about 20 min left, 60 a minute", 60: "600 of 1200 done, about 10 min left, 60 a minute",
		len(lines) - 1: "1140 of 1200 done, about 1 min left, 60 a minute; the service is full",
	} {
		if lines[i] != want {
			t.Errorf("line %d: got %q, want %q", i, lines[i], want)
		}
	}
	if strings.Contains(stderr.String(), "\x1b") {
		t.Errorf("got an escape sequence: %q", stderr.String())
	}
}

func TestSpeed(t *testing.T) {
	var s speed
	check := func(why string, want float64) {
		t.Helper()
		if got := s.perMinute(); got != want {
			t.Errorf("%s: got %v a minute, want %v", why, got, want)
		}
	}
	check("at the start", 0)
	s.add(0, 1000) // what was done before this process does not count
	s.add(5*time.Second, 1010)
	check("after a few seconds", 0)
	s.add(time.Minute, 1060)
	check("after a minute", 60)
	for m := 2; m <= 20; m++ {
		s.add(time.Duration(m)*time.Minute, 1060+(m-1)*6)
	}
	check("after many slower minutes", 6)
	for m := 21; m <= 26; m++ {
		s.add(time.Duration(m)*time.Minute, 1060+19*6)
	}
	check("after minutes in which nothing ended", 0)
	if n := len(s.samples); n > 10 {
		t.Errorf("got %d samples, want those of the last minutes alone", n)
	}
}

func TestAbout(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                               "less than a minute",
		59 * time.Second:                "less than a minute",
		64 * time.Second:                "about 1 min",
		4*time.Minute + 28*time.Second:  "about 4 min 30 s",
		9*time.Minute + 58*time.Second:  "about 10 min",
		33*time.Minute + 29*time.Second: "about 33 min",
		59*time.Minute + 50*time.Second: "about 1 h",
		2*time.Hour + 8*time.Minute:     "about 2 h 10 min",
		72 * time.Hour:                  "about 3 days",
		1 << 62:                         "years",
	} {
		if got := About(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

package assetfile

import (
	"fmt"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
)

const (
	lineSize  = 16 << 20               // bytes of a file from which lines tell how much of it is sent
	drawEvery = 100 * time.Millisecond // between two states of a live display
	maxBars   = 8                      // files with a bar at the same time
	barWidth  = 12
)

// A display shows the uploads of files: on a terminal a bar for each file that is being sent, and one for all; elsewhere lines.
type display struct {
	progress *output.Progress
	now      func() time.Time

	mu      sync.Mutex
	files   []*File
	done    []int64 // bytes of each file that were sent
	state   []state
	total   int64
	drawnAt time.Time
}

// A state is that of the upload of a file.
type state int

const (
	waiting state = iota
	sending
	ended
)

func newDisplay(env *cmdutil.Env, files []*File) *display {
	d := &display{progress: env.Progress(), now: env.Now, files: files, done: make([]int64, len(files)), state: make([]state, len(files))}
	for _, f := range files {
		d.total += f.Size
	}
	return d
}

// sent shows that bytes of a file were sent.
func (d *display) sent(i int, sent int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, before := d.files[i], d.done[i]
	mustShow := d.state[i] == waiting || sent == f.Size
	d.done[i], d.state[i] = sent, sending
	switch {
	case d.progress.IsLive():
		if now := d.now(); mustShow || now.Sub(d.drawnAt) >= drawEvery {
			d.drawnAt = now
			d.draw()
		}
	case f.Size >= lineSize && sent*10/f.Size != before*10/f.Size:
		d.progress.Set("uploading %s  %s of %s", f.Path, output.Bytes(sent), output.Bytes(f.Size))
	}
}

// ended shows that the upload of a file is over.
func (d *display) ended(i int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done[i], d.state[i] = d.files[i].Size, ended
	if d.progress.IsLive() {
		d.draw()
	}
}

// draw shows the bars.
func (d *display) draw() {
	var lines []string
	var sum int64
	count := 0
	for i, f := range d.files {
		sum += d.done[i]
		if d.state[i] == ended {
			count++
		}
		if d.state[i] == sending && len(d.files) > 1 && len(lines) < maxBars {
			lines = append(lines, bar(d.done[i], f.Size)+"  "+f.Path)
		}
	}
	d.progress.SetAbove(lines)
	what := d.files[0].Path
	if len(d.files) > 1 {
		what = fmt.Sprintf("%d of %d files", count, len(d.files))
	}
	d.progress.Set("%s  %s  %s of %s", bar(sum, d.total), what, output.Bytes(sum), output.Bytes(d.total))
}

// bar returns a bar and the percentage.
func bar(done, total int64) string {
	fraction := float64(done) / float64(total)
	return fmt.Sprintf("%s %3.0f%%", output.Bar(fraction, barWidth), fraction*100)
}

//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package term

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A console is a terminal that this package edits lines of. It turns off the editing of the system, which cuts long lines, and
// restores the terminal before a signal stops or ends the process.
type console struct {
	in     *os.File
	fd     int
	isDumb bool // the terminal cannot mark pasted text

	marksPaste bool // ask the terminal to mark pasted text

	mu       sync.Mutex
	holders  int
	before   *unix.Termios // the modes to restore; nil: none were read yet
	isSet    bool          // the modes are changed
	isLost   bool          // the modes were restored while a holder needs them
	isEnded  bool
	isHungUp bool // the terminal was closed
	signals  chan os.Signal
	answered chan struct{} // closed when the signals are no longer handled
}

func newConsole(in *os.File, isDumb bool) *console {
	return &console{in: in, fd: int(in.Fd()), isDumb: isDumb}
}

// acquire changes the modes for one more holder, unless the process is in the background.
func (c *console) acquire(isAddress bool) {
	c.mu.Lock()
	c.marksPaste = c.marksPaste || isAddress && !c.isDumb
	c.holders++
	if c.holders == 1 {
		c.watchSignals()
	}
	c.mu.Unlock()
	c.enter()
}

// release restores the modes after the last holder.
func (c *console) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holders--; c.holders == 0 {
		c.restore()
		c.forgetSignals()
		c.before, c.marksPaste = nil, false
	}
}

// close restores the modes for good.
func (c *console) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restore()
	c.isEnded = true
}

func (c *console) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.isEnded
}

// enter changes the modes if they are not changed. It reports false in the background, where a change would stop the process.
func (c *console) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !isForeground(c.fd) {
		c.isLost = c.isLost || c.isSet
		c.isSet = false // the shell has taken the terminal, with its own modes
		return false
	}
	if c.isSet || c.isEnded {
		return true
	}
	if c.before == nil {
		before, err := unix.IoctlGetTermios(c.fd, getTermios)
		if err != nil {
			return true
		}
		c.before = before
	}
	modes := *c.before
	modes.Lflag &^= unix.ICANON | unix.ECHO | unix.IEXTEN // keeps the signals of Ctrl-C, Ctrl-Z and Ctrl-\
	modes.Iflag |= unix.ICRNL
	modes.Cc[unix.VMIN], modes.Cc[unix.VTIME] = 1, 0
	if unix.IoctlSetTermios(c.fd, setTermios, &modes) == nil {
		c.isSet = true
		c.writeMarks("\x1b[?2004h")
	}
	return true
}

// suspend restores the modes until the next enter.
func (c *console) suspend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restore()
}

func (c *console) restore() {
	if !c.isSet {
		return
	}
	c.isSet, c.isLost = false, true
	if isForeground(c.fd) {
		c.writeMarks("\x1b[?2004l")
		_ = unix.IoctlSetTermios(c.fd, setTermios, c.before)
	}
}

// takeRedraw reports once whether the modes were lost since the last call: the question must be shown again.
func (c *console) takeRedraw() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	isLost := c.isLost
	c.isLost = false
	return isLost
}

// writeMarks asks the terminal to mark pasted text, or to stop that.
func (c *console) writeMarks(sequence string) {
	if c.marksPaste {
		c.write([]byte(sequence))
	}
}

func (c *console) write(text []byte) {
	if len(text) > 0 {
		_, _ = c.in.Write(text)
	}
}

// isReady reports whether a byte, or the end of the input, can be read within a time.
func (c *console) isReady(within time.Duration) bool {
	var set unix.FdSet
	set.Zero()
	set.Set(c.fd)
	limit := unix.NsecToTimeval(within.Nanoseconds())
	n, err := unix.Select(c.fd+1, &set, nil, nil, &limit)
	return err == nil && n > 0
}

// readByte reads a byte, or returns nil if none arrives within a time. It reads no further, so that the rest of the input is left
// for the next program.
func (c *console) readByte(within time.Duration) (*byte, error) {
	if !c.isReady(within) || !isForeground(c.fd) {
		return nil, nil
	}
	var buf [1]byte
	n, err := unix.Read(c.fd, buf[:])
	switch {
	case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
		return nil, nil
	case n == 0, errors.Is(err, unix.EIO):
		return nil, io.EOF // the terminal is gone
	case err != nil:
		return nil, err
	}
	return &buf[0], nil
}

// watchSignals restores the modes when a signal is about to end or stop the process.
func (c *console) watchSignals() {
	c.signals, c.answered = make(chan os.Signal, 8), make(chan struct{})
	c.notify()
	go c.handleSignals(c.signals, c.answered)
}

func (c *console) notify() {
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGCONT} {
		if !signal.Ignored(s) {
			signal.Notify(c.signals, s)
		}
	}
}

func (c *console) forgetSignals() {
	signal.Stop(c.signals)
	close(c.answered)
}

// handleSignals restores the modes, then lets the signal do what it does without this package.
func (c *console) handleSignals(signals chan os.Signal, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case s := <-signals:
			c.handle(s.(syscall.Signal), signals)
		}
	}
}

func (c *console) handle(s syscall.Signal, signals chan os.Signal) {
	switch s {
	case syscall.SIGCONT:
		c.mu.Lock()
		c.isLost, c.isSet = c.isLost || c.isSet, false // the shell may have changed the modes
		c.mu.Unlock()
	case syscall.SIGTSTP:
		c.stopProcess()
	case syscall.SIGINT, syscall.SIGTERM: // the context of the command ends, and the next one ends the process
		c.close()
		signal.Stop(signals)
	case syscall.SIGQUIT: // whose default here is to print the stacks of all goroutines
		c.close()
		c.write([]byte("\n"))
		os.Exit(128 + int(s))
	default:
		c.close()
		c.mu.Lock()
		c.isHungUp = true
		c.mu.Unlock()
		signal.Stop(signals)
		_ = unix.Kill(unix.Getpid(), s)
	}
}

// stopProcess stops this process until the shell continues it. It keeps the lock, so that nothing changes the modes before the
// stop. SIGTSTP would be lost: the runtime does not restore its default action.
func (c *console) stopProcess() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restore()
	if hasShell() {
		_ = unix.Kill(unix.Getpid(), unix.SIGSTOP)
	}
}

// hasShell reports whether the parent is in the session of this process, so that it can continue it. Otherwise SIGTSTP has no effect
// either.
func hasShell() bool {
	own, err := unix.Getsid(0)
	parent, parentErr := unix.Getsid(unix.Getppid())
	return err == nil && parentErr == nil && own == parent
}

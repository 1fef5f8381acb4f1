package auth

import (
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/config/configtest"
	"github.com/uselamina/lamina/internal/provider"
)

// A world contains what the processes share, in memory: a disk, locks, and a service with its authorization server. Each
// operation of a process on it is a step, which happens when the scheduler chooses it.
type world struct {
	dir    string // exists and stays empty; the store checks its mode
	broken broken
	now    time.Time

	joint  bool
	faults []string // the kinds of faults that may occur
	left   int      // the number of further faults

	mu    sync.Mutex
	procs []*proc

	files   map[string]file // as processes see them
	durable map[string]file // as a loss of power leaves them
	holder  map[string]*proc
	server  service
	whole   string // the document when it was last valid
	renames int    // of the document, since its folder was last synced
}

type file struct {
	data   string
	synced bool // survives a loss of power
}

// A service has an API and an authorization server. A refresh token is valid once.
type service struct {
	serial    int  // of the valid refresh token, and of the access token issued with it
	rejects   int  // access tokens up to this serial are not accepted
	strict    bool // a refresh invalidates the previous access token
	revokes   bool // the second use of a refresh token ends the session
	revoked   bool
	rotations int
	reuses    int
	rotatedBy *proc
}

// broken lists the mistakes that a world can make, each of which the promises must detect.
type broken struct {
	noLock, earlyUnlock, noSecondRead, tornWrite, noSync, noFolderSync, noJournal, wrongRefusal, noExcuse bool
}

// A proc is a process. It may have two threads: its command, and a refresh in the background.
type proc struct {
	w       *world
	id      int
	name    string
	run     func(*proc) error
	session *Session
	cancel  context.CancelFunc
	ctx     context.Context
	pending []*step

	dead, done  bool
	err         error
	history     [2]uint64 // hashes of what each thread has observed, which determines its next steps
	firstRead   string
	waiting     bool // in Session.Wait
	ticked      bool
	interrupted bool
	hits        []string // the faults that occurred in it
	stored      bool     // its refresh is in the document
	durable     bool     // and survives a loss of power
	foreign     bool     // it does not use this package
	midway      bool     // it is foreign, and between the service's response and the end of its write
	slept       time.Duration
	comparing   bool // between the last read of the document and the rename
	temps       int
}

// A step is an operation that waits for the scheduler.
type step struct {
	p       *proc
	thread  int
	what    string
	local   bool   // no other process can observe whether it happens now or later
	stops   string // a fault whose effect before this local step differs from its effect after it
	enabled func() bool
	faults  []string
	do      func(fault string) string // performs it, under world.mu, and returns what the process observes
	dead    bool
	gone    chan struct{}
}

var errDead = errors.New("the process is dead")

// may reports whether a fault may occur now.
func (w *world) may(fault string) bool { return w.left > 0 && slices.Contains(w.faults, fault) }

// take waits until the scheduler chooses the step, and reports whether it happened.
func (p *proc) take(s step) bool {
	w := p.w
	w.mu.Lock()
	if p.dead {
		w.mu.Unlock()
		return false
	}
	s.p, s.thread = p, thread()
	if s.local && !w.joint && !slices.ContainsFunc(append(s.faults, s.stops), w.may) {
		p.see(&s, "", s.do(""))
		w.mu.Unlock()
		return true
	}
	s.gone = make(chan struct{})
	p.pending = append(p.pending, &s)
	w.mu.Unlock()
	<-s.gone
	return !s.dead
}

// thread returns 1 in a refresh and 0 elsewhere.
func thread() int {
	var pcs [30]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "(*Session).renew") {
			return 1
		}
		if !more {
			return 0
		}
	}
}

// happen performs a step and resumes its thread.
func (s *step) happen(fault string) {
	p := s.p
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.pending = slices.DeleteFunc(p.pending, func(other *step) bool { return other == s })
	if fault != "" {
		p.hits = append(p.hits, fault)
	}
	if s.what != "sleep" {
		for _, other := range p.w.procs {
			if p.foreign {
				other.slept = 0
			}
		}
	}
	p.see(s, fault, s.do(fault))
	close(s.gone)
}

func (p *proc) see(s *step, fault, result string) {
	var h maphash.Hash
	h.SetSeed(seed)
	maphash.WriteComparable(&h, p.history[s.thread])
	for _, text := range []string{s.what, fault, result} {
		h.WriteString(text)
		h.WriteByte(0)
	}
	p.history[s.thread] = h.Sum64()
}

var seed = maphash.MakeSeed()

// die ends a process like SIGKILL: it releases its locks, and none of its pending steps happens.
func (p *proc) die() {
	p.dead = true
	for lock, holder := range p.w.holder {
		if holder == p {
			delete(p.w.holder, lock)
		}
	}
	for _, s := range p.pending {
		s.dead = true
		close(s.gone)
	}
	p.pending = nil
}

func (w *world) start(p *proc) {
	p.w, p.id = w, len(w.procs)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	at := w.now
	store := configtest.NewStore(w.dir, memoryDisk{p})
	store.Now = func() time.Time { return at }
	p.session = &Session{
		Store: store, Provider: provider.Lamina(),
		HTTP: &http.Client{Transport: wire{p}}, Now: func() time.Time { return at }, Rand: func() float64 { return 0 },
		sleep: func(_ context.Context, d time.Duration) error {
			memoryDisk{p}.Sleep(d)
			return nil
		},
	}
	w.procs = append(w.procs, p)
	go func() {
		err := p.run(p)
		w.mu.Lock()
		defer w.mu.Unlock()
		if !p.dead {
			p.done, p.err = true, err
			p.die() // the end of a process ends its threads
		}
		p.cancel()
	}()
}

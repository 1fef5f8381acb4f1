package webhook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/child"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/term"
	"github.com/uselamina/lamina/internal/webhook/forward"
	"github.com/uselamina/lamina/internal/webhook/inbox"
)

// The marks of an inbox: up to which delivery it was printed, and passed on. Deliveries that were stored but neither, because the process
// was killed, come first the next time.
const (
	markPrinted = "printed"
	markPassed  = "passed"
)

// errOnce ends the source after the first delivery.
var errOnce = errors.New("the first delivery arrived")

// errTimeout ends the source after the time of --timeout.
var errTimeout = errors.New("the waiting time is over")

// A relay prints the deliveries of an inbox in order, and passes on those that it has printed.
type relay struct {
	env     *cmdutil.Env
	opts    *listenOptions
	box     *inbox.Inbox
	printed *inbox.Mark
	passed  *inbox.Mark
	from    uint64 // the last delivery that was printed before
	passes  []*pass

	mu       sync.Mutex
	last     uint64 // the last delivery that was printed
	isClosed bool   // no more deliveries are printed
	changed  chan struct{}
}

// A pass sends each delivery to one receiver.
type pass struct {
	name   string
	send   func(ctx context.Context, d inbox.Delivery) error
	after  uint64 // the last delivery that was sent
	failed error  // of the last delivery
}

func newRelay(ctx context.Context, opts *listenOptions, dir string, box *inbox.Inbox) (*relay, error) {
	r := &relay{env: opts.env, opts: opts, box: box, changed: make(chan struct{})}
	var sent uint64
	var err error
	if r.printed, r.from, err = inbox.OpenMark(dir, markPrinted); err != nil {
		return nil, err
	}
	if r.passed, sent, err = inbox.OpenMark(dir, markPassed); err != nil {
		return nil, err
	}
	if last := box.Last(); r.from > last { // the files of the deliveries were removed
		r.from, sent = last, min(sent, last)
	}
	r.last = r.from
	if err := r.addForwards(ctx); err != nil {
		return nil, err
	}
	if opts.exec != "" {
		r.passes = append(r.passes, &pass{name: "--exec", send: r.execute})
	}
	for _, p := range r.passes {
		p.after = sent
	}
	return r, nil
}

// addForwards adds a pass for each address. Polled runs have no signature: they are signed with the key of this machine.
func (r *relay) addForwards(ctx context.Context) error {
	if len(r.opts.forwardTo) == 0 {
		return nil
	}
	sender, err := newSender(r.env)
	if err != nil {
		return err
	}
	key, err := localKey(ctx, r.env)
	if err != nil {
		return err
	}
	for _, target := range r.opts.forwardTo {
		r.passes = append(r.passes, &pass{name: short(target), send: func(ctx context.Context, d inbox.Delivery) error {
			message := forward.Original(d)
			if d.Source == inbox.FromPoll {
				message = forward.Signed(key, r.env.Now(), d.ID, d.Body)
			}
			err := sender.Send(ctx, target, message)
			if err == nil {
				r.env.Say("%s accepted run %s", short(target), d.ID)
			}
			return err
		}})
	}
	return nil
}

// execute runs the command of --exec. What it prints goes to stderr, because stdout has the deliveries.
func (r *relay) execute(ctx context.Context, d inbox.Delivery) error {
	return child.Pipe(ctx, r.env.Sessions.ChildEnviron(), bytes.NewReader(d.Body), r.env.Streams.Err, child.Shell(r.opts.exec)...)
}

// run runs a source, and prints and passes on what it adds, until the source ends. Deliveries that were accepted by then are printed.
func (r *relay) run(ctx context.Context, add source) error {
	adding, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if r.opts.timeout > 0 {
		timer := time.AfterFunc(r.opts.timeout, func() { stop(errTimeout) })
		defer timer.Stop()
	}
	r.env.Printer.WatchReader(adding)
	printing, endPrinting := context.WithCancel(context.WithoutCancel(ctx))
	defer endPrinting()
	var work sync.WaitGroup
	var addErr, printErr error
	work.Go(func() {
		addErr = add(adding)
		endPrinting()
	})
	for _, p := range r.passes {
		work.Go(func() { r.pass(ctx, p) })
	}
	count, printErr := r.print(printing)
	stop(cmp.Or(printErr, errOnce))
	r.close()
	work.Wait()
	if len(r.passes) == 0 {
		_ = r.passed.Set(r.last) // a later --forward-to begins with later deliveries
	}
	return errors.Join(cmp.Or(addErr, printErr, r.result(ctx, context.Cause(adding), count)), r.printed.Close(), r.passed.Close())
}

// result returns the error of --once: no delivery, or one that could not be passed on.
func (r *relay) result(ctx context.Context, cause error, count int) error {
	if !r.opts.once {
		return nil
	}
	if count > 0 {
		return r.firstFailure()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(cause, errTimeout) {
		e := &fail.Error{Code: fail.NoDelivery, Message: fmt.Sprintf("no delivery arrived within %s", r.opts.timeout), Hint: "lamina webhook listen --poll --once"}
		if r.opts.poll {
			e.Message, e.Hint = fmt.Sprintf("no run ended within %s", r.opts.timeout), "lamina runs list (shows the runs that are active)"
		}
		return e
	}
	return nil
}

// firstFailure returns the error of the first pass that failed, and prints those of the others.
func (r *relay) firstFailure() error {
	var first error
	for _, p := range r.passes {
		switch {
		case p.failed != nil && first == nil:
			first = p.failed
		case p.failed != nil:
			r.env.Printer.Warn("%v", p.failed)
		}
	}
	return first
}

// print prints each delivery and moves the mark, until ctx ends and all that are stored are printed. With --once it prints one.
func (r *relay) print(ctx context.Context) (count int, err error) {
	for after := r.from; ; count++ {
		if r.opts.once && count > 0 {
			return count, nil
		}
		d, err := r.box.Next(ctx, after)
		if errors.Is(err, context.Canceled) {
			return count, nil
		}
		if err != nil {
			return count, err
		}
		if err := printDelivery(r.env, d); err != nil {
			return count, err
		}
		if err := r.printed.Set(d.Seq); err != nil {
			return count, err
		}
		after = d.Seq
		r.release(after)
	}
}

// release lets the passes send the deliveries up to a number.
func (r *relay) release(seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = seq
	close(r.changed)
	r.changed = make(chan struct{})
}

// close says that no more deliveries will be printed.
func (r *relay) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.isClosed = true
	close(r.changed)
	r.changed = make(chan struct{})
}

// pass sends the printed deliveries to a receiver, in order, until no more are printed or ctx ends. One that fails is not sent again.
func (r *relay) pass(ctx context.Context, p *pass) {
	for r.awaitPrinted(ctx, p.after) {
		d, err := r.box.Next(ctx, p.after)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			p.failed = err
			r.env.Printer.Warn("nothing more is sent to %s: %v", p.name, err)
			return
		}
		err = p.send(ctx, d)
		if ctx.Err() != nil {
			return
		}
		p.failed = nil
		if err != nil {
			p.failed = r.passError(p, d, err)
			if !r.opts.once { // with --once, it is the error of the command
				r.env.Printer.Warn("%v; send it again with: %s", p.failed, r.env.Command("webhook", "replay", d.ID))
			}
		}
		r.mu.Lock()
		p.after = d.Seq
		done := p.after
		for _, other := range r.passes {
			done = min(done, other.after)
		}
		_ = r.passed.Set(done) // without the mark, it is sent again after a crash
		r.mu.Unlock()
	}
}

func (r *relay) passError(p *pass, d inbox.Delivery, err error) error {
	return &fail.Error{
		Code: fail.DeliveryFailed, RunID: d.ID, Err: err, Hint: fail.CommandLine("webhook", "replay", d.ID),
		Message: fmt.Sprintf("%s did not accept run %s: %v", p.name, term.Line(d.ID), err),
	}
}

// awaitPrinted waits for a printed delivery after a number. It returns false if there will be none.
func (r *relay) awaitPrinted(ctx context.Context, after uint64) bool {
	for {
		r.mu.Lock()
		last, isClosed, changed := r.last, r.isClosed, r.changed
		r.mu.Unlock()
		if last > after {
			return ctx.Err() == nil
		}
		if isClosed {
			return false
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

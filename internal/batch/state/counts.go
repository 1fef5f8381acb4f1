package state

import "github.com/uselamina/lamina/internal/batch/journal"

// A Status is the state of an item.
type Status uint8

// The states of items.
const (
	Pending   Status = iota // not started yet
	Starting                // a start was or may have been sent, and its outcome is not known
	Running                 // it has a run that has not ended
	Completed               // its run completed
	Failed                  // its run failed, or the service refused it
	Cancelled               // its run was cancelled
	Held                    // it cannot be found out whether a lost start has a run
	Skipped                 // it was cancelled before it was started
)

var names = [...]string{"pending", "starting", "running", "completed", "failed", "cancelled", "held", "skipped"}

// String returns the name of the state in lower case.
func (s Status) String() string { return names[s] }

// Names returns the names of all states.
func Names() []string { return names[:] }

// IsOver reports whether nothing more happens to the item by itself.
func (s Status) IsOver() bool { return s >= Completed }

// Counts are the numbers of items by state. Their sum is the number of items.
type Counts struct {
	Pending   int     `json:"pending"`
	Starting  int     `json:"starting"`
	Running   int     `json:"running"`
	Completed int     `json:"completed"`
	Failed    int     `json:"failed"`
	Cancelled int     `json:"cancelled"`
	Held      int     `json:"held"`
	Skipped   int     `json:"skipped"`
	Credits   float64 `json:"-"` // counted for the runs that have ended
}

// Of returns a pointer to the number of items in a state.
func (c *Counts) Of(s Status) *int {
	return [...]*int{&c.Pending, &c.Starting, &c.Running, &c.Completed, &c.Failed, &c.Cancelled, &c.Held, &c.Skipped}[s]
}

// Total returns the number of items.
func (c Counts) Total() int { return c.Pending + c.Starting + c.Running + c.Done() }

// Done returns the number of items to which nothing more happens.
func (c Counts) Done() int { return c.Completed + c.Failed + c.Cancelled + c.Held + c.Skipped }

// IsOver reports whether nothing more happens to any item.
func (c Counts) IsOver() bool { return c.Done() == c.Total() }

// Plus returns the sum of two counts.
func (c Counts) Plus(o Counts) Counts {
	for s := range Status(len(names)) {
		*c.Of(s) += *o.Of(s)
	}
	c.Credits += o.Credits
	return c
}

// add adds n items in a state.
func (c *Counts) add(s Status, n int) { *c.Of(s) += n }

// statusAfter returns the state of an item whose newest record is r.
func statusAfter(r journal.Record) Status {
	switch r.Type {
	case journal.Intent, journal.Unknown:
		return Starting
	case journal.Started:
		return Running
	case journal.Held:
		return Held
	case journal.Skipped:
		return Skipped
	case journal.Refused:
		if r.Final {
			return Failed
		}
		return Pending
	case journal.Ended:
		switch r.State {
		case Completed.String():
			return Completed
		case Cancelled.String():
			return Cancelled
		}
		return Failed
	}
	return Pending
}

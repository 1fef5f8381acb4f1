package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/uselamina/lamina/internal/batch/plan"
)

// A Service starts and follows the runs of a batch. Its methods send one request each, and repeat none.
type Service interface {
	// Start starts a run for an item. key is the same for each repetition of an attempt. A service that answers when the run has ended
	// returns its State and its Outputs; the ID may then be empty.
	Start(ctx context.Context, item plan.Item, key string) (Run, error)
	// Get returns a run with its outputs.
	Get(ctx context.Context, id string) (Run, error)
	// Cancel cancels a run, and returns it as it is then. It fails with errors.ErrUnsupported if the service cannot do that.
	Cancel(ctx context.Context, id string) (Run, error)
	// Judge classifies an error of one of these methods.
	Judge(err error) Verdict
}

// A Lister is a Service that has a list of runs. The runs of another Service are asked for one by one, and its lost starts are held.
type Lister interface {
	Service
	// List returns runs of the app, the newest first, from the given one on; those from before since may be left out. It fails with
	// errors.ErrUnsupported if the service has no list of runs.
	List(ctx context.Context, since time.Time, offset int) (Page, error)
}

// A Run is a run as the service describes it.
type Run struct {
	ID        string
	State     string // completed, failed or cancelled; empty if it has not ended
	CreatedAt time.Time
	Error     string          // why it failed; text of the service
	Outputs   json.RawMessage // a list; nil in a Page
	IsForeign bool            // it names another app than the one of the batch
}

// A Page is a part of the list of runs.
type Page struct {
	Runs   []Run
	Size   int  // how many runs the service listed, if Runs leaves some out
	IsLast bool // there are no older runs
}

// A Meaning is what an error means for the request that failed.
type Meaning int

// The meanings of errors.
const (
	Lost    Meaning = iota // the request may have been carried out
	Busy                   // it was not carried out; the same request may succeed later
	Refused                // it was not carried out and never will be: the item is at fault
	Missing                // it was not carried out: what it is about does not exist
	Fatal                  // no request of the batch can succeed until the user does something
)

// A Verdict is the meaning of an error, with the words of the service.
type Verdict struct {
	Meaning Meaning
	After   time.Duration // of Busy: the time to wait before the next request; 0 if the service named none
	IsFull  bool          // of Busy: perhaps because too many runs have not ended
	Code    string        // of Refused
	Message string        // of Refused
}

// A Reason is why an engine stopped.
type Reason string

// The reasons to stop. Except for Done, the same command continues later.
const (
	Done        Reason = "done"        // every item is done
	Budget      Reason = "budget"      // the next run would exceed the limit of credits
	Failures    Reason = "failures"    // too many items failed
	TimeLimit   Reason = "time_limit"  // the time limit was reached
	Interrupted Reason = "interrupted" // the context was cancelled
	Failed      Reason = "failed"      // an error that a later item would meet, too
)

// errNoList means that lost starts cannot be looked for.
var errNoList = errors.New("the service has no list of runs")

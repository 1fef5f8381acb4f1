// Package journal stores what happened to the items of a batch: one append-only file for each shard, with one writer. Every line is
// a record. A record that allows a request is on the disk before the request is sent, so that no item is started twice, whenever the
// process ends.
package journal

import (
	"encoding/json"
	"time"
)

// version is the version of the format, which the first line of a journal names.
const version = 1

// A Type says what a record is about.
type Type string

// The types of records.
const (
	Intent  Type = "intent"  // a start may be sent from now on
	Unknown Type = "unknown" // the response to a start was lost
	Started Type = "started" // a start has a run
	None    Type = "none"    // a lost start had no effect
	Refused Type = "refused" // a start had no effect: the service refused it, or it was not sent
	Held    Type = "held"    // whether a lost start had an effect cannot be found out
	Ended   Type = "ended"   // the run of an item has ended
	Skipped Type = "skipped" // the item is not to be started
	Retry   Type = "retry"   // the item may be started again
	Saved   Type = "saved"   // the outputs of an item are on this disk
)

// ranks orders the types of records of one attempt: the highest decides the state of the item, in whatever order records are read.
// Saved is not among them: it does not change the state.
var ranks = map[Type]int{Intent: 1, Unknown: 2, Started: 3, None: 4, Refused: 4, Held: 4, Ended: 5, Skipped: 5, Retry: 6}

// Rank returns the rank of a type within an attempt; 0 for Saved and for types that this version does not know.
func (t Type) Rank() int { return ranks[t] }

// A Record is a line of a journal.
type Record struct {
	Type    Type            `json:"t"`
	ID      string          `json:"id"`
	Attempt int             `json:"attempt,omitempty"` // from 1; 0 before the first start
	At      time.Time       `json:"at,omitzero"`       // by the clock of the service
	Key     string          `json:"key,omitempty"`     // of Intent: the idempotency key
	Run     string          `json:"run,omitempty"`     // of Started and Ended
	Adopted bool            `json:"adopted,omitempty"` // of Started: the run was found in the list of runs
	Final   bool            `json:"final,omitempty"`   // of Refused: the item has failed; otherwise it can be started again
	State   string          `json:"state,omitempty"`   // of Ended: completed, failed or cancelled
	Credits *float64        `json:"credits,omitempty"` // of Ended: what is counted for the run
	Outputs json.RawMessage `json:"outputs,omitempty"` // of Ended: the outputs as the service describes them
	Code    string          `json:"code,omitempty"`
	Error   string          `json:"error,omitempty"`  // of Refused and Ended: the message of the service; may hold control characters
	Reason  string          `json:"reason,omitempty"` // of Unknown, Held and Skipped
	Files   []File          `json:"files,omitempty"`  // of Saved
}

// A File is a saved output. Path is relative to the folder of the batch if the file is in it.
type File struct {
	Label  string `json:"label,omitempty"`
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"` // in hexadecimal
}

// A header is the first line of a journal.
type header struct {
	Journal int    `json:"journal"`
	Batch   string `json:"batch"`
}

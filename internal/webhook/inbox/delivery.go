package inbox

import (
	"encoding/json"
	"time"
)

// The sources of deliveries. The values are part of JSON output.
const (
	FromWebhook = "webhook" // a signed request
	FromPoll    = "poll"    // the API, without a request
)

// A Delivery is the end of a run, as it was delivered.
type Delivery struct {
	Seq        uint64            `json:"-"`  // counts from 1
	ID         string            `json:"id"` // of the run
	Status     string            `json:"status"`
	Source     string            `json:"source"`
	ReceivedAt time.Time         `json:"receivedAt"`
	Headers    map[string]string `json:"headers,omitempty"` // those of the signature
	Body       []byte            `json:"body"`              // as it was signed
}

// parse parses a line of a segment. It reports false for a line that a crash or a fault of the disk damaged.
func parse(line []byte, seq uint64) (Delivery, bool) {
	d := Delivery{}
	if json.Unmarshal(line, &d) != nil || d.ID == "" {
		return Delivery{}, false
	}
	d.Seq = seq
	return d, true
}

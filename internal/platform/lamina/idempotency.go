package lamina

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// bucketStarts holds the starts with a key: workspace id, a space and the Idempotency-Key → keyedStart. Runs are never removed, and
// neither are their keys.
const bucketStarts = "keyed-starts"

// keyHeader is the header of requests that may be sent again, and of the answers that honour it.
const keyHeader = "Idempotency-Key"

const (
	longestKey  = 255            // characters
	keyLifetime = 24 * time.Hour // after it, a key is as good as new
)

// A keyedStart is the first start with a key.
type keyedStart struct {
	RunID   string    `json:"runId"`
	Request string    `json:"request"` // its digest, see digestStart
	At      time.Time `json:"at"`
}

// idempotencyKey returns the key of a request, "" without one.
func idempotencyKey(r *http.Request) string {
	return wire.CleanText(r.Header.Get(keyHeader), longestKey)
}

// acceptKey checks the key of a start and, if keys are honoured, sends it back.
func (s *Server) acceptKey(w http.ResponseWriter, r *http.Request) error {
	key := r.Header.Get(keyHeader)
	if !s.opts.HonourKeys || key == "" {
		return nil
	}
	if key != idempotencyKey(r) {
		return wire.Invalid("The Idempotency-Key must be printable text of up to " + strconv.Itoa(longestKey) + " characters")
	}
	w.Header().Set(keyHeader, key)
	return nil
}

// digestStart returns a digest of what a start asks for. It does not depend on the spelling of its JSON.
func digestStart(appID, webhookURL string, req api.StartRun) string {
	raw, err := json.Marshal([]any{appID, webhookURL, req})
	if err != nil {
		panic(err) // it came as JSON
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// firstStart returns the run that was started with the key of r before, if keys are honoured. It refuses a key that was sent with another
// request.
func (s *Server) firstStart(tx *wire.Tx, r *run, request string) (first run, isRepeated bool, err error) {
	if !s.opts.HonourKeys || r.IdempotencyKey == "" {
		return run{}, false, nil
	}
	start, ok := wire.Get[keyedStart](tx, bucketStarts, startID(r))
	if !ok || s.Clock.Now().Sub(start.At) > keyLifetime {
		return run{}, false, nil
	}
	if start.Request != request {
		return run{}, false, &wire.Error{
			Status: http.StatusUnprocessableEntity, Code: "VALIDATION_ERROR", Message: "This Idempotency-Key was sent with another request",
		}
	}
	first, _ = wire.Get[run](tx, bucketRuns, start.RunID)
	return first, true, nil
}

// rememberStart stores the key of a run that is about to start, if keys are honoured.
func (s *Server) rememberStart(tx *wire.Tx, r *run, request string) {
	if s.opts.HonourKeys && r.IdempotencyKey != "" {
		wire.Put(tx, bucketStarts, startID(r), keyedStart{r.RunID, request, r.CreatedAt})
	}
}

func startID(r *run) string { return r.WorkspaceID + " " + r.IdempotencyKey }

// pendingOutputs returns the outputs as they were when the run was started.
func (r *run) pendingOutputs() []api.Output {
	var pending []api.Output
	for _, o := range r.Outputs {
		pending = append(pending, api.Output{ID: o.ID, Label: o.Label, Type: "pending", Status: "pending"})
	}
	return pending
}

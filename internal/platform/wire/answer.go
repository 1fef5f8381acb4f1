package wire

import (
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// A Handler answers a request. The error that it returns becomes an answer by Answer.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Answer returns a handler that runs h and writes its failure with write. E is the error type of a server. Another
// error or a panic is logged, and internal is written instead.
func Answer[E error](log *slog.Logger, h Handler, internal E, write func(w http.ResponseWriter, r *http.Request, e E)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := RequestID(r.Context())
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				log.Error("panic in a handler", "request", id, "panic", v, "stack", string(debug.Stack()))
				write(w, r, internal)
			}
		}()
		err := h(w, r)
		if err == nil {
			return
		}
		var known E
		if !errors.As(err, &known) {
			log.Error("request failed", "request", id, "error", err)
			known = internal
		}
		write(w, r, known)
	}
}

// Answer returns a handler that runs h and writes its failure as an Error.
func (d Deps) Answer(h Handler) http.HandlerFunc { return Answer(d.Log, h, Internal(), WriteError) }

// ByMethod returns a handler for an address with one Handler per method.
func (d Deps) ByMethod(methods map[string]Handler) http.HandlerFunc {
	return d.Answer(func(w http.ResponseWriter, r *http.Request) error {
		h, err := ChooseMethod(w, r, methods)
		if err != nil {
			return err
		}
		return h(w, r)
	})
}

// ChooseMethod returns the value for the method of a request. HEAD is answered like GET: net/http omits the body.
func ChooseMethod[H any](w http.ResponseWriter, r *http.Request, methods map[string]H) (H, error) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	h, ok := methods[method]
	if ok {
		return h, nil
	}
	allowed := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
	w.Header().Set("Allow", allowed)
	return h, &Error{
		Status: http.StatusMethodNotAllowed, Code: "METHOD_NOT_ALLOWED", Message: "This address takes only " + allowed,
	}
}

// WriteJSON answers with a value as JSON, which caches must not store.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only if the client has disconnected
}

// WriteData answers with a value in the envelope of the Lamina API: {"data": value}.
func WriteData(w http.ResponseWriter, status int, data any) error {
	WriteJSON(w, status, struct {
		Data any `json:"data"`
	}{data})
	return nil
}

// StartEvents starts an answer of server-sent events. The controller that it returns flushes them.
func StartEvents(w http.ResponseWriter) *http.ResponseController {
	ctl := http.NewResponseController(w)
	_ = ctl.SetWriteDeadline(time.Time{}) // a stream may last longer than the server's write timeout
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	return ctl
}

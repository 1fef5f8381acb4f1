package platform

import "net/http"

// requestID returns the id of the request that w answers, as its X-Request-Id header says it, and gives it one if
// there is none yet.
func requestID(w http.ResponseWriter) string {
	id := w.Header().Get("X-Request-Id")
	if id == "" {
		id = "req_" + randomToken(12)
		w.Header().Set("X-Request-Id", id)
	}
	return id
}

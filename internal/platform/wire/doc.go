// Package wire holds what the servers of the local platform share: the store and its files, keys and identities, the
// clock, request bodies and queries, answers and errors, rate limits and ids. It knows none of the servers.
package wire

import (
	"log/slog"
)

// Deps are what every server of the platform works with.
type Deps struct {
	BaseURL string // http://host:port, without a slash at the end
	Store   *Store
	Secrets *Secrets
	Keys    *Keys
	Clock   *Clock
	Timing  Timing
	Log     *slog.Logger
}

package engine

import (
	"net/http"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/batch/pace"
)

// PacedClient returns a copy of a client that repeats nothing, and tells a pacer and a clock of each response.
func PacedClient(client *api.Client, pacer *pace.Pacer, clock *Clock) *api.Client {
	c := *client
	c.Once = true
	base := http.DefaultTransport
	if client.HTTP != nil && client.HTTP.Transport != nil {
		base = client.HTTP.Transport
	}
	c.HTTP = &http.Client{Transport: &Transport{Base: base, Pacer: pacer, Clock: clock}}
	return &c
}

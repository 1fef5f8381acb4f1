package control

import (
	"crypto/ed25519"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/webhook"
)

// signDelivery answers POST /dev/webhooks/sign with the signature of a body at a time, by the key of webhook deliveries. It lets tests send
// samples that a receiver cannot tell from deliveries.
func (s *Server) signDelivery(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		Timestamp int64  `json:"timestamp"` // Unix seconds
		Body      []byte `json:"body"`      // in base64
	}
	if err := wire.DecodeStrict(w, r, &req); err != nil {
		return err
	}
	if req.Timestamp <= 0 || len(req.Body) == 0 {
		return wire.Invalid(`"timestamp" must be Unix seconds, and "body" the base64 of a body`)
	}
	var key ed25519.PrivateKey
	err := s.Store.Update(func(tx *wire.Tx) error {
		key = wire.WebhookKey(tx)
		return nil
	})
	if err != nil {
		return err
	}
	signature, timestamp := webhook.Sign(key, time.Unix(req.Timestamp, 0), req.Body)
	return wire.WriteData(w, http.StatusOK, map[string]string{"signature": signature, "timestamp": timestamp})
}

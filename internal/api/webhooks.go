package api

import (
	"context"
	"encoding/json"
	"net/http"
)

// SigningKeys returns the public keys of webhook deliveries, decoded and as they came: the response has no envelope.
func (c *Client) SigningKeys(ctx context.Context) (SigningKeys, json.RawMessage, error) {
	req := Call{Method: http.MethodGet, Path: "/v1/webhooks/signing-key"}
	got, err := c.Do(ctx, req)
	if err != nil {
		return SigningKeys{}, nil, err
	}
	var keys SigningKeys
	return keys, got.Raw, got.Decode(req, &keys)
}

package laghav

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

// A Key is what the service tells of an API key. Everything but ID may be empty, as the reply is not documented.
type Key struct {
	ID, Name, AppID string
	// Class is live or test; Last are the last characters, to tell keys apart.
	Class, Last string
	CreatedAt   time.Time
	RevokedAt   time.Time
	Revoked     bool
}

// A NewKey is a key that was just made. Secret is told this once; it must not be shown by accident.
type NewKey struct {
	Key
	Secret string
}

// Keys lists the keys, and returns the answer as it came.
func (c *Client) Keys(ctx context.Context) ([]Key, json.RawMessage, error) {
	call := api.Call{Method: http.MethodGet, Path: "/api/keys"}
	answer, err := c.api.Do(ctx, call)
	if err != nil {
		return nil, nil, err
	}
	list, err := readList(answer.Raw, "keys", "api_keys", "data", "items", "results")
	if err != nil {
		return nil, nil, answer.Unexpected(call, "the answer is no list of keys", err)
	}
	keys := []Key{}
	for _, o := range list {
		keys = append(keys, newKey(o))
	}
	return keys, answer.Raw, nil
}

// MakeKey makes a key for an application. A lost answer loses the key: the call is not repeated.
func (c *Client) MakeKey(ctx context.Context, name, appID string) (NewKey, json.RawMessage, error) {
	return c.make(ctx, api.Call{
		Method: http.MethodPost, Path: "/api/keys", Body: map[string]string{"name": name, "app_id": appID},
	}, "key", "api_key", "data")
}

// make sends a call that makes something with a key.
func (c *Client) make(ctx context.Context, call api.Call, envelopes ...string) (NewKey, json.RawMessage, error) {
	answer, err := c.api.Do(ctx, call)
	if err != nil {
		return NewKey{}, nil, err
	}
	o, err := readObject(answer.Raw, envelopes...)
	if err != nil {
		return NewKey{}, nil, answer.Unexpected(call, "the answer is no key", err)
	}
	made := NewKey{Key: newKey(o), Secret: o.text("api_key", "key", "secret", "token", "value")}
	if made.Secret == "" {
		return NewKey{}, nil, answer.Unexpected(call, "the answer has no key in it", errShape)
	}
	return made, answer.Raw, nil
}

// RevokeKey revokes a key for good.
func (c *Client) RevokeKey(ctx context.Context, id string) (json.RawMessage, error) {
	answer, err := c.api.Do(ctx, api.Call{Method: http.MethodDelete, Path: "/api/keys/" + url.PathEscape(id), Repeatable: true})
	if err != nil {
		return nil, err
	}
	return answer.Raw, nil
}

func newKey(o object) Key {
	k := Key{
		ID: o.text("id", "key_id"), Name: o.text("name"), AppID: o.text("app_id", "application_id"),
		Class: classOf(o.text("type", "class", "environment", "mode"), o.text("prefix", "key_prefix", "masked", "key")),
		Last:  lastOf(o.text("last_four", "last4", "hint", "suffix", "masked", "key")), CreatedAt: o.time("created_at", "createdAt"), RevokedAt: o.time("revoked_at", "revokedAt"),
	}
	active, known := o.truth("active", "is_active")
	k.Revoked = !k.RevokedAt.IsZero() || strings.EqualFold(o.text("status"), "revoked") || known && !active
	if revoked, known := o.truth("revoked", "is_revoked"); known {
		k.Revoked = revoked
	}
	return k
}

// classOf reads a class, or the beginning of a key.
func classOf(class, key string) string {
	for _, c := range []string{"live", "test"} {
		if strings.EqualFold(class, c) || strings.HasPrefix(key, "lgh_"+c) {
			return c
		}
	}
	return ""
}

// lastOf are the last four characters of a key that is masked, or as long as they are.
func lastOf(hint string) string {
	if len(hint) > 4 {
		hint = hint[len(hint)-4:]
	}
	if strings.Trim(hint, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return ""
	}
	return hint
}

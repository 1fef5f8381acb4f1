package laghav

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/loose"
)

// A Key is an API key without its secret. All fields but ID may be empty, because the response is not documented.
type Key struct {
	ID, Name, AppID string
	// Class is live or test. Last are the last characters of the key, which help to identify it.
	Class, Last string
	CreatedAt   time.Time
	RevokedAt   time.Time
	Revoked     bool
}

// A NewKey is a key that was just created. The service returns Secret only once.
type NewKey struct {
	Key
	Secret string
}

// Keys returns the keys, and the response as JSON.
func (c *Client) Keys(ctx context.Context) ([]Key, json.RawMessage, error) {
	call := api.Call{Method: http.MethodGet, Path: "/api/keys"}
	resp, err := c.api.Do(ctx, call)
	if err != nil {
		return nil, nil, err
	}
	list, err := loose.List(resp.Raw, "keys", "api_keys", "data", "items", "results")
	if err != nil {
		return nil, nil, resp.Unexpected(call, "the response is not a list of keys", err)
	}
	items, err := loose.Items[wireKey](list)
	if err != nil {
		return nil, nil, resp.Unexpected(call, "the response is not a list of keys", err)
	}
	keys := []Key{}
	for _, item := range items {
		keys = append(keys, item.key())
	}
	return keys, resp.Raw, nil
}

// MakeKey creates a key for an application. The call is not repeated if its response is lost, because it could create two keys.
func (c *Client) MakeKey(ctx context.Context, name, appID string) (NewKey, json.RawMessage, error) {
	return c.create(ctx, api.Call{
		Method: http.MethodPost, Path: "/api/keys", Body: map[string]string{"name": name, "app_id": appID},
	}, "key", "api_key", "data")
}

// create sends a call that creates a key.
func (c *Client) create(ctx context.Context, call api.Call, envelopes ...string) (NewKey, json.RawMessage, error) {
	resp, err := c.api.Do(ctx, call)
	if err != nil {
		return NewKey{}, nil, err
	}
	object, err := loose.Object(resp.Raw, envelopes...)
	if err != nil {
		return NewKey{}, nil, resp.Unexpected(call, "the response is not a key", err)
	}
	var item wireKey
	if err := loose.Unmarshal(object, &item); err != nil {
		return NewKey{}, nil, resp.Unexpected(call, "the response is not a key", err)
	}
	created := NewKey{Key: item.key(), Secret: string(cmp.Or(item.APIKey, item.Key, item.Secret, item.Token, item.Value))}
	if created.Secret == "" {
		return NewKey{}, nil, resp.Unexpected(call, "the response contains no key", loose.ErrShape)
	}
	return created, resp.Raw, nil
}

// RevokeKey revokes a key for good.
func (c *Client) RevokeKey(ctx context.Context, id string) (json.RawMessage, error) {
	resp, err := c.api.Do(ctx, api.Call{Method: http.MethodDelete, Path: "/api/keys/" + url.PathEscape(id), Repeatable: true})
	if err != nil {
		return nil, err
	}
	return resp.Raw, nil
}

// wireKey is a key in a reply, with every field name that such services use.
type wireKey struct {
	ID            loose.Text `json:"id"`
	KeyID         loose.Text `json:"key_id"`
	Name          loose.Text `json:"name"`
	AppID         loose.Text `json:"app_id"`
	ApplicationID loose.Text `json:"application_id"`

	Type        loose.Text `json:"type"`
	Class       loose.Text `json:"class"`
	Environment loose.Text `json:"environment"`
	Mode        loose.Text `json:"mode"`

	Prefix    loose.Text `json:"prefix"`
	KeyPrefix loose.Text `json:"key_prefix"`
	LastFour  loose.Text `json:"last_four"`
	Last4     loose.Text `json:"last4"`
	Hint      loose.Text `json:"hint"`
	Suffix    loose.Text `json:"suffix"`
	Masked    loose.Text `json:"masked"`

	CreatedAt      loose.Time `json:"created_at"`
	CreatedAtCamel loose.Time `json:"createdAt"`
	RevokedAt      loose.Time `json:"revoked_at"`
	RevokedAtCamel loose.Time `json:"revokedAt"`
	Status         loose.Text `json:"status"`
	Active         loose.Bool `json:"active"`
	IsActive       loose.Bool `json:"is_active"`
	Revoked        loose.Bool `json:"revoked"`
	IsRevoked      loose.Bool `json:"is_revoked"`

	APIKey loose.Text `json:"api_key"`
	Key    loose.Text `json:"key"` // the secret of a new key, else a masked key
	Secret loose.Text `json:"secret"`
	Token  loose.Text `json:"token"`
	Value  loose.Text `json:"value"`
}

func (w wireKey) key() Key {
	return Key{
		ID: string(cmp.Or(w.ID, w.KeyID)), Name: string(w.Name), AppID: string(cmp.Or(w.AppID, w.ApplicationID)),
		Class: classOf(
			string(cmp.Or(w.Type, w.Class, w.Environment, w.Mode)),
			string(cmp.Or(w.Prefix, w.KeyPrefix, w.Masked, w.Key)),
		),
		Last:      lastOf(string(cmp.Or(w.LastFour, w.Last4, w.Hint, w.Suffix, w.Masked, w.Key))),
		CreatedAt: cmp.Or(w.CreatedAt, w.CreatedAtCamel).Time, RevokedAt: cmp.Or(w.RevokedAt, w.RevokedAtCamel).Time,
		Revoked: w.isRevoked(),
	}
}

func (w wireKey) isRevoked() bool {
	if revoked := cmp.Or(w.Revoked, w.IsRevoked); revoked.IsSet {
		return revoked.Value
	}
	active := cmp.Or(w.Active, w.IsActive)
	revokedAt := cmp.Or(w.RevokedAt, w.RevokedAtCamel)
	return !revokedAt.IsZero() || strings.EqualFold(string(w.Status), "revoked") || active.IsSet && !active.Value
}

// classOf returns the class of a key by the name of the class or by the prefix of the key.
func classOf(class, key string) string {
	for _, c := range []string{"live", "test"} {
		if strings.EqualFold(class, c) || strings.HasPrefix(key, "lgh_"+c) {
			return c
		}
	}
	return ""
}

// lastOf returns the last characters of a masked key, at most four, or "" if they are masked too.
func lastOf(hint string) string {
	if len(hint) > 4 {
		hint = hint[len(hint)-4:]
	}
	if strings.Trim(hint, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return ""
	}
	return hint
}

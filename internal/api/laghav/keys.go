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

// KeyIDSetting is the setting of a stored credential that holds the id of its key, where the id is known.
const KeyIDSetting = "key-id"

// A Key describes an API key. Everything but ID may be empty, because the response is not documented.
type Key struct {
	ID, Name, AppID string
	// Class is live or test; Last are the last characters of the key, at most four.
	Class, Last string
	CreatedAt   time.Time
	RevokedAt   time.Time
	Revoked     bool
}

// A NewKey is a key that was just created. The service sends Secret only once.
type NewKey struct {
	Key
	Secret string
}

// KeyID returns the id of the key, or "" if the service returned only the id of the key's application.
func (k NewKey) KeyID() string {
	if strings.HasPrefix(k.ID, "key_") {
		return k.ID
	}
	return ""
}

// Keys lists the keys. It also returns the response as JSON.
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
	keys := []Key{}
	for _, item := range loose.Items[wireKey](list) {
		keys = append(keys, item.key())
	}
	return keys, resp.Raw, nil
}

// CreateKey creates a key for an application. The call is not repeated, because a lost response loses the key; api.MayHaveRun reports
// that.
func (c *Client) CreateKey(ctx context.Context, name, appID string) (NewKey, json.RawMessage, error) {
	return c.createKey(ctx, api.Call{
		Method: http.MethodPost, Path: "/api/keys", Body: map[string]string{"name": name, "app_id": appID},
	}, "key", "api_key", "data")
}

// createKey sends a call that creates a key, alone or with its application.
func (c *Client) createKey(ctx context.Context, call api.Call, envelopes ...string) (NewKey, json.RawMessage, error) {
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

// RevokeKey revokes a key permanently. It returns the response as JSON; empty if the service sent no body.
func (c *Client) RevokeKey(ctx context.Context, id string) (json.RawMessage, error) {
	resp, err := c.api.Do(ctx, api.Call{Method: http.MethodDelete, Path: "/api/keys/" + url.PathEscape(id), Repeatable: true})
	if err != nil {
		return nil, err
	}
	return resp.Raw, nil
}

// wireKey is a key in a response, with every field name that such services use.
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

// classOf returns the class, live or test, from the name of a class or from the beginning of a key.
func classOf(class, key string) string {
	for _, c := range []string{"live", "test"} {
		if strings.EqualFold(class, c) || strings.HasPrefix(key, "lgh_"+c) {
			return c
		}
	}
	return ""
}

// lastOf returns the last characters of a masked key, at most four; "" if they are masked too.
func lastOf(hint string) string {
	if len(hint) > 4 {
		hint = hint[len(hint)-4:]
	}
	if strings.Trim(hint, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return ""
	}
	return hint
}

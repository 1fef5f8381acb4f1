package laghav

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// Laghav does not document the form of a list of keys, nor that of a new key.
func TestKeysInPlausibleForms(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, answer string }{
		{"in keys", `{"keys": [{"id": "key_1", "name": "CI", "app_id": "app_1", "type": "live", "last_four": "abcd", "created_at": "2025-06-01T14:00:00Z"}]}`},
		{"bare", `[{"key_id": "key_1", "name": "CI", "application_id": "app_1", "prefix": "lgh_live_", "hint": "abcd", "created_at": 1748786400}]`},
		{"in data", `{"data": {"api_keys": [{"id": "key_1", "name": "CI", "app_id": "app_1", "key": "lgh_live_****abcd", "created_at": "2025-06-01T14:00:00Z", "status": "active"}]}}`},
	}
	want := Key{ID: "key_1", Name: "CI", AppID: "app_1", Class: "live", Last: "abcd", CreatedAt: time.Date(2025, 6, 1, 14, 0, 0, 0, time.UTC)}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, c := serve(t, tt.answer)
			keys, raw, err := c.Keys(t.Context())
			if err != nil || len(keys) != 1 || keys[0] != want {
				t.Errorf("got %+v, %v; want one key %+v", keys, err, want)
			}
			if string(raw) != tt.answer {
				t.Errorf("got the raw response %s, want %s", raw, tt.answer)
			}
		})
	}
}

func TestRevokedKeysInPlausibleForms(t *testing.T) {
	t.Parallel()
	for _, revoked := range []string{`"status": "REVOKED"`, `"revoked": true`, `"active": false`, `"revoked_at": "2025-06-01T14:00:00Z"`} {
		t.Run(revoked, func(t *testing.T) {
			t.Parallel()
			_, c := serve(t, `{"keys": [{"id": "k", `+revoked+`}, {"id": "l", "revoked_at": null, "active": true}]}`)
			keys, _, err := c.Keys(t.Context())
			if err != nil || len(keys) != 2 || !keys[0].Revoked || keys[1].Revoked {
				t.Errorf("got %+v, %v; want the first of two keys to be revoked", keys, err)
			}
		})
	}
}

func TestMakeKeyInPlausibleForms(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, answer string }{
		{"api_key", `{"id": "key_1", "name": "CI", "api_key": "lgh_live_x"}`},
		{"key", `{"id": "key_1", "key": "lgh_live_x"}`},
		{"in key", `{"key": {"id": "key_1", "secret": "lgh_live_x"}}`},
		{"in data", `{"data": {"key_id": "key_1", "value": "lgh_live_x"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x, c := serve(t, tt.answer)
			x.status = 201
			made, _, err := c.CreateKey(t.Context(), "CI", "app_abc123")
			if err != nil || made.Secret != "lgh_live_x" || made.KeyID() != "key_1" {
				t.Errorf("got %+v, %v; want the key lgh_live_x with the id key_1", made, err)
			}
			x.wantBody(`{"name": "CI", "app_id": "app_abc123"}`)
		})
	}
}

func TestKeyID(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, id, want string }{
		{"key", "key_1", "key_1"},
		{"application", "app_1", ""},
		{"missing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := (NewKey{Key: Key{ID: tt.id}}).KeyID(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFindApp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, answer, id string
		want             string
		wantIDs          []string // of a *SeveralAppsError
		wantErr          bool
	}{
		{name: "named", answer: `{}`, id: "app_2", want: "app_2"},
		{name: "only one", answer: `{"applications": [{"id": "app_1"}]}`, want: "app_1"},
		{name: "several", answer: `{"applications": [{"id": "app_1"}, {"id": "app_2"}]}`, wantIDs: []string{"app_1", "app_2"}, wantErr: true},
		{name: "none", answer: `{"applications": []}`, wantErr: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, c := serve(t, tt.answer)
			got, err := c.FindApp(t.Context(), tt.id)
			if got != tt.want || (err != nil) != tt.wantErr {
				t.Fatalf("got %q, %v; want %q, an error: %t", got, err, tt.want, tt.wantErr)
			}
			var several *SeveralAppsError
			if tt.wantErr && (!errors.As(err, &several) || !slices.Equal(several.IDs, tt.wantIDs)) {
				t.Errorf("got the error %#v, want one with the ids %q", err, tt.wantIDs)
			}
		})
	}
}

func TestRevokeKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		id     string
		want   string
	}{
		{"status 200", 200, "key_xyz789", "DELETE /api/keys/key_xyz789"},
		{"status 204", 204, "key_xyz789", "DELETE /api/keys/key_xyz789"},
		{"id with special characters", 200, "a/../b?c", "DELETE /api/keys/a%2F..%2Fb%3Fc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x, c := serve(t, "")
			x.status = tt.status
			_, err := c.RevokeKey(t.Context(), tt.id)
			if got := x.method + " " + x.path; err != nil || got != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

// The response is the one on the page Applications.
func TestApps(t *testing.T) {
	t.Parallel()
	_, c := serve(t, `{"applications": [{"id": "app_abc123", "name": "FARA Agent", "calls_today": 12400, "compression_avg": 72, "quality_avg": 96,
		"saved_usd_today": 88.50, "status": "active"}]}`)
	got, _, err := c.Apps(t.Context())
	want := App{"app_abc123", "FARA Agent", 12400, 72, 96, 88.5, "active"}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, %v; want one application %+v", got, err, want)
	}
}

// The response is the one on the page Applications.
func TestMakeApp(t *testing.T) {
	t.Parallel()
	x, c := serve(t, `{"id": "app_xyz789", "name": "Support Bot", "api_key": "lgh_live_xxxx", "created_at": "2025-06-01T14:00:00Z"}`)
	got, _, err := c.CreateApp(t.Context(), "Support Bot")
	want := NewKey{Key: Key{ID: "app_xyz789", Name: "Support Bot", CreatedAt: time.Date(2025, 6, 1, 14, 0, 0, 0, time.UTC)}, Secret: "lgh_live_xxxx"}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	x.wantBody(`{"name": "Support Bot"}`)
}

// The response is the one on the page Budget Controls.
func TestBudgets(t *testing.T) {
	t.Parallel()
	_, c := serve(t, `{"budgets": [{"id": "budget_abc", "team_name": "Engineering", "monthly_budget_usd": 500, "alert_threshold_pct": 80,
		"spent_this_month_usd": 305.50, "spent_pct": 61}]}`)
	got, _, err := c.Budgets(t.Context())
	want := Budget{"budget_abc", "Engineering", 500, 80, false, 305.5, 61}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, %v; want one budget %+v", got, err, want)
	}
}

func TestMakeBudget(t *testing.T) {
	t.Parallel()
	x, c := serve(t, `{"id": "budget_abc", "team_name": "Engineering"}`)
	got, _, err := c.CreateBudget(t.Context(), Budget{Team: "Engineering", Limit: 500, Alert: 80})
	want := Budget{ID: "budget_abc", Team: "Engineering", Limit: 500, Alert: 80}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	x.wantBody(`{"team_name": "Engineering", "monthly_budget_usd": 500, "alert_threshold_pct": 80, "hard_stop": false}`)
}

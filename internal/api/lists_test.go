package api

import (
	"net/http"
	"testing"
	"time"
)

// TestOddLists checks that one odd item or field hides nothing else of a list.
func TestOddLists(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name, body string
		want       []string // the ids and the states
	}{
		{"null", `{"data":null}`, nil},
		{"null with a position", `{"data":null,"pagination":{"total":0}}`, nil},
		{"no envelope", `[{"runId":"a","createdAt":"2026-01-02T12:00:00Z"}]`, []string{"a"}},
		{"zone without a colon", `{"data":[{"runId":"a","createdAt":"2026-01-02T12:00:00+0000"},{"runId":"b","createdAt":"2026-01-02T14:00:00+02:00"}]}`, []string{"a", "b"}},
		{"odd items", `{"data":[7,{"runId":"a","createdAt":"2026-01-02T12:00:00Z"},null],"pagination":{"total":"3"}}`, []string{"", "a", ""}},
		{"odd fields", `{"data":[{"runId":"a","status":["x"],"errorMessage":{},"startedAt":"soon","createdAt":1767355200}]}`, []string{"a"}},
		{"id as a number", `{"data":[{"executionId":17,"createdAt":"2026-01-02 12:00:00"}],"pagination":7}`, []string{"17"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, tt.body) })
			got, err := c.ListRuns(t.Context(), RunFilter{})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Data) != len(tt.want) || string(got.Raw) != tt.body {
				t.Fatalf("got %+v, want the runs %q", got, tt.want)
			}
			for i, run := range got.Data {
				if run.RunID != tt.want[i] || run.RunID != "" && !run.CreatedAt.Equal(at) {
					t.Errorf("got %+v, want the id %q and the time %v", run, tt.want[i], at)
				}
				if run.RunID == "" && run.WorkflowID == "" {
					t.Errorf("got %+v, want a text that says that the item cannot be read", run)
				}
			}
		})
	}
}

// TestOddObjects checks that one odd field hides no other of an object.
func TestOddObjects(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/apps/discover":
			reply(w, 200, `{"data":{"matches":[null,{"appId":"a","estimatedCredits":"4"}],"intent":null}}`)
		case "/v1/account":
			reply(w, 200, `{"data":{"user":{"id":7,"email":"a@example.com"},"memberships":[1,{"workspaceId":"w"}]}}`)
		case "/v1/runs/r1":
			reply(w, 200, `{"data":{"runId":"r1","status":"completed","createdAt":"2026-01-02T12:00:00+0000","outputs":[3,{"id":"o"}]}}`)
		}
	})
	found, err := c.Discover(t.Context(), DiscoverRequest{})
	if err != nil || len(found.Data.Matches) != 2 || found.Data.Matches[0].Name != "(cannot be read: null)" || *found.Data.Matches[1].EstimatedCredits != 4 {
		t.Errorf("discover: got %+v, %v", found, err)
	}
	account, err := c.Account(t.Context())
	if err != nil || account.Data.User.ID != "7" || len(account.Data.Memberships) != 1 {
		t.Errorf("account: got %+v, %v", account, err)
	}
	run, err := c.Run(t.Context(), "r1")
	if err != nil || run.Data.Status != Completed || len(run.Data.Outputs) != 1 || run.Data.CreatedAt.Hour() != 12 {
		t.Errorf("run: got %+v, %v", run, err)
	}
}

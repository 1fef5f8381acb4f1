package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

const generationJSON = `{"data":{"runId":"g1","status":"completed","model":"m1","resolvedParams":{"prompt":"x"},` +
	`"output":{"type":"image","url":"https://cdn.example.com/a.png"},"errorMessage":null,"startedAt":null,"completedAt":null,"createdAt":"2026-06-01T00:00:00Z"}}`

// serveFamilies returns a client of a service that has the given answers by path, and the paths that were asked for. Others are 404.
func serveFamilies(t *testing.T, answers map[string]string) (*Client, func() []string) {
	t.Helper()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		if body, ok := answers[r.URL.Path]; ok {
			reply(w, 200, body)
			return
		}
		reply(w, 404, `{"error":"Run not found","code":"NOT_FOUND"}`)
	}))
	t.Cleanup(server.Close)
	return &Client{BaseURL: server.URL, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}, func() []string { return asked }
}

func TestFindRunAsksEachFamily(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, body string
		want             Family
		asked            []string
	}{
		{"run of an app", "/v1/runs/g1", enveloped(state("completed", 100)), AppRuns, []string{"/v1/runs/g1"}},
		{"generation", "/v1/generate/runs/g1", generationJSON, Generations, []string{"/v1/runs/g1", "/v1/generate/runs/g1"}},
		{"freestyle run", "/v1/freestyle/g1", enveloped(state("completed", 100)), FreestyleRuns, []string{"/v1/runs/g1", "/v1/generate/runs/g1", "/v1/freestyle/g1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, asked := serveFamilies(t, map[string]string{test.path: test.body})
			found, family, err := c.FindRun(t.Context(), "g1")
			if err != nil || family != test.want || !slices.Equal(asked(), test.asked) {
				t.Fatalf("got family %v (%v) after %v, want %v after %v", family, err, asked(), test.want, test.asked)
			}
			if string(found.Raw) != test.body {
				t.Errorf("raw: got %s, want the response as it came", found.Raw)
			}
			final, err := c.FollowRun(t.Context(), "g1", Follow{})
			if err != nil || final.Run.Status != found.Data.Status {
				t.Errorf("follow: got %+v (%v), want the state", final.Run, err)
			}
		})
	}
	c, asked := serveFamilies(t, nil)
	if _, _, err := c.FindRun(t.Context(), "g1"); !IsNotFound(err) || len(asked()) != 3 {
		t.Errorf("got %v after %v, want not found after three requests", err, asked())
	}
}

func TestFindRunDoesNotHideAFailure(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/generate/runs/g1" {
			reply(w, 403, `{"error":"App access denied","code":"FORBIDDEN"}`)
			return
		}
		reply(w, 404, `{"error":"Run not found","code":"NOT_FOUND"}`)
	}))
	defer server.Close()
	_, _, err := (&Client{BaseURL: server.URL}).FindRun(t.Context(), "g1")
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != 403 {
		t.Errorf("got %v, want the refusal of the second family", err)
	}
}

func TestFollowGeneration(t *testing.T) {
	t.Parallel()
	states := []string{
		`{"data":{"runId":"g1","status":"queued","model":null,"output":null,"createdAt":"2026-06-01T00:00:00Z"}}`,
		`{"data":{"runId":"g1","status":"running","model":"m1","output":{"type":"image","url":null},"createdAt":"2026-06-01T00:00:00Z"}}`,
		generationJSON,
	}
	polls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/generate/runs/g1" {
			t.Errorf("got a request to %s, want only those of the family", r.URL.Path)
		}
		reply(w, 200, states[min(polls, 2)])
		polls++
	}))
	defer server.Close()
	var waits []time.Duration
	now := time.Unix(0, 0)
	c := &Client{BaseURL: server.URL, Now: func() time.Time { return now }, Sleep: func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}}
	var seen []Status
	final, err := c.FollowRun(t.Context(), "g1", Follow{Family: Generations, Update: func(u RunUpdate) { seen = append(seen, u.Run.Status) }})
	if err != nil || !slices.Equal(seen, []Status{Queued, Running, Completed}) {
		t.Fatalf("got the states %v (%v), want queued, running, completed", seen, err)
	}
	if want := []time.Duration{500 * time.Millisecond, time.Second}; !slices.Equal(waits, want) {
		t.Errorf("got the waits %v, want %v", waits, want)
	}
	run := final.Run
	if run.Model != "m1" || len(run.Outputs) != 1 || string(run.Outputs[0].Value) != `"https://cdn.example.com/a.png"` || run.Outputs[0].Status != "completed" {
		t.Errorf("got %+v, want a run with the picture as its output", run)
	}
}

func TestModelSchemaKeepsItsOrderAndReadsEveryShape(t *testing.T) {
	t.Parallel()
	var m Model
	raw := `{"id":"m","displayName":"M","modality":"video","paramSchema":{
		"zoom":{"type":"number","min":"no number","max":"2","step":{}},
		"prompt":{"type":"string","required":true},
		"odd":"text","list":{"type":"array<url>","itemSchema":{"type":"url","accept":["video/mp4"]}},
		"shots":{"type":"array<object>","itemSchema":{"type":{"type":"string"},"duration":{"type":"integer"}}},
		"audio":{"type":"voice","values":null,"newer":{"a":1}}}}`
	if err := json.Unmarshal([]byte(raw), &m); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range m.ParamSchema {
		names = append(names, f.Name)
	}
	if want := []string{"zoom", "prompt", "odd", "list", "shots", "audio"}; !slices.Equal(names, want) {
		t.Errorf("got the parameters %v, want %v", names, want)
	}
	if s, _ := m.ParamSchema.Field("zoom"); s.Min != nil || s.Max == nil || *s.Max != 2 || s.Step != nil {
		t.Errorf("zoom: got %+v, want only the bound that is a number", s)
	}
	if s, _ := m.ParamSchema.Field("list"); s.ItemSchema.Value == nil || s.ItemSchema.Value.Type != "url" {
		t.Errorf("list: got %+v, want a schema for its values", s.ItemSchema)
	}
	if s, _ := m.ParamSchema.Field("shots"); len(s.ItemSchema.Fields) != 2 {
		t.Errorf("shots: got %+v, want two fields, one of which is named type", s.ItemSchema)
	}
	for _, other := range []string{`{"paramSchema":null}`, `{"paramSchema":[]}`, `{}`} {
		var m Model
		if err := json.Unmarshal([]byte(other), &m); err != nil || len(m.ParamSchema) != 0 {
			t.Errorf("%s: got %+v (%v), want no parameters", other, m, err)
		}
	}
}

package lightfast_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/lightfast"
)

// A sent is a request with its body.
type sent struct {
	path string // with the method
	body map[string]any
}

// answering returns a client of a server with the given responses, of which the last is repeated, and the requests.
func answering(t *testing.T, generation lightfast.Generation, answers ...string) (*lightfast.Client, *[]sent) {
	t.Helper()
	var seen []sent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		s := sent{path: r.Method + " " + r.URL.Path}
		if err := json.Unmarshal(raw, &s.body); err != nil {
			t.Errorf("got the body %q, want JSON", raw)
		}
		seen = append(seen, s)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answers[min(len(seen), len(answers))-1])
	}))
	t.Cleanup(server.Close)
	return &lightfast.Client{API: &api.Client{BaseURL: server.URL + "/api/v1"}, Generation: generation}, &seen
}

func TestSearchRequest(t *testing.T) {
	t.Parallel()
	query := lightfast.Query{Text: "auth", Limit: 5, Offset: 10, Mode: "fast", Filters: lightfast.Filters{
		Sources: []string{"github"}, Types: []string{"pull_request"}, After: "2026-01-01", Before: "2026-02-01",
	}}
	withActors := query
	withActors.Actors = []string{"Sam"}
	nested := `{"query": "auth", "limit": 5, "offset": 10, "mode": "fast", "filters": {"sourceTypes": ["github"],
		"observationTypes": ["pull_request"], "actorNames": ["Sam"], "dateRange": {"start": "2026-01-01", "end": "2026-02-01"}}}`
	tests := []struct {
		name       string
		generation lightfast.Generation
		query      lightfast.Query
		want       string
	}{
		{"default", "", query, `{"query": "auth", "limit": 5, "offset": 10, "mode": "fast", "sources": ["github"], "types": ["pull_request"],
			"after": "2026-01-01", "before": "2026-02-01"}`},
		{"d, text only", lightfast.D, lightfast.Query{Text: "auth"}, `{"query": "auth"}`},
		{"c", lightfast.C, withActors, nested},
		{"b", lightfast.B, withActors, nested},
		{"b, text only", lightfast.B, lightfast.Query{Text: "auth"}, `{"query": "auth"}`},
		{"a", lightfast.A, lightfast.Query{Text: "auth", Limit: 5}, `{"query": "auth", "limit": 5}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, requests := answering(t, tt.generation, `{"results": [], "total": 0, "requestId": "req_1"}`)
			if _, err := client.Search(t.Context(), tt.query); err != nil {
				t.Fatal(err)
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if got := (*requests)[0]; got.path != "POST /api/v1/search" || !reflect.DeepEqual(got.body, want) {
				t.Errorf("got %v, want POST /api/v1/search with %v", got, want)
			}
		})
	}
}

func TestUnsupported(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		generation lightfast.Generation
		query      lightfast.Query
	}{
		{"a, offset", lightfast.A, lightfast.Query{Offset: 1}},
		{"a, mode", lightfast.A, lightfast.Query{Mode: "fast"}},
		{"a, type", lightfast.A, lightfast.Query{Filters: lightfast.Filters{Types: []string{"x"}}}},
		{"a, date", lightfast.A, lightfast.Query{Filters: lightfast.Filters{After: "2026-01-01"}}},
		{"d, actor", lightfast.D, lightfast.Query{Filters: lightfast.Filters{Actors: []string{"Sam"}}}},
		{"e", lightfast.E, lightfast.Query{Text: "x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, requests := answering(t, tt.generation, `{}`)
			var unsupported *lightfast.UnsupportedError
			if _, err := client.Search(t.Context(), tt.query); !errors.As(err, &unsupported) || unsupported.Generation != tt.generation {
				t.Errorf("got %v, want an UnsupportedError", err)
			}
			if len(*requests) > 0 {
				t.Errorf("got the requests %v, want none", *requests)
			}
		})
	}
	client, requests := answering(t, lightfast.E, `{}`)
	_, contents := client.Contents(t.Context(), []string{"doc_1"})
	_, similar := client.Similar(t.Context(), lightfast.SimilarQuery{ID: "doc_1"})
	if contents == nil || similar == nil || len(*requests) > 0 {
		t.Errorf("generation e: got %v, %v and the requests %v, want two errors and none", contents, similar, *requests)
	}
}

const (
	one = `{"id": "doc_1", "title": "Auth", "snippet": "How", "score": 0.92, "source": "github", "type": "pr",
		"url": "https://example.com/1", "occurredAt": "2026-01-01T00:00:00Z"}`
	document = `{"id": "doc_1", "title": null, "url": "https://example.com/1", "snippet": "How", "content": "# How", "source": "github",
		"type": "pr", "occurredAt": "2026-01-01T00:00:00Z", "metadata": {"a": [1]}}`
)

func TestSearchResponse(t *testing.T) {
	t.Parallel()
	want := []lightfast.Result{{
		ID: "doc_1", Title: "Auth", Snippet: "How", Score: 0.92, Source: "github", Type: "pr", URL: "https://example.com/1",
		OccurredAt: "2026-01-01T00:00:00Z",
	}}
	withEntities := strings.Replace(one, `"score"`, `"entities": [{"key": 1}], "score"`, 1)
	tests := []struct {
		name, body string
		wantTotal  int
	}{
		{"results and total", `{"results": [` + one + `], "total": 7, "requestId": "req_1"}`, 7},
		{"data and meta", `{"data": [` + one + `], "meta": {"total": 7, "took": 1}, "latency": {}, "requestId": "req_1"}`, 7},
		{"results and total in data", `{"data": {"results": [` + one + `], "total": 7}, "requestId": "req_1"}`, 7},
		{"results and meta in data", `{"data": {"results": [` + one + `], "meta": {"total": 7}}}`, 7},
		{"no total", `{"results": [` + one + `]}`, -1},
		{"total of another type", `{"results": [` + one + `], "total": "many", "meta": []}`, -1},
		{"unknown field", `{"results": [` + withEntities + `], "total": 0}`, 0},
	}
	for _, tt := range tests {
		for _, generation := range []lightfast.Generation{lightfast.A, lightfast.B, lightfast.C, lightfast.D} {
			t.Run(tt.name+", generation "+string(generation), func(t *testing.T) {
				t.Parallel()
				client, _ := answering(t, generation, tt.body)
				page, err := client.Search(t.Context(), lightfast.Query{Text: "auth"})
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(page.Results, want) || page.Total != tt.wantTotal || string(page.Raw) != tt.body || len(page.Items) != 1 {
					t.Errorf("got %+v, want %+v of %d", page, want, tt.wantTotal)
				}
			})
		}
	}
}

func TestUnexpectedResponses(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`null`, `[]`, `7`, `{}`, `{"results": {"a": 1}}`, `{"data": 7}`} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			client, _ := answering(t, lightfast.D, body)
			var unexpected *api.UnexpectedError
			if _, err := client.Search(t.Context(), lightfast.Query{Text: "x"}); !errors.As(err, &unexpected) {
				t.Errorf("search: got %v, want an UnexpectedError", err)
			}
			if _, err := client.Contents(t.Context(), []string{"doc_1"}); !errors.As(err, &unexpected) {
				t.Errorf("contents: got %v, want an UnexpectedError", err)
			}
			if _, err := client.Similar(t.Context(), lightfast.SimilarQuery{ID: "doc_1"}); !errors.As(err, &unexpected) {
				t.Errorf("similar: got %v, want an UnexpectedError", err)
			}
		})
	}
}

// page returns a response with the results from from up to, but not including, to.
func page(from, to, total int) string {
	var items []string
	for i := from; i < to; i++ {
		items = append(items, fmt.Sprintf(`{"id": "doc_%d"}`, i))
	}
	if total < 0 {
		return `{"results": [` + strings.Join(items, ",") + `]}`
	}
	return fmt.Sprintf(`{"results": [%s], "total": %d}`, strings.Join(items, ","), total)
}

func TestPages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		answers      []string
		limit        int
		wantRequests int
		wantResults  int
	}{
		{"up to the total", []string{page(0, 2, 3), page(2, 3, 3)}, 100, 2, 3},
		{"total fills a page", []string{page(0, 2, 2)}, 100, 1, 2},
		{"page that is not full", []string{page(0, 2, -1), page(2, 3, -1)}, 100, 2, 3},
		{"empty page", []string{page(0, 2, 50), page(0, 0, 50)}, 100, 2, 2},
		{"up to the limit", []string{page(0, 2, 50), page(2, 4, 50), page(4, 5, 50)}, 5, 3, 5},
		{"up to the limit of endless pages", []string{page(0, 2, 50)}, 6, 3, 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, requests := answering(t, lightfast.D, tt.answers...)
			results := 0
			for p, err := range client.Pages(t.Context(), lightfast.Query{Text: "x", Limit: 2}, tt.limit) {
				if err != nil {
					t.Fatal(err)
				}
				results += len(p.Results)
			}
			if len(*requests) != tt.wantRequests || results != tt.wantResults {
				t.Errorf("got %d results in %d requests, want %d in %d", results, len(*requests), tt.wantResults, tt.wantRequests)
			}
			for i, r := range *requests {
				limit, _ := r.body["limit"].(float64)
				offset, _ := r.body["offset"].(float64)
				if int(limit) != min(2, tt.limit-2*i) || int(offset) != 2*i {
					t.Errorf("request %d: got limit %v and offset %v, want %d and %d", i, limit, offset, min(2, tt.limit-2*i), 2*i)
				}
			}
		})
	}
}

func TestContents(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"items": [` + document + `], "missing": ["doc_2"], "requestId": "req_1"}`,
		`{"data": {"items": [` + document + `], "missing": ["doc_2"]}, "meta": {"total": 1}, "requestId": "req_1"}`,
		`{"items": [` + document + `]}`,
		`{"data": [` + document + `]}`,
	} {
		client, requests := answering(t, lightfast.D, body)
		got, err := client.Contents(t.Context(), []string{"doc_1", "doc_2"})
		if err != nil {
			t.Fatalf("%s: got %v, want no error", body, err)
		}
		if len(got.Items) != 1 || got.Items[0].Content != "# How" || !slices.Equal(got.Missing, []string{"doc_2"}) || string(got.Raw) != body {
			t.Errorf("%s: got %+v, want doc_1 with its content, and doc_2 missing", body, got)
		}
		if r := (*requests)[0]; r.path != "POST /api/v1/contents" || fmt.Sprint(r.body) != "map[ids:[doc_1 doc_2]]" {
			t.Errorf("got the request %v, want POST /api/v1/contents with both ids", r)
		}
	}
}

// TestContentsInChunks: one request has at most fifty ids.
func TestContentsInChunks(t *testing.T) {
	t.Parallel()
	var ids []string
	for i := range 101 {
		ids = append(ids, fmt.Sprint("doc_", i))
	}
	client, requests := answering(t, lightfast.D, `{"items": [{"id": "doc_0"}]}`, `{"items": [{"id": "doc_50"}]}`, `{"items": []}`)
	got, err := client.Contents(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, r := range *requests {
		sizes = append(sizes, len(r.body["ids"].([]any)))
	}
	if !slices.Equal(sizes, []int{50, 50, 1}) || len(got.Items) != 2 || len(got.RawItems) != 2 || len(got.Missing) != 99 || got.Raw != nil {
		t.Errorf("got %d items and %d missing ids in chunks of %v, want 2 and 99 in 50, 50, 1", len(got.Items), len(got.Missing), sizes)
	}
}

func TestSimilar(t *testing.T) {
	t.Parallel()
	threshold := 0.0
	tests := []struct {
		generation lightfast.Generation
		wantPath   string
	}{{lightfast.A, "/similar"}, {lightfast.B, "/findsimilar"}, {lightfast.D, "/findsimilar"}}
	for _, tt := range tests {
		for _, body := range []string{
			`{"source": {"id": "doc_0", "title": "Origin", "type": "pr"}, "similar": [` + one + `], "meta": {"total": 1}, "requestId": "req_1"}`,
			`{"data": {"source": {"id": "doc_0", "title": "Origin"}, "similar": [` + one + `]}, "meta": {}, "requestId": "req_1"}`,
		} {
			client, requests := answering(t, tt.generation, body)
			got, err := client.Similar(t.Context(), lightfast.SimilarQuery{URL: "https://example.com", Limit: 3, Threshold: &threshold, ExcludeIDs: []string{"doc_9"}})
			if err != nil {
				t.Fatal(err)
			}
			if got.Title != "Origin" || len(got.Results) != 1 || got.Results[0].Score != 0.92 {
				t.Errorf("generation %s: got %+v, want one result for Origin", tt.generation, got)
			}
			want := "map[excludeIds:[doc_9] limit:3 threshold:0 url:https://example.com]"
			if r := (*requests)[0]; r.path != "POST /api/v1"+tt.wantPath || fmt.Sprint(r.body) != want {
				t.Errorf("generation %s: got the request %v, want %s with %s", tt.generation, r, tt.wantPath, want)
			}
		}
	}
}

func FuzzResponses(f *testing.F) {
	for _, seed := range []string{
		`{"results": [` + one + `], "total": 1}`, `{"data": [` + one + `], "meta": {"total": 7}}`, `{"data": {"items": [` + document + `]}}`,
		`{"similar": [], "source": {"title": 7}}`, `{"results": [{"score": "high"}]}`, `null`, `[`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, text)
		}))
		defer server.Close()
		client := &lightfast.Client{API: &api.Client{BaseURL: server.URL}}
		if p, err := client.Search(t.Context(), lightfast.Query{Text: "x", Limit: 1}); err == nil && (len(p.Results) != len(p.Items) || p.Total < -1) {
			t.Errorf("got %+v, want an item for each result", p)
		}
		if c, err := client.Contents(t.Context(), []string{"doc_1"}); err == nil && len(c.Items) != len(c.RawItems) {
			t.Errorf("got %+v, want a raw item for each item", c)
		}
		_, _ = client.Similar(t.Context(), lightfast.SimilarQuery{ID: "doc_1"})
	})
}

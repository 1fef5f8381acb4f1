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

// A sent request: where it went, and its body.
type sent struct {
	path string
	body map[string]any
}

// answering returns a client of a server that gives the same answer to everything, and what was sent to it.
func answering(t *testing.T, generation lightfast.Generation, answers ...string) (*lightfast.Client, *[]sent) {
	t.Helper()
	var seen []sent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		s := sent{path: r.Method + " " + r.URL.Path}
		if err := json.Unmarshal(raw, &s.body); err != nil {
			t.Errorf("sent %q", raw)
		}
		seen = append(seen, s)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answers[min(len(seen), len(answers))-1])
	}))
	t.Cleanup(server.Close)
	return &lightfast.Client{API: &api.Client{BaseURL: server.URL + "/api/v1"}, Generation: generation}, &seen
}

func TestSearchAsksInTheShapeOfTheGeneration(t *testing.T) {
	t.Parallel()
	query := lightfast.Query{Text: "auth", Limit: 5, Offset: 10, Mode: "fast", Filters: lightfast.Filters{
		Sources: []string{"github"}, Types: []string{"pull_request"}, After: "2026-01-01", Before: "2026-02-01",
	}}
	withActors := query
	withActors.Actors = []string{"Sam"}
	nested := `{"query": "auth", "limit": 5, "offset": 10, "mode": "fast", "filters": {"sourceTypes": ["github"],
		"observationTypes": ["pull_request"], "actorNames": ["Sam"], "dateRange": {"start": "2026-01-01", "end": "2026-02-01"}}}`
	for _, tt := range []struct {
		generation lightfast.Generation
		query      lightfast.Query
		want       string
	}{
		{"", query, `{"query": "auth", "limit": 5, "offset": 10, "mode": "fast", "sources": ["github"], "types": ["pull_request"],
			"after": "2026-01-01", "before": "2026-02-01"}`},
		{lightfast.D, lightfast.Query{Text: "auth"}, `{"query": "auth"}`},
		{lightfast.C, withActors, nested},
		{lightfast.B, withActors, nested},
		{lightfast.B, lightfast.Query{Text: "auth"}, `{"query": "auth"}`},
		{lightfast.A, lightfast.Query{Text: "auth", Limit: 5}, `{"query": "auth", "limit": 5}`},
	} {
		client, seen := answering(t, tt.generation, `{"results": [], "total": 0, "requestId": "req_1"}`)
		if _, err := client.Search(t.Context(), tt.query); err != nil {
			t.Fatal(err)
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
			t.Fatal(err)
		}
		if got := (*seen)[0]; got.path != "POST /api/v1/search" || !reflect.DeepEqual(got.body, want) {
			t.Errorf("%s: %v", tt.generation, got)
		}
	}
}

func TestWhatAGenerationLacksIsNotSent(t *testing.T) {
	t.Parallel()
	for generation, queries := range map[lightfast.Generation][]lightfast.Query{
		lightfast.A: {{Offset: 1}, {Mode: "fast"}, {Filters: lightfast.Filters{Types: []string{"x"}}}, {Filters: lightfast.Filters{After: "2026-01-01"}}},
		lightfast.D: {{Filters: lightfast.Filters{Actors: []string{"Sam"}}}},
		lightfast.E: {{Text: "x"}},
	} {
		client, seen := answering(t, generation, `{}`)
		for _, q := range queries {
			var unsupported *lightfast.UnsupportedError
			if _, err := client.Search(t.Context(), q); !errors.As(err, &unsupported) || unsupported.Generation != generation {
				t.Errorf("%s %+v: %v", generation, q, err)
			}
		}
		if generation == lightfast.E {
			_, contents := client.Contents(t.Context(), []string{"doc_1"})
			_, similar := client.Similar(t.Context(), lightfast.Likeness{ID: "doc_1"})
			if contents == nil || similar == nil {
				t.Error("e has no documents either")
			}
		}
		if len(*seen) > 0 {
			t.Errorf("%s: sent %v", generation, *seen)
		}
	}
}

const (
	one = `{"id": "doc_1", "title": "Auth", "snippet": "How", "score": 0.92, "source": "github", "type": "pr",
		"url": "https://example.com/1", "occurredAt": "2026-01-01T00:00:00Z"}`
	document = `{"id": "doc_1", "title": null, "url": "https://example.com/1", "snippet": "How", "content": "# How", "source": "github",
		"type": "pr", "occurredAt": "2026-01-01T00:00:00Z", "metadata": {"a": [1]}}`
)

func TestEveryShapeOfResultsIsRead(t *testing.T) {
	t.Parallel()
	want := []lightfast.Result{{
		ID: "doc_1", Title: "Auth", Snippet: "How", Score: 0.92, Source: "github", Type: "pr", URL: "https://example.com/1",
		OccurredAt: "2026-01-01T00:00:00Z",
	}}
	for shape, total := range map[string]int{
		`{"results": [` + one + `], "total": 7, "requestId": "req_1"}`:                                  7,
		`{"data": [` + one + `], "meta": {"total": 7, "took": 1}, "latency": {}, "requestId": "req_1"}`: 7,
		`{"data": {"results": [` + one + `], "total": 7}, "requestId": "req_1"}`:                        7,
		`{"data": {"results": [` + one + `], "meta": {"total": 7}}}`:                                    7,
		`{"results": [` + one + `]}`:                              -1,
		`{"results": [` + one + `], "total": "many", "meta": []}`: -1,
		`{"results": [` + strings.Replace(one, `"score"`, `"entities": [{"key": 1}], "score"`, 1) + `], "total": 0}`: 0,
	} {
		for _, asked := range []lightfast.Generation{lightfast.A, lightfast.B, lightfast.C, lightfast.D} {
			client, _ := answering(t, asked, shape)
			page, err := client.Search(t.Context(), lightfast.Query{Text: "auth"})
			if err != nil {
				t.Fatalf("%s: %v", shape, err)
			}
			if !reflect.DeepEqual(page.Results, want) || page.Total != total || string(page.Raw) != shape || len(page.Items) != 1 {
				t.Errorf("%s: %+v", shape, page)
			}
		}
	}
}

func TestForeignShapesAreUnexpected(t *testing.T) {
	t.Parallel()
	for _, shape := range []string{`null`, `[]`, `7`, `{}`, `{"results": null}`, `{"results": {"a": 1}}`, `{"results": [1]}`, `{"results": [null]}`, `{"data": 7}`} {
		client, _ := answering(t, lightfast.D, shape)
		var unexpected *api.UnexpectedError
		if _, err := client.Search(t.Context(), lightfast.Query{Text: "x"}); !errors.As(err, &unexpected) {
			t.Errorf("search %s: %v", shape, err)
		}
		if _, err := client.Contents(t.Context(), []string{"doc_1"}); !errors.As(err, &unexpected) {
			t.Errorf("contents %s: %v", shape, err)
		}
		if _, err := client.Similar(t.Context(), lightfast.Likeness{ID: "doc_1"}); !errors.As(err, &unexpected) {
			t.Errorf("similar %s: %v", shape, err)
		}
	}
}

// page is an answer with results numbered from and to, the last left out.
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

func TestPagesEnd(t *testing.T) {
	t.Parallel()
	for what, tt := range map[string]struct {
		answers  []string
		most     int
		requests int
		results  int
	}{
		"at the total":                            {[]string{page(0, 2, 3), page(2, 3, 3)}, 100, 2, 3},
		"at the total, which fills a page":        {[]string{page(0, 2, 2)}, 100, 1, 2},
		"at a page that is not full":              {[]string{page(0, 2, -1), page(2, 3, -1)}, 100, 2, 3},
		"at an empty page":                        {[]string{page(0, 2, 50), page(0, 0, 50)}, 100, 2, 2},
		"at the bound":                            {[]string{page(0, 2, 50), page(2, 4, 50), page(4, 5, 50)}, 5, 3, 5},
		"at the bound, if the service never ends": {[]string{page(0, 2, 50)}, 6, 3, 6},
	} {
		client, seen := answering(t, lightfast.D, tt.answers...)
		results := 0
		for p, err := range client.Pages(t.Context(), lightfast.Query{Text: "x", Limit: 2}, tt.most) {
			if err != nil {
				t.Fatal(err)
			}
			results += len(p.Results)
		}
		if len(*seen) != tt.requests || results != tt.results {
			t.Errorf("%s: %d results in %d requests", what, results, len(*seen))
		}
		for i, s := range *seen {
			if limit, _ := s.body["limit"].(float64); int(limit) != min(2, tt.most-2*i) {
				t.Errorf("%s: request %d wants %v", what, i, s.body["limit"])
			}
			if offset, _ := s.body["offset"].(float64); int(offset) != 2*i {
				t.Errorf("%s: request %d begins at %v", what, i, s.body["offset"])
			}
		}
	}
}

func TestContents(t *testing.T) {
	t.Parallel()
	for _, shape := range []string{
		`{"items": [` + document + `], "missing": ["doc_2"], "requestId": "req_1"}`,
		`{"data": {"items": [` + document + `], "missing": ["doc_2"]}, "meta": {"total": 1}, "requestId": "req_1"}`,
		`{"items": [` + document + `]}`,
		`{"data": [` + document + `]}`,
	} {
		client, seen := answering(t, lightfast.D, shape)
		got, err := client.Contents(t.Context(), []string{"doc_1", "doc_2"})
		if err != nil {
			t.Fatalf("%s: %v", shape, err)
		}
		if len(got.Items) != 1 || got.Items[0].Content != "# How" || !slices.Equal(got.Missing, []string{"doc_2"}) || string(got.Raw) != shape {
			t.Errorf("%s: %+v", shape, got)
		}
		if (*seen)[0].path != "POST /api/v1/contents" || fmt.Sprint((*seen)[0].body) != "map[ids:[doc_1 doc_2]]" {
			t.Errorf("%v", *seen)
		}
	}
}

func TestContentsAreAskedForFiftyAtATime(t *testing.T) {
	t.Parallel()
	var ids []string
	for i := range 101 {
		ids = append(ids, fmt.Sprint("doc_", i))
	}
	client, seen := answering(t, lightfast.D, `{"items": [{"id": "doc_0"}]}`, `{"items": [{"id": "doc_50"}]}`, `{"items": []}`)
	got, err := client.Contents(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, s := range *seen {
		sizes = append(sizes, len(s.body["ids"].([]any)))
	}
	if !slices.Equal(sizes, []int{50, 50, 1}) || len(got.Items) != 2 || len(got.RawItems) != 2 || len(got.Missing) != 99 || got.Raw != nil {
		t.Errorf("%v: %d items, %d missing", sizes, len(got.Items), len(got.Missing))
	}
}

func TestSimilar(t *testing.T) {
	t.Parallel()
	threshold := 0.0
	for generation, path := range map[lightfast.Generation]string{lightfast.A: "/similar", lightfast.B: "/findsimilar", lightfast.D: "/findsimilar"} {
		for _, shape := range []string{
			`{"source": {"id": "doc_0", "title": "Origin", "type": "pr"}, "similar": [` + one + `], "meta": {"total": 1}, "requestId": "req_1"}`,
			`{"data": {"source": {"id": "doc_0", "title": "Origin"}, "similar": [` + one + `]}, "meta": {}, "requestId": "req_1"}`,
		} {
			client, seen := answering(t, generation, shape)
			got, err := client.Similar(t.Context(), lightfast.Likeness{URL: "https://example.com", Limit: 3, Threshold: &threshold, ExcludeIDs: []string{"doc_9"}})
			if err != nil {
				t.Fatal(err)
			}
			if got.Title != "Origin" || len(got.Results) != 1 || got.Results[0].Score != 0.92 {
				t.Errorf("%+v", got)
			}
			if s := (*seen)[0]; s.path != "POST /api/v1"+path || fmt.Sprint(s.body) != "map[excludeIds:[doc_9] limit:3 threshold:0 url:https://example.com]" {
				t.Errorf("%v", s)
			}
		}
	}
}

func FuzzAnswers(f *testing.F) {
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
			t.Errorf("%+v", p)
		}
		if c, err := client.Contents(t.Context(), []string{"doc_1"}); err == nil && len(c.Items) != len(c.RawItems) {
			t.Errorf("%+v", c)
		}
		_, _ = client.Similar(t.Context(), lightfast.Likeness{ID: "doc_1"})
	})
}

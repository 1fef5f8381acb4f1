package lightfast

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

// A rig is a client of Lightfast with a key of the sample organization.
type rig struct {
	*wiretest.Rig
	key string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	laghav := wire.KeyType{Service: "laghav", Prefixes: map[string]string{"live": "lgh_live_"}}
	rg := &rig{Rig: wiretest.New(t, "", KeyType(), laghav)}
	rg.Serve(New(rg.Deps))
	rg.key = rg.NewKey(Service, "", "org_sample")
	return rg
}

func (rg *rig) post(path string, body any, headers ...string) wiretest.Reply {
	rg.T.Helper()
	return rg.Call("POST", "/lightfast"+path, body, append([]string{"Authorization", "Bearer " + rg.key}, headers...)...)
}

type page struct {
	Results []result `json:"results"`
	Total   int      `json:"total"`
}

func (rg *rig) search(body string) page {
	rg.T.Helper()
	return wiretest.Decode[page](rg.post("/api/v1/search", body).Want(200))
}

func TestRepliesHaveTheGoldenShapes(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	found := rg.post("/api/v1/search", `{"query": "signing in", "limit": 1}`).Want(200)
	found.WantShape("search")
	id := wiretest.Decode[page](found).Results[0].ID
	guides := wiretest.Decode[page](rg.post("/api/v1/search", `{"query": "guides", "types": ["guide"]}`)).Results
	linked := guides[slices.IndexFunc(guides, func(r result) bool { return r.Title == "Guides" })].ID

	rg.post("/v1/search", `{"query": "guides: profiles, folders pinned to one, output formats, --jq", "limit": 1}`).Want(200).WantShape("search_nested")
	rg.post("/api/v1/contents", fmt.Sprintf(`{"ids": [%q, "doc_none"]}`, id)).Want(200).WantShape("contents")
	rg.post("/b/api/v1/contents", fmt.Sprintf(`{"ids": [%q, "doc_none"]}`, id), "X-Workspace-ID", "ws_sample").Want(200).WantShape("contents")
	rg.post("/v1/contents", fmt.Sprintf(`{"ids": [%q, "doc_none"]}`, id)).Want(200).WantShape("contents_nested")
	rg.post("/api/v1/findsimilar", fmt.Sprintf(`{"id": %q, "threshold": 0.1}`, id)).Want(200).WantShape("similar")
	rg.post("/a/v1/similar", fmt.Sprintf(`{"id": %q, "threshold": 0.1}`, id)).Want(200).WantShape("similar")
	rg.post("/v1/findsimilar", fmt.Sprintf(`{"id": %q, "threshold": 0.1}`, id)).Want(200).WantShape("similar_nested")
	rg.post("/v1/related", fmt.Sprintf(`{"id": %q}`, linked)).Want(200).WantShape("related")
	rg.post("/v1/graph", fmt.Sprintf(`{"id": %q, "depth": 1}`, linked)).Want(200).WantShape("graph")
	rg.Call("GET", "/lightfast/api/v1/system/health", nil, "Authorization", "Bearer "+rg.key).Want(200).WantShape("health")
}

// Each documented refusal has its status, code and form.
func TestRefusals(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	revoked := rg.NewRevokedKey(Service, "", "org_sample")
	empty, laghav := rg.NewKey(Service, "", emptyOrganization), rg.NewKey("laghav", "live", "app")
	const good = `{"query": "session"}`
	id := regexp.MustCompile(`^req_[0-9a-f]{32}$`)
	for _, tt := range []struct {
		name, path, body string
		headers          []string
		status           int
		code, words      string
	}{
		{"no key", "/api/v1/search", good, []string{"Authorization", ""}, 401, "UNAUTHORIZED", "Provide 'Authorization: Bearer <api-key>' header or sign in"},
		{"another scheme", "/api/v1/search", good, []string{"Authorization", "Basic " + rg.key}, 401, "UNAUTHORIZED", "Authentication required"},
		{"unknown", "/api/v1/search", good, []string{"Authorization", "Bearer sk-lf-none"}, 401, "UNAUTHORIZED", "Authentication required"},
		{"revoked", "/api/v1/search", good, []string{"Authorization", "Bearer " + revoked}, 401, "UNAUTHORIZED", "Authentication required"},
		{"of another service", "/api/v1/search", good, []string{"Authorization", "Bearer " + laghav}, 401, "UNAUTHORIZED", "Authentication required"},
		{"wrong organization", "/api/v1/search", good, []string{"X-Org-ID", "org_other"}, 403, "FORBIDDEN", "organization"},
		{"session without organization", "/api/v1/search", good, []string{"Authorization", "", "Cookie", "__session=x"}, 400, "BAD_REQUEST", "X-Org-ID"},
		{"empty query", "/api/v1/search", `{"query": " "}`, nil, 400, "VALIDATION_ERROR", `"query":["must not be empty"]`},
		{"no query", "/api/v1/search", `{}`, nil, 400, "VALIDATION_ERROR", `"query"`},
		{"limit too large", "/api/v1/search", `{"query": "x", "limit": 101}`, nil, 400, "VALIDATION_ERROR", `"limit":["must be between 1 and 100"]`},
		{"limit of 0", "/api/v1/search", `{"query": "x", "limit": 0, "offset": -1}`, nil, 400, "VALIDATION_ERROR", `"offset"`},
		{"unknown mode", "/api/v1/search", `{"query": "x", "mode": "deep"}`, nil, 400, "VALIDATION_ERROR", `"mode"`},
		{"time that is none", "/api/v1/search", `{"query": "x", "after": "yesterday"}`, nil, 400, "VALIDATION_ERROR", `"after"`},
		{"wrong type", "/api/v1/search", `{"query": 7}`, nil, 400, "VALIDATION_ERROR", `"query":["must not be a JSON number"]`},
		{"no object", "/api/v1/search", `[]`, nil, 400, "VALIDATION_ERROR", `"body"`},
		{"no JSON", "/api/v1/search", `{"query": "x"`, nil, 400, "INVALID_JSON", "not valid JSON"},
		{"no body", "/api/v1/search", ``, nil, 400, "INVALID_JSON", "not valid JSON"},
		{"no sources", "/api/v1/search", good, []string{"Authorization", "Bearer " + empty}, 500, "CONFIG_ERROR", "sources"},
		{"no sources, contents", "/api/v1/contents", `{"ids": ["doc_1"]}`, []string{"Authorization", "Bearer " + empty}, 500, "CONFIG_ERROR", "sources"},
		{"no such address", "/api/v1/answer", good, nil, 404, "NOT_FOUND", "nothing"},
		{"no ids", "/api/v1/contents", `{"ids": []}`, nil, 400, "VALIDATION_ERROR", `"ids"`},
		{"too many ids", "/api/v1/contents", `{"ids": [` + strings.Repeat(`"doc_1",`, 50) + `"doc_1"]}`, nil, 400, "VALIDATION_ERROR", `"ids"`},
		{"id and url", "/api/v1/findsimilar", `{"id": "doc_1", "url": "u"}`, nil, 400, "VALIDATION_ERROR", `"id"`},
		{"threshold", "/api/v1/findsimilar", `{"id": "doc_1", "threshold": 2}`, nil, 400, "VALIDATION_ERROR", `"threshold"`},
		{"unknown id", "/api/v1/findsimilar", `{"id": "doc_none"}`, nil, 404, "NOT_FOUND", "no such document"},
		{"unknown id, graph", "/v1/graph", `{"id": "doc_none"}`, nil, 404, "NOT_FOUND", "no such document"},
		{"depth", "/v1/graph", `{"id": "doc_none", "depth": 4}`, nil, 400, "VALIDATION_ERROR", `"depth"`},
		{"b without workspace", "/b/api/v1/search", good, nil, 400, "BAD_REQUEST", "X-Workspace-ID"},
		{"b of another workspace", "/b/api/v1/search", good, []string{"X-Workspace-ID", "ws_other"}, 404, "NOT_FOUND", "Workspace"},
		{"a, unknown", "/a/v1/search", good, []string{"Authorization", "Bearer lf_sk_none"}, 401, "authentication_failed", "Authentication required"},
		{"a, empty query", "/a/v1/search", `{}`, nil, 400, "invalid_request", `"query"`},
		{"e has no search", "/e/api/v1/search", good, nil, 404, "not_found", "nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := rg.post(tt.path, tt.body, tt.headers...).Want(tt.status)
			body := wiretest.Decode[errorBody](r)
			if body.Error != tt.code || !id.MatchString(body.RequestID) || !strings.Contains(body.Message+r.Body, tt.words) {
				t.Errorf("got %s, want the code %s, a request id and %q", r.Body, tt.code, tt.words)
			}
			if body.Details == nil {
				r.WantShape("error")
			}
		})
	}
	got := rg.Call("GET", "/lightfast/api/v1/search", nil, "Authorization", "Bearer "+rg.key).Want(405)
	if got.WantShape("error"); got.Header.Get("Allow") != "POST" || wiretest.Decode[errorBody](got).Error != "METHOD_NOT_ALLOWED" {
		t.Errorf("GET: got %s %s, want METHOD_NOT_ALLOWED and Allow: POST", got.Header, got.Body)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	const path = "/lightfast/api/v1/system/health"
	refused := rg.Call("GET", path, nil).Want(401)
	if wiretest.Decode[errorBody](refused).Error != "auth_required" {
		t.Errorf("health without a key: got %s, want auth_required", refused.Body)
	}
	empty := rg.NewKey(Service, "", emptyOrganization)
	good := rg.Call("GET", path, nil, "Authorization", "bearer "+empty).Want(200)
	if good.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("Access-Control-Allow-Origin: got %q, want *", good.Header.Get("Access-Control-Allow-Origin"))
	}
	rg.Call("OPTIONS", path, nil).Want(204)
}

func TestSearchFindsTheGuides(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	const query = "scripts and CI: what a script can rely on, each failure has its exit status"
	page := rg.search(`{"query": "` + query + `", "limit": 3}`)
	if len(page.Results) != 3 || page.Total < 10 || !strings.HasPrefix(page.Results[0].Title, "Scripts and CI") {
		t.Fatalf("search: got %+v, want the guide Scripts and CI first", page)
	}
	first := page.Results[0]
	if first.Source != "guides" || !strings.Contains(strings.ToLower(first.Snippet), "status") || first.Score <= page.Results[2].Score {
		t.Errorf("first result: got %+v, want a snippet with status and the best score", first)
	}
	address, _, _ := strings.Cut(strings.TrimPrefix(first.URL, rg.URL), "#")
	if doc := rg.Call("GET", address, nil).Want(200); !strings.HasPrefix(doc.Body, "# Scripts and CI") {
		t.Errorf("%s: got %.40q, want the guide Scripts and CI", address, doc.Body)
	}
	rg.Call("GET", "/lightfast/docs/reference/run.md", nil).Want(404)
	rg.Call("GET", "/lightfast/docs/%2e%2e%2fembed.go", nil).Want(404)

	ids := map[string]bool{}
	for offset := 0; offset < page.Total; offset += 7 {
		for _, r := range rg.search(fmt.Sprintf(`{"query": "%s", "limit": 7, "offset": %d}`, query, offset)).Results {
			if ids[r.ID] {
				t.Errorf("result %s: got it on two pages, want one", r.ID)
			}
			ids[r.ID] = true
		}
	}
	if len(ids) != page.Total {
		t.Errorf("pages: got %d results, want %d", len(ids), page.Total)
	}
	if beyond := rg.search(`{"query": "exit", "offset": 100000}`); len(beyond.Results) != 0 || beyond.Total == 0 {
		t.Errorf("page beyond the end: got %+v, want no results and the total", beyond)
	}
	order := map[string]string{}
	for _, mode := range []string{"fast", "balanced", "thorough"} {
		for _, r := range rg.search(`{"query": "what the exit status means for CI", "limit": 20, "mode": "` + mode + `"}`).Results {
			order[mode] += r.ID + " "
		}
	}
	if order["fast"] == order["balanced"] || order["balanced"] == order["thorough"] {
		t.Errorf("modes: got the orders %q, want three different ones", order)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	all := rg.search(`{"query": "session", "limit": 100}`)
	if all.Total < 10 || all.Total > 100 {
		t.Fatalf("search for session: got %d results, want 10 to 100 for this test", all.Total)
	}
	day := firstDay.AddDate(0, 0, 1).Format(time.DateOnly)
	for _, tt := range []struct {
		filter string
		keep   func(result) bool
	}{
		{`"types": ["guide"]`, func(r result) bool { return r.Type == "guide" }},
		{`"types": ["GUIDE", "section"]`, func(result) bool { return true }},
		{`"sources": ["guides"]`, func(r result) bool { return r.Source == "guides" }},
		{`"sources": ["github"]`, func(result) bool { return false }},
		{`"after": "` + day + `"`, func(r result) bool { return r.OccurredAt.Format(time.DateOnly) >= day }},
		{`"before": "` + day + `"`, func(r result) bool { return r.OccurredAt.Format(time.DateOnly) <= day }},
		{`"before": "` + day + `T00:00:00Z"`, func(r result) bool { return r.OccurredAt.Format(time.DateOnly) < day }},
		{`"filters": {"observationTypes": ["guide"]}`, func(result) bool { return true }}, // ignored: of another generation
		{`"types": ["guide"], "after": "` + day + `"`, func(r result) bool { return r.Type == "guide" && r.OccurredAt.Format(time.DateOnly) >= day }},
	} {
		t.Run(tt.filter, func(t *testing.T) {
			want := 0
			for _, r := range all.Results {
				if tt.keep(r) {
					want++
				}
			}
			got := rg.search(`{"query": "session", "limit": 100, ` + tt.filter + `}`)
			if got.Total != want || len(got.Results) != want {
				t.Errorf("got %d of %d results, want %d", len(got.Results), got.Total, want)
			}
		})
	}
	total := func(filters string) int {
		r := rg.post("/v1/search", `{"query": "session", "limit": 100, "filters": `+filters+`}`).Want(200)
		return wiretest.Decode[struct{ Meta struct{ Total int } }](r).Meta.Total
	}
	if n := total(`{"actorNames": ["sam"]}`) + total(`{"actorNames": ["Alex"]}`); n != all.Total || total(`{"actorNames": ["None"]}`) != 0 {
		t.Errorf("results of all actors: got %d, want %d", n, all.Total)
	}
	if n := total(`{"dateRange": {"start": "` + day + `"}, "observationTypes": ["guide"]}`); n == 0 || n >= total(`{}`) {
		t.Errorf("results in the range: got %d, want some but not all", n)
	}
}

func TestSimilar(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	origin := rg.search(`{"query": "What a refresh does", "limit": 1, "mode": "thorough"}`).Results[0]
	type answer struct {
		Source  originPassage
		Similar []similarPassage
	}
	find := func(body string) []similarPassage {
		got := wiretest.Decode[answer](rg.post("/api/v1/findsimilar", body).Want(200))
		if got.Source.ID != origin.ID || got.Source.Cluster.MemberCount < 2 {
			t.Errorf("source: got %+v, want %s in a cluster", got.Source, origin.ID)
		}
		for _, s := range got.Similar {
			if s.ID == origin.ID {
				t.Errorf("similar passages: got the source %s, want others", s.ID)
			}
		}
		return got.Similar
	}
	byID := find(fmt.Sprintf(`{"id": %q, "limit": 3, "threshold": 0}`, origin.ID))
	byURL := find(fmt.Sprintf(`{"url": %q, "limit": 3, "threshold": 0}`, origin.URL))
	if len(byID) != 3 || !slices.Equal(ids(byID), ids(byURL)) {
		t.Errorf("by id: got %q, by URL %q; want the same three", ids(byID), ids(byURL))
	}
	if byID[0].Score < 0.3 || byID[0].Score < byID[1].Score || byID[1].Score < byID[2].Score || *byID[0].VectorSimilarity <= 0 {
		t.Errorf("similar passages: got %+v, want the most similar first", byID)
	}
	without := find(fmt.Sprintf(`{"id": %q, "limit": 3, "threshold": 0, "excludeIds": [%q]}`, origin.ID, byID[0].ID))
	if without[0].ID != byID[1].ID {
		t.Errorf("with an excluded id: got %s first, want %s", without[0].ID, byID[1].ID)
	}
	for _, s := range find(fmt.Sprintf(`{"id": %q, "limit": 50}`, origin.ID)) {
		if s.Score < 0.5 {
			t.Errorf("%s: got a score of %f, want at least 0.5", s.Title, s.Score)
		}
	}
}

func ids(all []similarPassage) (ids []string) {
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestGraphGrows(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	id := rg.search(`{"query": "several accounts profiles", "types": ["guide"], "limit": 1}`).Results[0].ID
	count := func(body string) (nodes, edges int) {
		g := wiretest.Decode[struct {
			Meta struct{ NodeCount, EdgeCount int }
		}](rg.post("/v1/graph", fmt.Sprintf(body, id)).Want(200))
		return g.Meta.NodeCount, g.Meta.EdgeCount
	}
	near, _ := count(`{"id": %q, "depth": 1}`)
	far, _ := count(`{"id": %q}`)
	if near < 3 || far <= near {
		t.Errorf("nodes: got %d at depth 1 and %d at depth 2, want more at depth 2", near, far)
	}
	if nodes, edges := count(`{"id": %q, "types": ["unknown"]}`); nodes != 1 || edges != 0 {
		t.Errorf("unknown type: got %d nodes and %d edges, want the root alone", nodes, edges)
	}
}

// Generation a allows 60 searches in a minute and reports the limit in headers.
func TestGenerationAHasALimit(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	search := func() wiretest.Reply {
		return rg.post("/a/v1/search", `{"query": "session", "limit": 1, "includeRationale": true}`)
	}
	first := search().Want(200)
	reset := fmt.Sprint(rg.Clock.Now().Add(time.Minute).Unix())
	h := first.Header
	if h.Get("X-RateLimit-Limit") != "60" || h.Get("X-RateLimit-Remaining") != "59" || h.Get("X-RateLimit-Reset") != reset {
		t.Errorf("limit: got %v, want 60, 59 remaining and a reset at %s", h, reset)
	}
	if r := wiretest.Decode[page](first).Results[0].Rationale; !strings.Contains(strings.ToLower(r), "session") {
		t.Errorf("rationale: got %q, want the word session", r)
	}
	for range 59 {
		search().Want(200)
	}
	refused := search().Want(http.StatusTooManyRequests)
	body := wiretest.Decode[struct {
		Error   string
		Details struct{ RetryAfter int }
	}](refused)
	if body.Error != "rate_limit_exceeded" || body.Details.RetryAfter != 60 || refused.Header.Get("Retry-After") != "60" {
		t.Errorf("above the limit: got %v %s, want a retry after 60 s", refused.Header, refused.Body)
	}
	rg.Clock.Advance(time.Minute)
	search().Want(200)
}

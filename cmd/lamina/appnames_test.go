package main

import (
	"net/http"
	"slices"
	"sync"
	"testing"
)

// uuidOnly is a service that knows apps by their ids only, and counts the lists of apps.
type uuidOnly struct {
	mu    sync.Mutex
	lists int
	paths []string
	fails bool // the list of apps fails
}

const (
	shotsID  = "c3a85e14-6f27-4b91-b0d8-5e7a19c4f602"
	shotsRun = "0b7b0d3e-8a4e-4c6e-9a51-6d8f3f1f2a77"
)

func (s *uuidOnly) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths = append(s.paths, r.Method+" "+r.URL.RequestURI())
	run := object{"runId": shotsRun, "workflowId": shotsID, "status": "completed", "outputs": []any{}, "createdAt": "2026-01-01T00:00:00Z"}
	switch r.Method + " " + r.URL.Path {
	case "GET /v1/apps":
		s.lists++
		if s.fails {
			answer(w, http.StatusForbidden, object{"error": "no apps for this key", "code": "FORBIDDEN"})
			return
		}
		answer(w, http.StatusOK, object{"data": []object{
			{"appId": shotsID, "name": "Product Shots", "description": "Cuts a photo"},
			{"appId": "11111111-6f27-4b91-b0d8-5e7a19c4f602", "name": "Twin"}, {"appId": "22222222-6f27-4b91-b0d8-5e7a19c4f602", "name": "twin"},
		}})
	case "GET /v1/apps/" + shotsID:
		answer(w, http.StatusOK, object{"data": object{"appId": shotsID, "name": "Product Shots", "parameters": []any{}}})
	case "POST /v1/apps/" + shotsID + "/runs":
		answer(w, http.StatusOK, object{"data": object{"runId": shotsRun, "workflowId": shotsID, "workflowName": "Product Shots", "status": "queued"}})
	case "GET /v1/runs":
		answer(w, http.StatusOK, object{"data": []object{run}, "pagination": object{"total": 1, "limit": 25, "offset": 0}})
	case "GET /v1/runs/" + shotsRun:
		answer(w, http.StatusOK, object{"data": run})
	default:
		answer(w, http.StatusNotFound, object{"error": "not found", "code": "NOT_FOUND"})
	}
}

func (s *uuidOnly) got(request string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.paths, request)
}

// TestShortNames names an app by its short name where the service knows only ids, and shows it for its runs.
func TestShortNames(t *testing.T) {
	t.Parallel()
	service := &uuidOnly{}
	u := newUser(t, newHandler(t, service.ServeHTTP), "LAMINA_API_KEY="+sampleKey("lma_"))
	mustContain(t, u.output(t, "apps", "get", "product-shots", "-o", "text"), shotsID)
	u.output(t, "run", "product-shots")
	u.output(t, "run", "Product Shots")
	if !service.got("POST /v1/apps/" + shotsID + "/runs") {
		t.Errorf("got %q, want a run of %s", service.paths, shotsID)
	}
	u.output(t, "runs", "list", "--app", "product-shots")
	if want := "GET /v1/runs?appId=" + shotsID + "&limit=25"; !service.got(want) {
		t.Errorf("got %q, want %s", service.paths, want)
	}
	mustContain(t, u.output(t, "runs", "list", "-o", "text"), "product-shots  completed")
	mustContain(t, u.output(t, "runs", "get", shotsRun, "-o", "text"), "product-shots  completed")
	mustContain(t, u.output(t, "runs", "wait", shotsRun, "-o", "text"), "product-shots  completed")
	list := u.output(t, "apps", "list", "-o", "text")
	mustContain(t, list, "product-shots ", "11111111-6f27-4b91-b0d8-5e7a19c4f602  Twin", "22222222-6f27-4b91-b0d8-5e7a19c4f602  twin")
	mustContain(t, u.fails(t, 5, "run", "twin", "-o", "text"), "there is no app")
}

// TestRunsListNeedsNoNames lists runs although the list of apps fails.
func TestRunsListNeedsNoNames(t *testing.T) {
	t.Parallel()
	service := &uuidOnly{fails: true}
	u := newUser(t, newHandler(t, service.ServeHTTP), "LAMINA_API_KEY="+sampleKey("lma_"))
	mustContain(t, u.output(t, "runs", "list", "-o", "text"), shotsID+"  completed", shotsRun)
	u.output(t, "runs", "list", "--json")
	if service.lists != 1 {
		t.Errorf("got %d lists of apps, want one, and none for JSON", service.lists)
	}
}

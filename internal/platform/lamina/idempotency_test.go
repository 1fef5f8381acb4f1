package lamina

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire/wiretest"
)

const posterStart = `{"inputs":{"text":"Hello","style":"Bold"}}`

// startWith starts a run with a key.
func (rg *rig) startWith(path, key, body string) wiretest.Reply {
	rg.T.Helper()
	return rg.Call("POST", path, body, keyHeader, key)
}

func (rg *rig) countRuns() int {
	return wiretest.Decode[envelope](rg.Call("GET", "/v1/runs", nil).Want(200)).Pagination.Total
}

func TestKeyStartsOneRun(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "data")
	rg := newRigWith(t, file, Options{HonourKeys: true}, nil)
	const path = "/v1/apps/poster/runs"
	first := rg.startWith(path, "b-1/a/1", posterStart).Want(202)
	if got := first.Header.Get(keyHeader); got != "b-1/a/1" {
		t.Errorf("header: got %q, want the key", got)
	}
	rg.finish(wiretest.Data[api.RunStarted](first).RunID)
	again := rg.startWith(path, "b-1/a/1", `{"inputs": {"style": "Bold", "text": "Hello"}}`).Want(202)
	if again.Body != first.Body {
		t.Errorf("repeated: got %s, want %s", again.Body, first.Body)
	}
	for name, reply := range map[string]wiretest.Reply{
		"another body":    rg.startWith(path, "b-1/a/1", `{"inputs":{"text":"Goodbye"}}`),
		"another app":     rg.startWith("/v1/apps/noop/runs", "b-1/a/1", `{}`),
		"another webhook": rg.startWith(path+"?webhook=http%3A%2F%2F127.0.0.1%3A9%2F", "b-1/a/1", posterStart),
	} {
		if e := reply.WantError(422, "VALIDATION_ERROR"); e.Retryable {
			t.Errorf("%s: got %+v, want not retryable", name, e)
		}
	}
	rg.startWith(path, strings.Repeat("k", longestKey+1), posterStart).WantError(400, "VALIDATION_ERROR")
	if n := rg.countRuns(); n != 1 {
		t.Errorf("got %d runs, want 1", n)
	}

	rg.close()
	later := newRigWith(t, file, Options{HonourKeys: true}, nil)
	if got := later.startWith(path, "b-1/a/1", posterStart).Want(202); got.Body != first.Body {
		t.Errorf("after a restart: got %s, want %s", got.Body, first.Body)
	}
	later.Clock.Advance(keyLifetime + time.Hour)
	if got := later.startWith(path, "b-1/a/1", posterStart).Want(202); got.Body == first.Body {
		t.Error("after a day: got the first run, want a new one")
	}
}

func TestRefusedStartsAreNotRemembered(t *testing.T) {
	t.Parallel()
	rg := newRigWith(t, "", Options{HonourKeys: true, Capacity: 1}, nil)
	rg.startWith("/v1/apps/countdown/runs", "k", `{"inputs":{"hours":"1"}}`).WantError(400, "VALIDATION_ERROR")
	waiting := rg.start("countdown", nil)
	rg.startWith("/v1/apps/countdown/runs", "k", `{}`).WantError(503, "RESOURCE_UNAVAILABLE")
	rg.Call("POST", "/v1/runs/"+waiting+"/cancel", nil).Want(200)
	started := rg.startWith("/v1/apps/countdown/runs", "k", `{}`).Want(202)
	if again := rg.startWith("/v1/apps/countdown/runs", "k", `{}`).Want(202); again.Body != started.Body {
		t.Errorf("repeated in a full queue: got %s, want %s", again.Body, started.Body)
	}
}

func TestKeysOfAnotherWorkspace(t *testing.T) {
	t.Parallel()
	rg := newRigWith(t, "", Options{HonourKeys: true}, nil)
	first := rg.startWith("/v1/apps/noop/runs", "k", `{}`).Want(202)
	other := rg.Call("POST", "/v1/apps/noop/runs", `{}`, keyHeader, "k", "X-Api-Key", rg.NewKey(Service, "", "wsp_northwind")).Want(202)
	if wiretest.Data[api.RunStarted](first).RunID == wiretest.Data[api.RunStarted](other).RunID {
		t.Error("got the run of another workspace")
	}
}

func TestSameKeyAtTheSameTime(t *testing.T) {
	t.Parallel()
	rg := newRigWith(t, "", Options{HonourKeys: true}, nil)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() { rg.startWith("/v1/apps/noop/runs", "k", `{}`).Want(202) })
	}
	wait.Wait()
	if n := rg.countRuns(); n != 1 {
		t.Errorf("got %d runs, want 1", n)
	}
}

func TestIgnoredKeys(t *testing.T) {
	t.Parallel()
	rg := newRig(t)
	for range 2 {
		if r := rg.startWith("/v1/apps/noop/runs", "k", `{}`).Want(202); r.Header.Get(keyHeader) != "" {
			t.Errorf("header: got %q, want none", r.Header.Get(keyHeader))
		}
	}
	runs := wiretest.Data[[]storedRun](rg.Call("GET", "/dev/runs", nil).Want(200))
	if len(runs) != 2 || runs[0].IdempotencyKey != "k" || runs[1].IdempotencyKey != "k" {
		t.Errorf("got %+v, want two runs with the key", runs)
	}
}

package platform

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// victimEnv is the data file of a process that the test kills.
const victimEnv = "LAMINA_TEST_VICTIM"

func TestMain(m *testing.M) {
	if file := os.Getenv(victimEnv); file != "" {
		fmt.Fprintln(os.Stderr, beVictim(file))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// beVictim serves a platform until the process is killed. Its first line of output is the address and an API key.
func beVictim(file string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	base := "http://" + listener.Addr().String()
	s, err := New(Options{BaseURL: base, DataFile: file, AutoApprove: true, RateLimit: -1, timing: noPauses()})
	if err != nil {
		return err
	}
	key, _, err := s.NewAPIKey("victim")
	if err != nil {
		return err
	}
	fmt.Println(base, key)
	return http.Serve(listener, s)
}

// An answer from before a kill holds after a restart. A request without an answer was handled in full or not at all.
func TestAnsweredRequestsSurviveKills(t *testing.T) {
	t.Parallel()
	w := &witness{
		t: t, file: filepath.Join(t.TempDir(), "state.db"), uploads: map[string][32]byte{}, pending: map[string]bool{},
		http: &http.Client{
			Transport:     &http.Transport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	kill := w.revive()
	for range 6 {
		w.logins = append(w.logins, w.signIn())
	}
	for range kills() {
		all := w.hammer()
		w.waitForAnswers()
		time.Sleep(rand.N(150 * time.Millisecond))
		kill()
		all.Wait()
		kill = w.revive()
		w.check()
	}
	kill()
	t.Logf("%d runs, %d uploads", len(w.runs), len(w.uploads))
	checkWholeness(t, w.file)
}

// checkWholeness opens a data file. It checks that the runs end, and that each file is complete and belongs to an asset.
func checkWholeness(t *testing.T, file string) {
	t.Helper()
	s, err := New(Options{DataFile: file, RateLimit: -1, timing: noPauses()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	key, _, err := s.NewAPIKey("check")
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) *httptest.ResponseRecorder {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil)
		req.Header.Set("X-Api-Key", key)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		return w
	}
	for _, status := range []string{"queued", "running"} {
		for range 6000 { // a minute: machines may be busy
			if total(t, get("/v1/runs?status="+status)) == 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := total(t, get("/v1/runs?status="+status)); n != 0 {
			t.Errorf("got %d runs with status %s, want 0", n, status)
		}
	}
	files := 0
	for offset := 0; offset < total(t, get("/v1/assets")); offset += 100 {
		var list struct {
			Data []struct{ ID, CDNURL string }
		}
		if err := json.Unmarshal(get(fmt.Sprintf("/v1/assets?limit=100&offset=%d", offset)).Body.Bytes(), &list); err != nil {
			t.Fatal(err)
		}
		for _, a := range list.Data {
			if a.CDNURL == "" {
				continue // a text
			}
			files++
			reply := get(a.CDNURL)
			if got, want := fmt.Sprintf(`"%x"`, sha256.Sum256(reply.Body.Bytes())), reply.Header().Get("ETag"); reply.Code != http.StatusOK || got != want {
				t.Errorf("asset %s: got status %d and digest %s, want 200 and %s", a.ID, reply.Code, got, want)
			}
		}
	}
	stored, err := wire.OpenFiles(s.deps.Store, 0)
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := stored.IDs(); err != nil || len(ids) != files {
		t.Errorf("got %d stored files (%v), want one for each of %d assets", len(ids), err, files)
	}
}

// total returns the number of entries of a list.
func total(t *testing.T, reply *httptest.ResponseRecorder) int {
	t.Helper()
	var list struct {
		Pagination *struct{ Total int }
	}
	if err := json.Unmarshal(reply.Body.Bytes(), &list); err != nil || list.Pagination == nil {
		t.Fatalf("list: got %d %s (%v), want a pagination", reply.Code, reply.Body, err)
	}
	return list.Pagination.Total
}

// kills returns how often the test kills the platform: LAMINA_TEST_TORTURE=N makes five kills for each of N rounds.
func kills() int {
	rounds, _ := strconv.Atoi(os.Getenv("LAMINA_TEST_TORTURE"))
	if rounds < 1 {
		return 2
	}
	return 5 * rounds
}

// noPauses returns a timing without pauses between the steps of an app.
func noPauses() *wire.Timing {
	timing := wire.RealTiming()
	timing.Pause = 0
	return &timing
}

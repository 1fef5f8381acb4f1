package laghav

import (
	"math"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// sampleApplication is the application of every platform.
const sampleApplication = "app_sample"

// An application has keys, and the figures of a day.
type application struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
	Day       string    `json:"day"`
	Calls     int       `json:"calls"`
	Ratio     float64   `json:"ratio"` // sum
	Scored    int       `json:"scored"`
	Quality   int       `json:"quality"` // sum
	Saved     float64   `json:"saved"`   // USD
}

// seed stores the sample application if it is missing.
func (s *server) seed() error {
	return s.Store.Update(func(tx *wire.Tx) error {
		if tx.Bytes(bucketApps, sampleApplication) == nil {
			wire.Put(tx, bucketApps, sampleApplication, application{ID: sampleApplication, Name: "Sample App", CreatedAt: s.Clock.Now()})
		}
		return nil
	})
}

// withToday returns the application with the figures of today.
func (s *server) withToday(a application) application {
	if day := s.Clock.Now().Format(time.DateOnly); a.Day != day {
		return application{ID: a.ID, Name: a.Name, CreatedAt: a.CreatedAt, Day: day}
	}
	return a
}

// bookApp adds a call to the figures of its application. A key that was made for another has none.
func (s *server) addToApplication(tx *wire.Tx, id string, meta completionMeta) {
	a, ok := wire.Get[application](tx, bucketApps, id)
	if !ok {
		return
	}
	a = s.withToday(a)
	a.Calls++
	a.Ratio += meta.Ratio
	a.Saved += meta.exactOriginal - meta.exactActual
	if meta.Quality != nil {
		a.Scored++
		a.Quality += *meta.Quality
	}
	wire.Put(tx, bucketApps, id, a)
}

// listApplications answers GET /api/applications. Averages are in percent, as in Laghav's page Applications.
func (s *server) listApplications(w http.ResponseWriter, _ *http.Request, _ wire.Key) error {
	entries := []map[string]any{}
	s.Store.View(func(tx *wire.Tx) {
		for _, a := range wire.List[application](tx, bucketApps) {
			a = s.withToday(a)
			entries = append(entries, map[string]any{
				"id": a.ID, "name": a.Name, "calls_today": a.Calls, "status": "active",
				"compression_avg": math.Round(100 * a.Ratio / max(1, float64(a.Calls))),
				"quality_avg":     math.Round(float64(a.Quality) / max(1, float64(a.Scored))),
				"saved_usd_today": round(a.Saved, 6),
			})
		}
	})
	wire.WriteJSON(w, http.StatusOK, map[string]any{"applications": entries})
	return nil
}

// createApplication answers POST /api/applications: it creates an application and a key for it.
func (s *server) createApplication(w http.ResponseWriter, r *http.Request, _ wire.Key) error {
	var body struct {
		Name string `json:"name"`
	}
	if err := decodeBody(w, r, &body); err != nil {
		return err
	}
	app := application{ID: "app_" + wire.RandomToken(9), Name: wire.CleanText(body.Name, 80), CreatedAt: s.Clock.Now()}
	if app.Name == "" {
		return invalid("name is required")
	}
	err := s.Store.Update(func(tx *wire.Tx) error {
		limits := s.currentTenant(tx).plan()
		if limits.applications > 0 && len(tx.Keys(bucketApps)) >= limits.applications {
			return locked("The plan allows no further application")
		}
		if limits.keys > 0 && len(activeKeys(tx)) >= limits.keys {
			return locked("The plan allows no further key")
		}
		wire.Put(tx, bucketApps, app.ID, app)
		return nil
	})
	if err != nil {
		return err
	}
	secret, _, err := s.Keys.Make(Service, app.Name, "live", app.ID)
	if err != nil {
		return err
	}
	wire.WriteJSON(w, http.StatusCreated, map[string]any{"id": app.ID, "name": app.Name, "api_key": secret, "created_at": app.CreatedAt})
	return nil
}

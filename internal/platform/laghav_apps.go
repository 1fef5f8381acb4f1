package platform

import (
	"math"
	"net/http"
	"time"
)

// laghavSampleApp is the application that every platform has.
const laghavSampleApp = "app_sample"

// A laghavApp is an application with the figures of a day.
type laghavApp struct {
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

// seedLaghav makes the sample application where it is missing.
func (s *Server) seedLaghav(tx *tx) {
	if tx.bytes(bucketLaghavApps, laghavSampleApp) == nil {
		put(tx, bucketLaghavApps, laghavSampleApp, laghavApp{ID: laghavSampleApp, Name: "Sample App", CreatedAt: s.now()})
	}
}

// today returns the application with the figures of today.
func (s *Server) today(a laghavApp) laghavApp {
	if day := s.now().Format(time.DateOnly); a.Day != day {
		return laghavApp{ID: a.ID, Name: a.Name, CreatedAt: a.CreatedAt, Day: day}
	}
	return a
}

// bookApp adds a call to the figures of its application. A key that was made for another has none.
func (s *Server) bookApp(tx *tx, id string, meta laghavMeta) {
	a, ok := get[laghavApp](tx, bucketLaghavApps, id)
	if !ok {
		return
	}
	a = s.today(a)
	a.Calls++
	a.Ratio += meta.Ratio
	a.Saved += meta.exactOriginal - meta.exactActual
	if meta.Quality != nil {
		a.Scored++
		a.Quality += *meta.Quality
	}
	put(tx, bucketLaghavApps, id, a)
}

// laghavListApps has the averages in percent, as the page Applications.
func (s *Server) laghavListApps(w http.ResponseWriter, _ *http.Request, _ serviceKey) error {
	entries := []map[string]any{}
	s.store.view(func(tx *tx) {
		for _, a := range list[laghavApp](tx, bucketLaghavApps) {
			a = s.today(a)
			entries = append(entries, map[string]any{
				"id": a.ID, "name": a.Name, "calls_today": a.Calls, "status": "active",
				"compression_avg": math.Round(100 * a.Ratio / max(1, float64(a.Calls))),
				"quality_avg":     math.Round(float64(a.Quality) / max(1, float64(a.Scored))),
				"saved_usd_today": round(a.Saved, 6),
			})
		}
	})
	writeJSON(w, http.StatusOK, map[string]any{"applications": entries})
	return nil
}

// laghavMakeApp makes an application, and a key for it.
func (s *Server) laghavMakeApp(w http.ResponseWriter, r *http.Request, _ serviceKey) error {
	var body struct {
		Name string `json:"name"`
	}
	if err := laghavBody(w, r, &body); err != nil {
		return err
	}
	app := laghavApp{ID: "app_" + randomToken(9), Name: cleanText(body.Name, 80), CreatedAt: s.now()}
	if app.Name == "" {
		return laghavInvalid("name is required")
	}
	err := s.store.update(func(tx *tx) error {
		plan := s.laghavTenantIn(tx).plan()
		if plan.applications > 0 && len(tx.keys(bucketLaghavApps)) >= plan.applications {
			return laghavLocked("The plan has no room for another application")
		}
		if plan.keys > 0 && len(laghavKeysIn(tx)) >= plan.keys {
			return laghavLocked("The plan has no room for another key")
		}
		put(tx, bucketLaghavApps, app.ID, app)
		return nil
	})
	if err != nil {
		return err
	}
	secret, _, err := s.newServiceKey(serviceLaghav, app.Name, "live", app.ID)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, map[string]any{"id": app.ID, "name": app.Name, "api_key": secret, "created_at": app.CreatedAt})
	return nil
}

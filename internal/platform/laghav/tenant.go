package laghav

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// Buckets of Laghav. All records belong to one tenant.
const (
	bucketTenant        = "laghav-tenant"  // "tenant" → tenant
	bucketDays          = "laghav-days"    // id of a test key, or "playground ADDRESS" → dayCount
	bucketApps          = "laghav-apps"    // id → application
	bucketBudgets       = "laghav-budgets" // id → budget
	bucketAgents        = "laghav-agents"  // agent_run_id → agentRun
	bucketConversations = "laghav-talks"   // conversation_id → conversation
	bucketCache         = "laghav-cache"   // digest of shape and prompt → cachedReply
)

// A planLimits is a row of the tables in Laghav's page Rate Limits. 0 is no limit.
type planLimits struct {
	name               string
	calls              int // in a month
	perMinute          int
	keys, applications int
}

func plans() []planLimits {
	return []planLimits{
		{"sandbox", 10_000, 60, 1, 1}, {"builder", 200_000, 500, 3, 2}, {"scale", 2_000_000, 2_000, 0, 0}, {"business", 15_000_000, 10_000, 0, 0},
	}
}

func planOf(name string) (planLimits, bool) {
	for _, p := range plans() {
		if p.name == name {
			return p, true
		}
	}
	return planLimits{}, false
}

// A tenant is the account of this platform at Laghav.
type tenant struct {
	Plan  string `json:"plan"`
	Month string `json:"month"` // of Calls
	Calls int    `json:"callsThisMonth"`
}

// currentTenant returns the tenant. In a new month it has no calls.
func (s *server) currentTenant(tx *wire.Tx) tenant {
	t, _ := wire.Get[tenant](tx, bucketTenant, "tenant")
	t.Plan = cmp.Or(t.Plan, "scale")
	if month := s.Clock.Now().Format("2006-01"); t.Month != month {
		t.Month, t.Calls = month, 0
	}
	return t
}

func (t tenant) plan() planLimits {
	p, _ := planOf(t.Plan)
	return p
}

// A dayCount counts the calls of a day in UTC.
type dayCount struct {
	Day   string `json:"day"`
	Calls int    `json:"calls"`
}

// countDay counts a call under a name, unless the limit of today is reached. It returns the number of today's calls.
func (s *server) countDay(tx *wire.Tx, name string, limit int) (calls int, ok bool) {
	d, _ := wire.Get[dayCount](tx, bucketDays, name)
	if today := s.Clock.Now().Format(time.DateOnly); d.Day != today {
		d = dayCount{Day: today}
	}
	if d.Calls >= limit {
		return d.Calls, false
	}
	d.Calls++
	wire.Put(tx, bucketDays, name, d)
	return d.Calls, true
}

// nextMidnight returns the time at which the count of a day starts again.
func (s *server) nextMidnight() time.Time {
	return s.Clock.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)
}

// countRequest counts a request against the plan's limit for a minute and sets the headers of the limit.
func (s *server) countRequest(w http.ResponseWriter) error {
	var limits planLimits
	s.Store.View(func(tx *wire.Tx) { limits = s.currentTenant(tx).plan() })
	now := s.Clock.Now()
	count := s.requests.Count(Service, limits.perMinute, now)
	h := w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(limits.perMinute))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(count.Remaining()))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(now.Add(count.Left+time.Second-1).Unix(), 10))
	if count.Exceeded() {
		return limited("Too many requests per minute", nil)
	}
	return nil
}

// maxTestCalls is the number of calls that a test key may make in a day.
const maxTestCalls = 100

// admit checks the limits of a call and counts it: as a step of an agent run, against its budget, and against the quota
// of its key.
func (s *server) admit(c *call) error {
	return s.Store.Update(func(tx *wire.Tx) error {
		if err := s.admitAgent(tx, c.req.Options.AgentRunID); err != nil {
			return err
		}
		if name := c.req.Options.BudgetID; name != "" {
			b, err := s.findBudget(tx, name)
			if err != nil {
				return err
			}
			if b.HardStop && b.Spent >= b.Limit {
				return b.exceeded()
			}
			c.budget = b.ID
		}
		if c.key.Class == "test" {
			if _, ok := s.countDay(tx, c.key.ID, maxTestCalls); !ok {
				// Laghav documents no code; this is the code of limits that end without action.
				return limited("A test key makes 100 calls a day", nil)
			}
			return nil
		}
		t := s.currentTenant(tx)
		if t.Calls >= t.plan().calls {
			return &refusal{status: http.StatusTooManyRequests, code: "MONTHLY_LIMIT_REACHED", message: "Monthly call quota exhausted"}
		}
		t.Calls++
		wire.Put(tx, bucketTenant, "tenant", t)
		return nil
	})
}

// record stores the cost of a call, and the data that later calls need.
func (s *server) record(c call, done completion) error {
	o := c.req.Options
	return s.Store.Update(func(tx *wire.Tx) error {
		s.addToApplication(tx, c.key.Owner, done.Meta)
		if c.budget != "" {
			if b, err := s.findBudget(tx, c.budget); err == nil {
				b.Spent += done.Meta.exactActual
				wire.Put(tx, bucketBudgets, b.ID, b)
			}
		}
		if o.AgentRunID != "" {
			s.addToAgent(tx, o.AgentRunID, done.Meta)
		}
		if o.ConversationID != "" {
			messages := slices.Concat(done.sent, []message{done.Choices[0].Message})
			wire.Put(tx, bucketConversations, o.ConversationID, conversation{Messages: messages, At: s.Clock.Now()})
		}
		if o.Cache && done.hit == "" {
			s.storeReply(tx, done)
		}
		return nil
	})
}

// showTenant answers GET /dev/laghav, a control for tests.
func (s *server) showTenant(w http.ResponseWriter, _ *http.Request) error {
	var t tenant
	s.Store.View(func(tx *wire.Tx) { t = s.currentTenant(tx) })
	return wire.WriteData(w, http.StatusOK, t)
}

// changeTenant answers POST /dev/laghav, a control for tests: it changes the plan and the number of calls.
func (s *server) changeTenant(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Plan  string `json:"plan"`
		Calls *int   `json:"callsThisMonth"`
	}
	if err := wire.DecodeStrict(w, r, &body); err != nil {
		return err
	}
	if _, ok := planOf(body.Plan); body.Plan != "" && !ok {
		var names []string
		for _, p := range plans() {
			names = append(names, p.name)
		}
		return wire.Invalid(`"plan" must be one of ` + strings.Join(names, ", "))
	}
	if body.Calls != nil && *body.Calls < 0 {
		return wire.Invalid(`"callsThisMonth" must not be negative`)
	}
	err := s.Store.Update(func(tx *wire.Tx) error {
		t := s.currentTenant(tx)
		t.Plan = cmp.Or(body.Plan, t.Plan)
		if body.Calls != nil {
			t.Calls = *body.Calls
		}
		wire.Put(tx, bucketTenant, "tenant", t)
		return nil
	})
	if err != nil {
		return err
	}
	return s.showTenant(w, r)
}

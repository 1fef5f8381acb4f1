package platform

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Buckets of Laghav. Everything belongs to one tenant.
const (
	bucketLaghavTenant  = "laghav-tenant"  // "tenant" → laghavTenant
	bucketLaghavDays    = "laghav-days"    // id of a test key, or "playground ADDRESS" → laghavDay
	bucketLaghavApps    = "laghav-apps"    // id → laghavApp
	bucketLaghavBudgets = "laghav-budgets" // id → laghavBudget
	bucketLaghavAgents  = "laghav-agents"  // agent_run_id → laghavAgent
	bucketLaghavTalks   = "laghav-talks"   // conversation_id → laghavConversation
	bucketLaghavCache   = "laghav-cache"   // digest of shape and prompt → laghavCached
)

// A laghavPlan is a row of the tables of Laghav's page Rate Limits; 0 is no limit.
type laghavPlan struct {
	name               string
	calls              int // a month
	perMinute          int
	keys, applications int
}

func laghavPlans() []laghavPlan {
	return []laghavPlan{
		{"sandbox", 10_000, 60, 1, 1}, {"builder", 200_000, 500, 3, 2}, {"scale", 2_000_000, 2_000, 0, 0}, {"business", 15_000_000, 10_000, 0, 0},
	}
}

func laghavPlanOf(name string) (laghavPlan, bool) {
	for _, p := range laghavPlans() {
		if p.name == name {
			return p, true
		}
	}
	return laghavPlan{}, false
}

// A laghavTenant is who pays.
type laghavTenant struct {
	Plan  string `json:"plan"`
	Month string `json:"month"` // of Calls
	Calls int    `json:"callsThisMonth"`
}

// laghavTenantIn returns the tenant as of now.
func (s *Server) laghavTenantIn(tx *tx) laghavTenant {
	t, _ := get[laghavTenant](tx, bucketLaghavTenant, "tenant")
	t.Plan = cmp.Or(t.Plan, "scale")
	if month := s.now().Format("2006-01"); t.Month != month {
		t.Month, t.Calls = month, 0
	}
	return t
}

func (t laghavTenant) plan() laghavPlan {
	p, _ := laghavPlanOf(t.Plan)
	return p
}

// A laghavDay counts the calls of a day, in UTC.
type laghavDay struct {
	Day   string `json:"day"`
	Calls int    `json:"calls"`
}

// countDay counts a call, unless as many as the limit were made today; it returns how many there were.
func (s *Server) countDay(tx *tx, who string, limit int) (made int, ok bool) {
	d, _ := get[laghavDay](tx, bucketLaghavDays, who)
	if today := s.now().Format(time.DateOnly); d.Day != today {
		d = laghavDay{Day: today}
	}
	if d.Calls >= limit {
		return d.Calls, false
	}
	d.Calls++
	put(tx, bucketLaghavDays, who, d)
	return d.Calls, true
}

// midnight is when a day's count begins anew.
func (s *Server) midnight() time.Time { return s.now().Truncate(24 * time.Hour).Add(24 * time.Hour) }

// laghavMeter counts a request against the plan's limit of a minute, and says so in the headers.
func (s *Server) laghavMeter(w http.ResponseWriter) error {
	var plan laghavPlan
	s.store.view(func(tx *tx) { plan = s.laghavTenantIn(tx).plan() })
	now := s.now()
	count, left := s.limiter.take(serviceLaghav, now)
	h := w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(plan.perMinute))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, plan.perMinute-count)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(now.Add(left+time.Second-1).Unix(), 10))
	if count > plan.perMinute {
		return laghavLimited("Too many requests per minute", nil)
	}
	return nil
}

func laghavLimited(message string, more map[string]any) error {
	return &laghavError{status: http.StatusTooManyRequests, code: "RATE_LIMIT_EXCEEDED", message: message, more: more}
}

// laghavTestCalls is how many calls a test key may make in a day.
const laghavTestCalls = 100

// laghavAdmit lets a call in, and counts it: against the quota of a live key or a test key, as a step of an agent, and
// against a budget.
func (s *Server) laghavAdmit(call *laghavCall) error {
	return s.store.update(func(tx *tx) error {
		if err := s.admitAgent(tx, call.req.Options.AgentRunID); err != nil {
			return err
		}
		if name := call.req.Options.BudgetID; name != "" {
			b, err := s.laghavBudgetIn(tx, name)
			if err != nil {
				return err
			}
			if b.HardStop && b.Spent >= b.Limit {
				return b.exceeded()
			}
			call.budget = b.ID
		}
		if call.key.Class == "test" {
			if _, ok := s.countDay(tx, call.key.ID, laghavTestCalls); !ok {
				// The code is not documented; this one is for limits that end by themselves.
				return laghavLimited("A test key makes 100 calls a day", nil)
			}
			return nil
		}
		t := s.laghavTenantIn(tx)
		if t.Calls >= t.plan().calls {
			return &laghavError{status: http.StatusTooManyRequests, code: "MONTHLY_LIMIT_REACHED", message: "Monthly call quota exhausted"}
		}
		t.Calls++
		put(tx, bucketLaghavTenant, "tenant", t)
		return nil
	})
}

// laghavRecord books what a call cost, and remembers what later calls may need.
func (s *Server) laghavRecord(call laghavCall, done laghavCompletion) error {
	o := call.req.Options
	return s.store.update(func(tx *tx) error {
		s.bookApp(tx, call.key.Owner, done.Meta)
		if call.budget != "" {
			if b, err := s.laghavBudgetIn(tx, call.budget); err == nil {
				b.Spent += done.Meta.exactActual
				put(tx, bucketLaghavBudgets, b.ID, b)
			}
		}
		if o.AgentRunID != "" {
			s.bookAgent(tx, o.AgentRunID, done.Meta)
		}
		if o.ConversationID != "" {
			talk := slices.Concat(done.talk, []laghavMessage{done.Choices[0].Message})
			put(tx, bucketLaghavTalks, o.ConversationID, laghavConversation{Messages: talk, At: s.now()})
		}
		if o.Cache && done.hit == "" {
			s.keepReply(tx, done)
		}
		return nil
	})
}

// showLaghav and changeLaghav are controls for tests: a plan cannot be bought here, and a month's calls take long.
func (s *Server) showLaghav(w http.ResponseWriter, _ *http.Request) error {
	var t laghavTenant
	s.store.view(func(tx *tx) { t = s.laghavTenantIn(tx) })
	return writeData(w, http.StatusOK, t)
}

func (s *Server) changeLaghav(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Plan  string `json:"plan"`
		Calls *int   `json:"callsThisMonth"`
	}
	if err := decodeStrictly(w, r, &body); err != nil {
		return err
	}
	if _, ok := laghavPlanOf(body.Plan); body.Plan != "" && !ok {
		var names []string
		for _, p := range laghavPlans() {
			names = append(names, p.name)
		}
		return invalid(`"plan" must be one of ` + strings.Join(names, ", "))
	}
	if body.Calls != nil && *body.Calls < 0 {
		return invalid(`"callsThisMonth" must not be negative`)
	}
	err := s.store.update(func(tx *tx) error {
		t := s.laghavTenantIn(tx)
		t.Plan = cmp.Or(body.Plan, t.Plan)
		if body.Calls != nil {
			t.Calls = *body.Calls
		}
		put(tx, bucketLaghavTenant, "tenant", t)
		return nil
	})
	if err != nil {
		return err
	}
	return s.showLaghav(w, r)
}

// laghavLocked refuses what a plan does not include.
func laghavLocked(message string) error {
	return &laghavError{status: http.StatusForbidden, code: "PLAN_FEATURE_LOCKED", message: message}
}

// laghavKeysIn are the keys of the tenant that were not revoked.
func laghavKeysIn(tx *tx) []serviceKey {
	return slices.DeleteFunc(list[serviceKey](tx, bucketServiceKeys), func(k serviceKey) bool {
		return k.Service != serviceLaghav || k.RevokedAt != nil
	})
}

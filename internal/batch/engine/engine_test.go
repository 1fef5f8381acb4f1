package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uselamina/lamina/internal/batch/batchtest"
	"github.com/uselamina/lamina/internal/batch/pace"
	"github.com/uselamina/lamina/internal/batch/plan"
)

// fake is a Service whose requests take some milliseconds. fail decides which of them fail, and with which status.
type fake struct {
	pacer   *pace.Pacer
	latency time.Duration
	skew    time.Duration // of the creation times of runs
	takes   time.Duration // how long a run takes
	fail    func(f *fake, method, item string) (status int, after time.Duration)

	mu     sync.Mutex
	starts map[string]int      // starts of an item that were sent
	keys   map[string][]string // of an item, each once
	failed int                 // starts that failed
	runs   []Run               // newest last
}

// failure is the error of a request that was answered with a status.
type failure struct {
	status int
	after  time.Duration
}

func (f *failure) Error() string { return http.StatusText(f.status) }

func (f *fake) ask(method, item string) error {
	sent := time.Now()
	time.Sleep(f.latency)
	f.mu.Lock()
	defer f.mu.Unlock()
	if method == "start" {
		f.starts[item]++
	}
	status, after := f.fail(f, method, item)
	if status == 0 {
		f.pacer.Observe(http.StatusOK, nil, sent)
		return nil
	}
	if method == "start" {
		f.failed++
	}
	f.pacer.Observe(status, nil, sent)
	return &failure{status, after}
}

func (f *fake) Start(_ context.Context, item plan.Item, key string) (Run, error) {
	f.mu.Lock()
	if !slices.Contains(f.keys[item.ID], key) {
		f.keys[item.ID] = append(f.keys[item.ID], key)
	}
	f.mu.Unlock()
	if err := f.ask("start", item.ID); err != nil {
		return Run{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	run := Run{ID: "run-" + item.ID, State: "completed", CreatedAt: time.Now().Add(f.skew)}
	f.runs = append(f.runs, run)
	return Run{ID: run.ID}, nil
}

func (f *fake) List(_ context.Context, _ time.Time, offset int) (Page, error) {
	if err := f.ask("list", ""); err != nil {
		return Page{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	page := Page{IsLast: true}
	for i := len(f.runs) - 1 - offset; i >= 0; i-- {
		page.Runs = append(page.Runs, f.now(f.runs[i]))
	}
	return page, nil
}

func (f *fake) Get(_ context.Context, id string) (Run, error) {
	if err := f.ask("get", ""); err != nil {
		return Run{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.runs {
		if r.ID == id {
			return f.now(r), nil
		}
	}
	return Run{ID: id, State: "completed"}, nil
}

// now returns a run as it is now.
func (f *fake) now(r Run) Run {
	if time.Since(r.CreatedAt.Add(-f.skew)) < f.takes {
		r.State = ""
	}
	return r
}

func (f *fake) Cancel(context.Context, string) (Run, error) { return Run{}, errors.ErrUnsupported }

func (f *fake) Judge(err error) Verdict {
	var refused *failure
	switch {
	case !errors.As(err, &refused):
		return Verdict{Meaning: Fatal}
	case refused.status == http.StatusTooManyRequests, refused.status == http.StatusServiceUnavailable:
		return Verdict{Meaning: Busy, After: refused.after}
	}
	return Verdict{Meaning: Lost}
}

// perform carries out a batch of n items with a service whose requests take some time, and returns how it ended and how long that took.
func perform(t *testing.T, n int, latency time.Duration, o Options, fail func(f *fake, method, item string) (int, time.Duration)) (*fake, Result, time.Duration) {
	t.Helper()
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("i%03d", i))
	}
	f := &fake{pacer: pace.New(pace.Options{}), latency: latency, fail: fail, starts: map[string]int{}, keys: map[string][]string{}}
	o.Plan, o.Shards, o.Service, o.Pacer, o.MaxCredits = batchtest.Folder(t, ids...), []int{0}, f, f.pacer, -1
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	began := time.Now()
	r := e.Run(t.Context())
	return f, r, time.Since(began)
}

// TestStartsAlwaysFail: a service whose starts fail while all else works is given up, and gets few requests until then.
func TestStartsAlwaysFail(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusTooManyRequests} {
		for _, isIdempotent := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, keys honoured %t", status, isIdempotent), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f, r, took := perform(t, 40, 20*time.Millisecond, Options{Patience: 5 * time.Minute, IsIdempotent: isIdempotent},
						func(_ *fake, method, _ string) (int, time.Duration) {
							if method == "start" {
								return status, 0
							}
							return 0, 0
						})
					var spent *spentError
					if r.Reason != Failed || !errors.As(r.Err, &spent) {
						t.Errorf("the batch ended with %q, %v; want that the patience is spent", r.Reason, r.Err)
					}
					if took < 5*time.Minute || took > 6*time.Minute {
						t.Errorf("it ended after %s, want about five minutes", took)
					}
					if f.failed > 16+90 {
						t.Errorf("%d starts were sent, want 16 and then one at a time", f.failed)
					}
				})
			})
		}
	}
}

// TestItemThatAlwaysFails: an item that the service cannot start does not keep the others, and counts as failed.
func TestItemThatAlwaysFails(t *testing.T) {
	t.Parallel()
	for _, isIdempotent := range []bool{false, true} {
		t.Run(fmt.Sprint(isIdempotent), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, r, took := perform(t, 500, time.Second, Options{IsIdempotent: isIdempotent, Concurrency: 2}, func(_ *fake, method, item string) (int, time.Duration) {
					if method == "start" && item == "i003" {
						return http.StatusInternalServerError, 0
					}
					return 0, 0
				})
				if r.Reason != Done || r.Counts.Failed != 1 || r.Counts.Completed != 499 {
					t.Errorf("the batch ended with %q, %v, %+v; want 1 failed item and 499 completed ones", r.Reason, r.Err, r.Counts)
				}
				if took > 20*time.Minute {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// TestRefusalsPass: a service without headers that refuses the first starts gets all items soon after.
func TestRefusalsPass(t *testing.T) {
	t.Parallel()
	for _, refused := range []int{1, 16, 20, 30} {
		t.Run(fmt.Sprint(refused), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, r, took := perform(t, 20, 20*time.Millisecond, Options{}, func(f *fake, method, _ string) (int, time.Duration) {
					if method == "start" && f.failed < refused {
						return http.StatusTooManyRequests, 0
					}
					return 0, 0
				})
				if r.Reason != Done || r.Counts.Completed != 20 {
					t.Errorf("the batch ended with %q, %v, %+v", r.Reason, r.Err, r.Counts)
				}
				if took > 3*time.Minute {
					t.Errorf("it took %s after %d refusals", took, f.failed)
				}
			})
		})
	}
}

// TestLongRetryAfter: a service that wants to be left alone for longer than the patience ends the batch at once.
func TestLongRetryAfter(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"start", "list", "get"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, r, took := perform(t, 3, 20*time.Millisecond, Options{HasOutputs: true}, func(_ *fake, m, _ string) (int, time.Duration) {
					if m == method {
						return http.StatusTooManyRequests, 2 * time.Hour
					}
					return 0, 0
				})
				if r.Reason != Failed || took > time.Minute {
					t.Errorf("the batch ended with %q after %s, want an error at once", r.Reason, took)
				}
			})
		})
	}
}

// TestOneMethodFails: a request that always fails is given up, although all others succeed.
func TestOneMethodFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, r, took := perform(t, 40, 20*time.Millisecond, Options{HasOutputs: true}, func(_ *fake, method, _ string) (int, time.Duration) {
			if method == "get" {
				return http.StatusInternalServerError, 0
			}
			return 0, 0
		})
		if r.Reason != Failed || took > 10*time.Minute {
			t.Errorf("the batch ended with %q after %s, want an error after five minutes", r.Reason, took)
		}
	})
}

// TestRetryBudget: when many starts fail, at most a tenth of all are repetitions, apart from a few.
func TestRetryBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		f, r, took := perform(t, 1000, 20*time.Millisecond, Options{}, func(_ *fake, method, item string) (int, time.Duration) {
			if method == "start" {
				if n++; n%3 == 0 && item < "i500" {
					return http.StatusServiceUnavailable, 0
				}
			}
			return 0, 0
		})
		if r.Reason != Done || r.Counts.Completed != 1000 {
			t.Errorf("the batch ended with %q, %v, %+v", r.Reason, r.Err, r.Counts)
		}
		// Repetitions fail as often, so that each item needs half a repetition.
		if allowed := 10 + 1300/10 + int(took/(5*time.Second)) + 10; f.failed > allowed {
			t.Errorf("%d starts failed in %s, want at most %d", f.failed, took, allowed)
		}
	})
}

// TestRefusedRepetitions: a lost start keeps its key when its repetitions are refused, however often.
func TestRefusedRepetitions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, r, _ := perform(t, 100, 20*time.Millisecond, Options{IsIdempotent: true}, func(f *fake, method, item string) (int, time.Duration) {
			if method != "start" || item != "i003" || f.starts[item] > 12 {
				return 0, 0
			}
			if f.starts[item] == 1 {
				return http.StatusInternalServerError, 0
			}
			return http.StatusServiceUnavailable, 0
		})
		if r.Reason != Done || r.Counts.Completed != 100 || f.starts["i003"] != 13 {
			t.Errorf("the batch ended with %q, %v, %+v after %d starts", r.Reason, r.Err, r.Counts, f.starts["i003"])
		}
		if keys := f.keys["i003"]; len(keys) != 1 {
			t.Errorf("the starts had the keys %q, want one", keys)
		}
	})
}

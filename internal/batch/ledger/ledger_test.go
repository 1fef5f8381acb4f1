package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/uselamina/lamina/internal/disk"
)

// The names of the files.
const (
	fileName = "credits.json"
	lockName = "credits.lock"
)

// openIn opens the ledger in a folder.
func openIn(dir string, limit float64) (*Ledger, error) {
	return Open(filepath.Join(dir, fileName), filepath.Join(dir, lockName), limit)
}

// open opens a ledger for an owner.
func open(t *testing.T, dir, owner string, limit float64) *Ledger {
	t.Helper()
	l, err := openIn(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Restore(owner, 0, 0); err != nil {
		t.Fatal(err)
	}
	return l
}

// reserve reserves as often as the limit allows, at most some times.
func reserve(t *testing.T, l *Ledger, credits float64, most int) (n int) {
	t.Helper()
	for ; n < most; n++ {
		switch ok, err := l.Reserve(t.Context(), credits); {
		case err != nil:
			t.Fatal(err)
		case !ok:
			return n
		}
	}
	return n
}

// inFile returns the records of the file.
func inFile(t *testing.T, dir string) map[string]record {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	records, problem := decode(raw)
	if problem != "" {
		t.Fatal(problem)
	}
	return records
}

// TestLimit: exactly as many items are reserved as the limit allows, also with fractions.
func TestLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		limit, credits float64
		want           int
	}{
		{0, 1, 0}, {0.9, 1, 0}, {1, 1, 1}, {10, 3, 3}, {1, 0.1, 10}, {100, 0.1, 1000}, {1000, 1, 1000}, {0.3, 0.1, 3}, {5, 7, 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%v in %v", tt.credits, tt.limit), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := open(t, dir, "0-of-1", tt.limit)
			if n := reserve(t, l, tt.credits, 2000); n != tt.want {
				t.Errorf("%d items were reserved, want %d", n, tt.want)
			}
			if sum := total(inFile(t, dir)); sum > tt.limit+1e-6 {
				t.Errorf("the file has %v, want at most %v", sum, tt.limit)
			}
		})
	}
}

// TestFree: what costs nothing is not refused where nothing is left.
func TestFree(t *testing.T) {
	t.Parallel()
	if n := reserve(t, open(t, t.TempDir(), "0-of-1", 0), 0, 5); n != 5 {
		t.Errorf("%d free items were reserved, want 5", n)
	}
}

// TestNoLimit: without a limit there are sums, but no file.
func TestNoLimit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, "0-of-1", -1)
	if n := reserve(t, l, 1e6, 100); n != 100 {
		t.Errorf("%d items were reserved, want all 100", n)
	}
	if err := errors.Join(l.Settle(1e6, 5), l.Settle(1e6, 2e6)); err != nil {
		t.Fatal(err)
	}
	if spent, reserved := l.Sums(); spent != 2e6+5 || reserved != 98e6 {
		t.Errorf("spent %v and reserved %v, want 2000005 and 98000000", spent, reserved)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("the folder has %v, %v, want nothing", entries, err)
	}
}

// TestSettle: what an item did not cost is reserved again, and what it cost beyond its reservation is not.
func TestSettle(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		actual float64
		want   int // further items of 10 credits, after 10 with a limit of 100
	}{
		{"as estimated", 10, 0},
		{"half", 5, 5},
		{"nothing", 0, 10},
		{"more", 15, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := open(t, dir, "0-of-1", 100)
			if n := reserve(t, l, 10, 100); n != 10 {
				t.Fatalf("%d items were reserved, want 10", n)
			}
			for range 10 {
				if err := l.Settle(10, tt.actual); err != nil {
					t.Fatal(err)
				}
			}
			if n := reserve(t, l, 10, 100); n != tt.want {
				t.Errorf("%d further items were reserved, want %d", n, tt.want)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			got, want := inFile(t, dir)["0-of-1"], record{Spent: 10 * tt.actual, Reserved: float64(10 * tt.want)}
			if math.Abs(got.Spent-want.Spent) > 1e-6 || math.Abs(got.Reserved-want.Reserved) > 1e-6 {
				t.Errorf("the file has %+v, want %+v", got, want)
			}
		})
	}
}

// TestDearItemIsKnown: other processes see at once that an item cost more than its reservation.
func TestDearItemIsKnown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := open(t, dir, "0-of-2", 100), open(t, dir, "1-of-2", 100)
	reserve(t, a, 10, 1)
	if err := a.Settle(10, 95); err != nil {
		t.Fatal(err)
	}
	if n := reserve(t, b, 5, 10); n != 1 {
		t.Errorf("%d items of 5 were reserved, want the 1 that remains", n)
	}
}

// TestClose: what was reserved for no item is free for others, and what was reserved for items is not.
func TestClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := open(t, dir, "0-of-2", 1000), open(t, dir, "1-of-2", 1000)
	reserve(t, a, 1, 10)
	if got := inFile(t, dir)["0-of-2"].Reserved; got != chunk {
		t.Fatalf("%v credits are reserved in the file, want a chunk of %d", got, chunk)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if n := reserve(t, b, 1, 2000); n != 990 {
		t.Errorf("%d items were reserved, want 990", n)
	}
}

// TestRestore: the journals replace what a killed process left, and only for the owner.
func TestRestore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	killed, other := open(t, dir, "0-of-2", 1000), open(t, dir, "1-of-2", 1000)
	reserve(t, killed, 1, 100)
	reserve(t, other, 1, 50)
	again, err := openIn(dir, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Restore("0-of-2", 60, 40); err != nil {
		t.Fatal(err)
	}
	records := inFile(t, dir)
	if got := records["0-of-2"]; got != (record{60, 40}) {
		t.Errorf("the record is %+v, want 60 spent and 40 reserved", got)
	}
	if got := records["1-of-2"].Reserved; got != chunk {
		t.Errorf("the other owner has %v reserved, want %d", got, chunk)
	}
	for range 40 {
		if err := again.Settle(1, 2); err != nil {
			t.Fatal(err)
		}
	}
	if spent, reserved := again.Sums(); spent != 140 || reserved != 0 {
		t.Errorf("spent %v and reserved %v, want 140 and 0", spent, reserved)
	}
}

// TestSeveralOwners: one process runs several shards with one ledger.
func TestSeveralOwners(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, "0-of-2", 100)
	if err := errors.Join(l.Restore("0-of-2", 10, 20), l.Restore("1-of-2", 5, 5)); err != nil {
		t.Fatal(err)
	}
	if n := reserve(t, l, 1, 1000); n != 60 {
		t.Errorf("%d items were reserved, want 60", n)
	}
	for range 85 {
		if err := l.Settle(1, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if spent, reserved := l.Sums(); math.Abs(spent-100) > 1e-6 || math.Abs(reserved) > 1e-6 {
		t.Errorf("spent %v and reserved %v, want 100 and 0", spent, reserved)
	}
	if sum := total(inFile(t, dir)); math.Abs(sum-100) > 1e-6 {
		t.Errorf("the file has %v, want 100", sum)
	}
}

// TestGoroutines: goroutines of several ledgers together reserve as much as the limit allows.
func TestGoroutines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var (
		all sync.WaitGroup
		mu  sync.Mutex
		sum int
	)
	for i := range 4 {
		l := open(t, dir, fmt.Sprintf("%d-of-4", i), 2000)
		for range 4 {
			all.Go(func() {
				for {
					ok, err := l.Reserve(context.Background(), 1)
					if err != nil {
						t.Error(err)
					}
					if !ok || err != nil {
						return
					}
					mu.Lock()
					sum++
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	if sum > 2000 || sum < 2000-3*chunk {
		t.Errorf("%d items were reserved, want about 2000 and no more", sum)
	}
}

// TestBadAmounts: what is no amount of credits is refused everywhere and changes nothing.
func TestBadAmounts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, "0-of-1", 10)
	for _, amount := range []float64{-1, math.NaN(), math.Inf(1), math.Inf(-1)} {
		_, err := l.Reserve(t.Context(), amount)
		for name, err := range map[string]error{
			"Reserve": err, "Settle": l.Settle(amount, 1), "Settle as actual": l.Settle(1, amount),
			"Restore": l.Restore("0-of-1", amount, 0), "Restore as open": l.Restore("0-of-1", 0, amount),
		} {
			if bad := (*AmountError)(nil); !errors.As(err, &bad) {
				t.Errorf("%s with %v: got %v, want an AmountError", name, amount, err)
			}
		}
	}
	if n := reserve(t, l, 1, 100); n != 10 {
		t.Errorf("%d items were reserved, want 10", n)
	}
	if _, err := openIn(dir, math.NaN()); err == nil {
		t.Error("a limit that is not a number was taken")
	}
}

// TestNotRestored: nothing is reserved for nobody.
func TestNotRestored(t *testing.T) {
	t.Parallel()
	l, err := openIn(t.TempDir(), 10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Reserve(t.Context(), 1); !errors.Is(err, ErrNotRestored) {
		t.Errorf("got %v, want ErrNotRestored", err)
	}
	if err := l.Settle(1, 1); !errors.Is(err, ErrNotRestored) {
		t.Errorf("got %v, want ErrNotRestored", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestBadFile: a file that is not a ledger is neither used nor changed.
func TestBadFile(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, content, want string }{
		{"empty", "", "damaged"},
		{"cut off", `{"version":1,"owners":{"0-of-1":{"spent":1`, "damaged"},
		{"two documents", `{"version":1,"owners":{}}{}`, "damaged"},
		{"null", `null`, "damaged"},
		{"no owners", `{"version":1}`, "no owners"},
		{"negative", `{"version":1,"owners":{"0-of-1":{"spent":-1,"reserved":0}}}`, "impossible"},
		{"too large a number", `{"version":1,"owners":{"0-of-1":{"spent":1e999,"reserved":0}}}`, "damaged"},
		{"another version", `{"version":2,"owners":{}}`, "format 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, fileName)
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := openIn(dir, 10)
			if damaged := (*DamagedError)(nil); !errors.As(err, &damaged) || damaged.Path != path || !strings.Contains(damaged.Reason, tt.want) {
				t.Errorf("got %v, want a DamagedError with %q", err, tt.want)
			}
			if raw, err := os.ReadFile(path); err != nil || string(raw) != tt.content {
				t.Errorf("the file was changed: %q, %v", raw, err)
			}
		})
	}
}

// TestNotRegular: a folder or a link in the place of a file is not used.
func TestNotRegular(t *testing.T) {
	t.Parallel()
	for _, name := range []string{fileName, lockName} {
		for kind, make := range map[string]func(path string) error{
			"folder": func(path string) error { return os.Mkdir(path, 0o700) },
			"link":   func(path string) error { return os.Symlink(filepath.Join(filepath.Dir(path), "elsewhere"), path) },
		} {
			t.Run(name+" is a "+kind, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				if err := make(filepath.Join(dir, name)); err != nil {
					t.Skip(err)
				}
				l, err := openIn(dir, 10)
				if err == nil {
					err = l.Restore("0-of-1", 0, 0)
				}
				if !errors.Is(err, disk.ErrNotRegular) {
					t.Errorf("got %v, want ErrNotRegular", err)
				}
			})
		}
	}
}

// TestNoFolder: a missing folder is an error of the file system.
func TestNoFolder(t *testing.T) {
	t.Parallel()
	l, err := openIn(filepath.Join(t.TempDir(), "missing"), 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Restore("0-of-1", 0, 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that there is no folder", err)
	}
}

// TestFailedWrite: a reservation that cannot be written was not made.
func TestFailedWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, moved := filepath.Join(dir, "batch"), filepath.Join(dir, "moved")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	l := open(t, path, "0-of-1", 10)
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	if ok, err := l.Reserve(t.Context(), 1); ok || err == nil {
		t.Errorf("got %t, %v, want an error", ok, err)
	}
	if err := os.Rename(moved, path); err != nil {
		t.Fatal(err)
	}
	if n := reserve(t, l, 1, 100); n != 10 {
		t.Errorf("%d items were reserved after the failure, want 10", n)
	}
}

// TestMode: the files are private.
func TestMode(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there are no permission bits")
	}
	dir := t.TempDir()
	open(t, dir, "0-of-1", 10)
	for _, name := range []string{fileName, lockName} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: got %v, %v, want the mode 0600", name, info.Mode(), err)
		}
	}
}

// TestCancelled: a call that waits for the lock ends with its context.
func TestCancelled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, "0-of-1", 10)
	unlock, err := disk.Lock(filepath.Join(dir, lockName), false)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Reserve(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the context ended", err)
	}
}

// FuzzDecode: a file that is accepted has amounts only, and is the same when it is written and read again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version":1,"owners":{"0-of-8":{"spent":1.5,"reserved":64}}}`))
	f.Add([]byte(`{"version":1,"owners":{"":{"spent":-0}}}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		records, problem := decode(raw)
		if problem != "" {
			return
		}
		for owner, r := range records {
			if err := check(r.Spent, r.Reserved); err != nil {
				t.Errorf("%q: %v", owner, err)
			}
		}
		again, err := json.Marshal(document{version, records})
		if err != nil {
			t.Fatal(err)
		}
		if same, problem := decode(again); problem != "" || len(same) != len(records) {
			t.Errorf("got %v, %q, want %v again", same, problem, records)
		}
	})
}

package batches

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// lamina returns the program: that in LAMINA, or one built from this repository.
func lamina(t *testing.T) string {
	t.Helper()
	if program := os.Getenv("LAMINA"); program != "" {
		return program
	}
	if _, err := os.Stat("../../cmd/lamina"); err != nil {
		t.Skip("set LAMINA to the program: this is a copy of the example without the repository")
	}
	program := filepath.Join(t.TempDir(), "lamina")
	build := exec.Command("go", "build", "-o", program, "./cmd/lamina")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

// TestRealBatch runs a batch of four items in two shards on the local platform. One of the items fails.
func TestRealBatch(t *testing.T) {
	program := lamina(t)
	if os.Getenv("LAMINA_BASE_URL") == "" { // the local platform runs this test again
		cmd := exec.Command(program, "dev", "--", os.Args[0], "-test.run=^TestRealBatch$", "-test.v")
		cmd.Env = append(os.Environ(), "LAMINA="+program, "HOME="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	t.Setenv("LAMINA", program)
	dir := t.TempDir()
	items := filepath.Join(dir, "items.csv")
	if err := os.WriteFile(items, []byte("id,seconds,ending\na,0,Complete\nb,0,Complete\nc,0,Fail\nd,0,Complete\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	batch := filepath.Join(dir, "countdowns")
	if out, err := exec.Command(program, "batch", "plan", "countdown", items, "--out", batch, "--shards", "2").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for range 2 { // the second time, there is nothing left to do
		result, err := run(t, Input{Dir: batch, Shards: 2})
		if err != nil || result.Counts["completed"] != 3 || result.Counts["failed"] != 1 || len(result.FailedShards) != 1 {
			t.Fatalf("got %+v, %v, want 3 completed items and 1 that failed", result, err)
		}
	}
	if _, err := run(t, Input{Dir: batch, Shards: 3}); err == nil {
		t.Error("got no error for shards that are not those of the plan")
	}
}

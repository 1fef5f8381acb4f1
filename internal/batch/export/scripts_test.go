//go:build unix

package export

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestHostilePathIsOneWord runs what a shell makes of the path.
func TestHostilePathIsOneWord(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("this test needs bash")
	}
	for _, target := range []string{"slurm", "parallel"} {
		o := options(target)
		o.Dir = hostile
		script := write(t, target, o)
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "script"), []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		seen := `printf '%s\n' "$BATCH_DIR" "$@" >>` + folder + "/seen\n"
		for _, name := range []string{"lamina", "parallel", "squeue", "scontrol"} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+seen), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(bash, "script")
		cmd.Dir = folder
		cmd.Env = []string{
			"PATH=" + folder + ":" + os.Getenv("PATH"), "LAMINA_API_KEY=k", "BATCH_DIR=", "SLURM_ARRAY_TASK_ID=2", "SLURM_ARRAY_JOB_ID=7",
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", target, err, out)
		}
		got, err := os.ReadFile(filepath.Join(folder, "seen"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains("\n"+string(got), "\n"+hostile+"\n") {
			t.Errorf("%s: got the words %s, want one that is the path", target, got)
		}
		if _, err := os.Stat(filepath.Join(folder, "x")); err == nil {
			t.Errorf("%s: the path was executed", target)
		}
	}
}

func TestSyntaxOfScripts(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("this test needs bash")
	}
	for _, file := range []string{"plain/slurm.sh", "plain/parallel.sh", "special/slurm.sh", "special/parallel.sh"} {
		if out, err := exec.Command(bash, "-n", filepath.Join("testdata", file)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", file, err, out)
		}
	}
}

// A slurmTask is one task of the array, with stand-ins for lamina and Slurm.
type slurmTask struct {
	lamina   string // the script that stands in for lamina
	state    string // what squeue says
	restarts int
}

// command returns the script, ready to start in a folder, where requeued is what scontrol was told.
func (s slurmTask) command(t *testing.T, folder string) *exec.Cmd {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("this test needs bash")
	}
	for name, text := range map[string]string{
		"script":   write(t, "slurm", options("slurm")),
		"lamina":   "#!/bin/sh\n" + s.lamina,
		"squeue":   "#!/bin/sh\necho " + s.state + "\n",
		"scontrol": "#!/bin/sh\necho \"$@\" >requeued\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(bash, "script")
	cmd.Dir = folder
	cmd.Env = []string{
		"PATH=" + folder + ":" + os.Getenv("PATH"), "LAMINA_API_KEY=k", "SLURM_ARRAY_TASK_ID=2", "SLURM_ARRAY_JOB_ID=7",
		"SLURM_RESTART_COUNT=" + strconv.Itoa(s.restarts),
	}
	return cmd
}

// requeued returns what scontrol was told in a folder; "" if it was not called.
func requeued(folder string) string {
	text, _ := os.ReadFile(filepath.Join(folder, "requeued"))
	return strings.TrimSpace(string(text))
}

// TestSlurmRequeues runs the script for every status.
func TestSlurmRequeues(t *testing.T) {
	t.Parallel()
	for _, status := range Statuses() {
		for _, test := range []struct {
			state    string
			restarts int
			mayAgain bool
		}{{"RUNNING", 0, true}, {"RUNNING", 20, false}, {"COMPLETING", 0, false}} {
			folder := t.TempDir()
			cmd := slurmTask{lamina: "exit " + strconv.Itoa(status.Code) + "\n", state: test.state, restarts: test.restarts}.command(t, folder)
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != status.Code {
				t.Errorf("status %d: the script ended with %d: %s", status.Code, got, out)
			}
			want := ""
			if status.Reaction == Resume && test.mayAgain {
				want = "requeue 7_2"
			}
			if got := requeued(folder); got != want {
				t.Errorf("status %d, %s, %d restarts: got %q, want %q", status.Code, test.state, test.restarts, got, want)
			}
		}
	}
}

// TestSlurmPassesSIGTERM sends SIGTERM to the script alone, as Slurm does ahead of a time limit.
func TestSlurmPassesSIGTERM(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	lamina := "trap 'touch stopped; exit 7' TERM\ntouch started\nwhile true; do sleep 0.05; done\n"
	cmd := slurmTask{lamina: lamina, state: "RUNNING"}.command(t, folder)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(folder, "started")); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the shard did not start")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 7 {
		t.Errorf("got status %d, want that of the shard, 7", got)
	}
	if got := requeued(folder); got != "requeue 7_2" {
		t.Errorf("scontrol was told %q, want a requeue", got)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScript runs the acceptance scripts of testdata/script, one for each noun, with the real program. A script that starts
// with dev has its own local platform. Together, they use every operation of docs/openapi.yaml.
func TestScript(t *testing.T) {
	t.Parallel()
	params := scripts()
	params.Dir = "testdata/script"
	expectEveryOperation(t, &params)
	testscript.Run(t, params)
}

// scripts returns the parameters of all scripts: an empty home, and the commands below.
func scripts() testscript.Params {
	return testscript.Params{
		ContinueOnError: true, // one run shows all failures of a script
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "home")
			env.Setenv("HOME", home)
			env.Setenv("USERPROFILE", home)
			env.Setenv("BROWSER", "browse")
			env.Setenv("NO_COLOR", "1")
			env.Setenv("LAMINA_REQUEST_TIMEOUT", "20s")
			env.Setenv("GORACE", quickExit)
			if err := checkExchanges(env); err != nil {
				return err
			}
			return os.Mkdir(home, 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"dev":          cmdDev,
			"foreign":      cmdForeign,
			"exits":        cmdExits,
			"http":         cmdHTTP,
			"png":          cmdPNG,
			"signal":       cmdSignal,
			"mode":         cmdMode,
			"until":        cmdUntil,
			"requests":     cmdRequests,
			"capture":      cmdCapture,
			"visit":        cmdVisit,
			"until-down":   cmdUntilDown,
			"unprivileged": cmdUnprivileged,
			"addr":         cmdAddr,
			"keyring":      cmdKeyring,
			"key":          cmdKey,
			"sparse":       cmdSparse,
			"issuer":       cmdIssuer,
			"fake-run":     cmdFakeRun,
			"odd":          cmdOdd,

			"receiver":        cmdReceiver,
			"until-listening": cmdUntilListening,
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Geteuid() == 0, nil
			case "keyring":
				return isKeyringEnabled(), nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		RequireUniqueNames: true,
	}
}

// cmdDev starts a local platform for the script: dev [FLAG…]. It sets LAMINA_BASE_URL, API_KEY and
// WORKSPACE, and for each other service NAME_KEY and NAME_URL.
func cmdDev(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! dev")
	}
	var check []string
	for _, name := range []string{descriptionVariable, differencesVariable, operationsVariable} {
		check = append(check, name+"="+ts.Getenv(name))
	}
	server, err := startDev(ts.Getenv("WORK"), ts.Getenv("HOME"), check, args...)
	ts.Check(err)
	ts.Defer(func() {
		if err := server.stop(); err != nil {
			ts.Logf("lamina dev ended with: %v", err)
		}
	})
	ts.Setenv("LAMINA_BASE_URL", server.BaseURL)
	ts.Setenv("API_KEY", server.APIKey)
	ts.Setenv("WORKSPACE", server.WorkspaceID)
	for name, service := range server.Services {
		ts.Setenv(strings.ToUpper(name)+"_KEY", service.APIKey)
		ts.Setenv(strings.ToUpper(name)+"_URL", service.BaseURL)
	}
	ts.Setenv("DEV_PID", strconv.Itoa(server.cmd.Process.Pid))
}

// cmdExits runs a command and checks its exit status: exits STATUS COMMAND ARG…
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND ARG…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("got exit status %d, want %d", got, want)
	}
}

// cmdHTTP sends a request with a JSON body and prints the response to stdout: http METHOD URL [BODY]
func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: http METHOD URL [BODY]")
	}
	req, err := http.NewRequest(args[0], args[1], strings.NewReader(strings.Join(args[2:], " ")))
	ts.Check(err)
	if len(args) > 2 {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	_, err = io.Copy(ts.Stdout(), resp.Body)
	ts.Check(err)
	if (resp.StatusCode >= 300) != neg {
		ts.Fatalf("%s %s: got %s, want failure: %v", args[0], args[1], resp.Status, neg)
	}
}

// cmdKey creates a key of a service at the local platform: key NAME SERVICE [CLASS|- [OWNER]]. It sets NAME and NAME_ID.
func cmdKey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: key NAME SERVICE [CLASS|- [OWNER]]")
	}
	want := map[string]string{"service": args[1]}
	for i, field := range []string{"class", "owner"} {
		if len(args) > i+2 && args[i+2] != "-" {
			want[field] = args[i+2]
		}
	}
	raw, err := json.Marshal(want)
	ts.Check(err)
	resp, err := http.Post(ts.Getenv("LAMINA_BASE_URL")+"/dev/keys", "application/json", bytes.NewReader(raw))
	ts.Check(err)
	defer resp.Body.Close()
	var made struct{ Data struct{ ID, Key string } }
	ts.Check(json.NewDecoder(resp.Body).Decode(&made))
	if made.Data.Key == "" {
		ts.Fatalf("%s: got %s, want a key", raw, resp.Status)
	}
	ts.Setenv(args[0], made.Data.Key)
	ts.Setenv(args[0]+"_ID", made.Data.ID)
}

// cmdFakeRun makes the platform answer the next request for a run with outputs from a file: fake-run RUN FILE
func cmdFakeRun(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fake-run RUN FILE")
	}
	run := fmt.Sprintf(`{"data":{"runId":%q,"workflowId":"w","status":"completed","createdAt":"2026-04-11T08:00:00Z","outputs":%s}}`, args[0], ts.ReadFile(args[1]))
	plan, err := json.Marshal(object{"path": "/v1/runs/" + args[0], "body": run})
	ts.Check(err)
	resp, err := http.Post(ts.Getenv("LAMINA_BASE_URL")+"/dev/faults", "application/json", bytes.NewReader(plan))
	ts.Check(err)
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		ts.Fatalf("got %s, want the plan accepted", resp.Status)
	}
}

// cmdSparse creates a sparse file: sparse FILE BYTES
func cmdSparse(ts *testscript.TestScript, neg bool, args []string) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), nil, 0o600))
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

// cmdPNG checks that files are PNG pictures that differ from each other: png FILE…
func cmdPNG(ts *testscript.TestScript, neg bool, args []string) {
	seen := map[string]string{}
	for _, name := range args {
		raw := ts.ReadFile(name)
		if bytes.HasPrefix([]byte(raw), []byte("\x89PNG\r\n\x1a\n")) == neg {
			ts.Fatalf("%s: got PNG: %v, want %v", name, neg, !neg)
		}
		if other, ok := seen[raw]; ok {
			ts.Fatalf("got equal files %s and %s, want different ones", name, other)
		}
		seen[raw] = name
	}
}

// cmdSignal sends a signal to a process: signal INT|TERM|KILL PID
func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
	pid, err := strconv.Atoi(args[1])
	ts.Check(err)
	p, err := os.FindProcess(pid)
	ts.Check(err)
	ts.Check(p.Signal(signals[args[0]]))
}

// cmdMode checks the mode of files: mode 600 FILE…
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if got := fmt.Sprintf("%o", info.Mode().Perm()); (got == args[0]) == neg {
			ts.Fatalf("%s: got mode %s, want %s: %v", name, got, args[0], !neg)
		}
	}
}

// cmdUntil waits until a file contains a text: until FILE TEXT
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		raw, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && strings.Contains(string(raw), args[1]) != neg {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s: got no %q:\n%s", args[0], args[1], raw)
		}
	}
}

// cmdRequests waits until the platform has received a number of requests since the log was emptied; more are an error: requests N
func cmdRequests(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: requests N")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get(ts.Getenv("LAMINA_BASE_URL") + "/dev/requests")
		ts.Check(err)
		var log struct{ Data []json.RawMessage }
		err = json.NewDecoder(resp.Body).Decode(&log)
		_ = resp.Body.Close()
		ts.Check(err)
		if len(log.Data) == want {
			return
		}
		if len(log.Data) > want || time.Now().After(end) {
			ts.Fatalf("the platform received %d requests, want %d", len(log.Data), want)
		}
	}
}

// cmdCapture sets a variable to the stdout of the last command: capture NAME
func cmdCapture(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// cmdVisit waits until a command has written the address of a sign-in page to a file, and opens it: visit FILE
func cmdVisit(ts *testscript.TestScript, neg bool, args []string) {
	page := regexp.MustCompile(`http://\S+/cli/oauth/authorize\?\S+`)
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		raw, _ := os.ReadFile(ts.MkAbs(args[0]))
		if url := page.Find(raw); url != nil {
			resp, err := http.Get(string(url))
			ts.Check(err)
			defer resp.Body.Close()
			_, err = io.Copy(ts.Stdout(), resp.Body)
			ts.Check(err)
			return
		}
	}
	ts.Fatalf("%s: got no address:\n%s", args[0], ts.ReadFile(args[0]))
}

// cmdUntilDown waits until connections to an address are refused: until-down URL
func cmdUntilDown(ts *testscript.TestScript, neg bool, args []string) {
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(args[0], "http://"))
		if err != nil {
			return
		}
		_ = conn.Close()
	}
	ts.Fatalf("%s: got a connection, want none", args[0])
}

// cmdAddr sets variables to the host and port of a URL, and to the port alone: addr URL NAME [PORTNAME]
func cmdAddr(ts *testscript.TestScript, neg bool, args []string) {
	address := strings.TrimPrefix(args[0], "http://")
	ts.Setenv(args[1], address)
	if len(args) > 2 {
		_, port, err := net.SplitHostPort(address)
		ts.Check(err)
		ts.Setenv(args[2], port)
	}
}

// cmdUnprivileged is exits as a user without root's privilege to ignore file modes: unprivileged STATUS COMMAND ARG…
func cmdUnprivileged(ts *testscript.TestScript, neg bool, args []string) {
	if os.Geteuid() != 0 {
		cmdExits(ts, neg, args)
		return
	}
	const nobody = 65534
	binary, err := exec.LookPath(args[1])
	ts.Check(err)
	for dir := filepath.Dir(binary); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		ts.Check(os.Chmod(dir, 0o755))
	}
	work := ts.Getenv("WORK")
	ts.Check(os.Chmod(filepath.Dir(work), 0o755))
	ts.Check(filepath.WalkDir(work, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	}))
	as := []string{args[0], "setpriv", "--reuid", strconv.Itoa(nobody), "--regid", strconv.Itoa(nobody), "--clear-groups", binary}
	cmdExits(ts, neg, append(as, args[2:]...))
}

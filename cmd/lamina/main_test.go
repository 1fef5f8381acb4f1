package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/uselamina/lamina/internal/cli"
	"github.com/uselamina/lamina/internal/cli/complete"
)

// TestMain runs the tests, or one of the programs that they start: the test binary is the program, so that the tests need
// no build.
func TestMain(m *testing.M) {
	// Most tests wait for processes and timers, so more of them run at once than there are cores. -parallel overrides this.
	if err := flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"lamina": lamina,
		"browse": browse,
		"huge":   storeLargeToken,
		"bare":   bare,
	})
}

// empty is the value of a variable that a test sets to the empty text.
const empty = "[empty]"

// lamina is the program. A script cannot remove a variable: there, env NAME= stands for a variable that is not set, and
// env NAME=[empty] for one that is set and empty.
func lamina() {
	for _, setting := range os.Environ() {
		name, value, _ := strings.Cut(setting, "=")
		switch value {
		case "":
			_ = os.Unsetenv(name)
		case empty:
			_ = os.Setenv(name, "")
		}
	}
	env := cli.System(version, commit, date)
	env.WrapAPI = wrapAPI
	complete.RequestTime = time.Minute
	os.Exit(cli.Main(context.Background(), env, os.Args[1:]))
}

// isFullLength reports whether the tests that take long and rarely fail run in full, as .ci/run does. docs/testing.md lists
// them. By default they run shorter.
func isFullLength() bool { return os.Getenv("LAMINA_TEST_LONG") == "1" }

// isFullLoad reports whether the tests that move gigabytes or start thousands of processes run in full: at full length, but not with the
// race detector, which would make them many times longer and their figures meaningless.
func isFullLoad() bool { return isFullLength() && !raceDetector }

// quickExit is the value of GORACE with which a program that was built with the race detector does not sleep for a second
// when it ends.
const quickExit = "atexit_sleep_ms=10"

// browse is the browser of the tests: it opens a page, follows its redirects, and ends.
func browse() {
	resp, err := http.Get(os.Args[len(os.Args)-1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(os.Stdout, resp.Body)
}

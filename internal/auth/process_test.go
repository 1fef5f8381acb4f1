package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// The jobs of a child process.
const (
	plainJob   = "plain"   // requests a token
	handlerJob = "handler" // handles signals with signal.NotifyContext
	slowJob    = "slow"    // runs for another second
)

// TestMain runs a job if the test binary was started as a child process.
func TestMain(m *testing.M) {
	if job := os.Getenv("AUTH_TEST_JOB"); job != "" {
		runChild(job)
	}
	os.Exit(m.Run())
}

func runChild(job string) {
	session := &Session{Store: &config.Store{Dir: os.Getenv("AUTH_TEST_DIR")}, Provider: provider.Lamina()}
	ctx := context.Background()
	if job == handlerJob {
		var stop func()
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop) // a second signal ends the process
	}
	token, err := session.Token(ctx)
	switch job {
	case handlerJob:
		session.Wait(0)
	case slowJob:
		time.Sleep(time.Second) // the held signal, raised again, ends the process meanwhile
	}
	fmt.Println(token.Reveal(), err)
	os.Exit(0)
}

func (s *rig) child(job string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "AUTH_TEST_JOB="+job, "AUTH_TEST_DIR="+s.store.Dir)
	return cmd
}

// expire makes the access token expired by the clock of this machine, which child processes use.
func (s *rig) expire() {
	c := s.stored()
	c.ObtainedAt, c.ExpiresAt = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	s.put(c)
}

func TestProcessesRefreshOnce(t *testing.T) {
	t.Parallel()
	s := newRig(t)
	s.date = nil
	s.expire()
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			const want = "lma_mcp_at_a-1 <nil>\n"
			if out, err := s.child(plainJob).Output(); err != nil || string(out) != want {
				t.Errorf("got %q, %v, want %q", out, err, want)
			}
		})
	}
	all.Wait()
	if got := s.refreshes(); got != 1 {
		t.Errorf("got %d refreshes, want 1", got)
	}
}

// A signal during a refresh must not prevent the rename that stores the new tokens.
func TestSignalsDuringRefresh(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals between processes")
	}
	t.Parallel()
	tests := []struct {
		job      string
		signal   os.Signal
		isKilled bool
	}{
		{handlerJob, os.Interrupt, false},
		{slowJob, syscall.SIGTERM, true},
	}
	for _, test := range tests {
		t.Run(test.job, func(t *testing.T) {
			t.Parallel()
			s := newRig(t)
			s.date = nil
			s.expire()
			arrived, signalled := make(chan struct{}), make(chan struct{})
			s.setFault(func(http.ResponseWriter, *http.Request) bool {
				close(arrived)
				<-signalled
				time.Sleep(50 * time.Millisecond)
				return false
			})
			cmd := s.child(test.job)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-arrived
			_ = cmd.Process.Signal(test.signal)
			close(signalled)
			err := cmd.Wait()
			s.wantStored("lma_mcp_at_a-1", "rt-secret-2")
			var exit *exec.ExitError
			if got := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled(); got != test.isKilled {
				t.Errorf("got %v (killed: %v), want killed: %v", err, got, test.isKilled)
			}
		})
	}
}

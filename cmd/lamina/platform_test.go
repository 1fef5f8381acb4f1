package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// patience is the longest time that a test waits for something that must happen. Only a failing test waits that long.
const patience = 3 * time.Minute

// A devServer is a local platform that runs as a process.
type devServer struct {
	BaseURL, APIKey, WorkspaceID string
	cmd                          *exec.Cmd
	// Services are the services other than Lamina, by name.
	Services map[string]struct{ BaseURL, APIKey string }
}

// startDev runs lamina dev on a free port until stop. environ are more variables, such as those of checkingEnviron.
func startDev(dir, home string, environ []string, args ...string) (*devServer, error) {
	s := &devServer{cmd: exec.Command("lamina", append([]string{"dev", "--addr", "127.0.0.1:0", "--json"}, args...)...)}
	s.cmd.Dir = dir
	s.cmd.Env = append(append(os.Environ(), "HOME="+home), environ...)
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lamina dev did not start: %w", err), s.stop())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return s, nil
}

// stop ends the platform with SIGTERM.
func (s *devServer) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	return s.cmd.Wait()
}

// newDev starts a platform without a rate limit for a test.
func newDev(t testing.TB, args ...string) *devServer {
	t.Helper()
	differences := filepath.Join(t.TempDir(), "differences")
	check, err := checkingEnviron(differences)
	if err != nil {
		t.Fatal(err)
	}
	s, err := startDev(t.TempDir(), t.TempDir(), check, append([]string{"--rate-limit", "0"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.stop()
		failForDifferences(t.Errorf, differences)
	})
	return s
}

// object is a JSON object.
type object = map[string]any

// newHandler serves until the test ends and returns the address.
func newHandler(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// answer writes a response with a JSON body.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

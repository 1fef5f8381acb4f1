//go:build unix

package main

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A diagnosis is the report of doctor, by the ids of its checks.
type diagnosis map[string]struct{ Class, Status, Finding, Mend, Code string }

// diagnose runs doctor, which must end with an exit status.
func (u user) diagnose(t *testing.T, status int, args ...string) diagnosis {
	t.Helper()
	run := u.start(t, append([]string{"doctor", "--json"}, args...)...)
	run.exits(t, status)
	var report struct {
		Data struct {
			OK     bool
			Checks []struct{ ID, Class, Status, Finding, Mend, Code string }
		}
	}
	if err := json.Unmarshal([]byte(run.stdout.String()), &report); err != nil {
		t.Fatal(err)
	}
	found := diagnosis{}
	for _, c := range report.Data.Checks {
		found[c.ID] = struct{ Class, Status, Finding, Mend, Code string }{c.Class, c.Status, c.Finding, c.Mend, c.Code}
		if (c.Status == "fail") != (c.Code != "") {
			t.Errorf("%s: got status %s with code %q, want a code for failures only", c.ID, c.Status, c.Code)
		}
	}
	if report.Data.OK != (status == 0) {
		t.Errorf("got ok: %v with exit status %d, want ok for status 0 only", report.Data.OK, status)
	}
	return found
}

// check checks the status of a check and a part of its finding.
func (d diagnosis) check(t *testing.T, id, status, words string) {
	t.Helper()
	if got := d[id]; got.Status != status || !strings.Contains(got.Finding, words) {
		t.Errorf("%s: got %+v, want %s with %q", id, got, status, words)
	}
}

// serveAccount is an API that accepts any key.
func serveAccount(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Api-Key") == "" {
		answer(w, http.StatusUnauthorized, object{"error": "no key", "code": "UNAUTHORIZED"})
		return
	}
	answer(w, http.StatusOK, object{"data": object{"user": object{"id": "u", "email": "sam@example.com"}}})
}

// TestDoctorNamesCertificateIssuer names the issuer of a certificate that is not trusted, and trusts the one of --ca-file.
func TestDoctorNamesCertificateIssuer(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(serveAccount))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	u := newUser(t, server.URL, "LAMINA_API_KEY=lma_x")
	found := u.diagnose(t, 8)
	found.check(t, "tls", "fail", "not trusted here")
	found.check(t, "tls", "fail", "Acme Co") // the issuer of the certificate of httptest
	found.check(t, "api", "fail", "certificate")
	file := filepath.Join(u.home, "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	found = u.diagnose(t, 0, "--ca-file", file)
	found.check(t, "tls", "ok", "Acme Co")
	found.check(t, "credential", "ok", "LAMINA_API_KEY, which overrides")
	found.check(t, "account", "ok", "sam@example.com")
}

// TestDoctorProxy checks a proxy that responds, one that cannot be reached, and that its password is not printed.
func TestDoctorProxy(t *testing.T) {
	t.Parallel()
	// No name below .invalid exists, so the client leaves it to the proxy, which responds itself.
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
	}))
	defer proxy.Close()
	u := newUser(t, "https://lamina.invalid", "LAMINA_API_KEY=lma_x", "HTTPS_PROXY=http://sam:"+canary+"@"+strings.TrimPrefix(proxy.URL, "http://"))
	found := u.diagnose(t, 8)
	found.check(t, "proxy", "ok", proxy.URL+", which answers")
	found.check(t, "dns", "skip", "the proxy looks up names")
	found.check(t, "api", "fail", "")
	for id, c := range found {
		if strings.Contains(c.Finding+c.Mend, canary) {
			t.Errorf("%s: got the password of the proxy in %q", id, c.Finding)
		}
	}
	u = newUser(t, "https://lamina.invalid", "LAMINA_API_KEY=lma_x", "HTTPS_PROXY=http://127.0.0.1:1")
	u.diagnose(t, 8).check(t, "proxy", "fail", "http://127.0.0.1:1 cannot be reached")
	newUser(t, "https://lamina.invalid", "LAMINA_API_KEY=lma_x").diagnose(t, 8).check(t, "dns", "fail", "lamina.invalid has no address")
}

// TestDoctorDetectsOtherServers tells a captive portal and a failing API from a working one.
func TestDoctorDetectsOtherServers(t *testing.T) {
	t.Parallel()
	portal := newHandler(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<title>Welcome to the hotel</title>"))
	})
	found := newUser(t, portal, "LAMINA_API_KEY=lma_x").diagnose(t, 8)
	found.check(t, "api", "fail", "not the API")
	found.check(t, "account", "skip", "not reached")
	service := newCanaryService(t, broken)
	found = newUser(t, service.URL).withSession(t, service.URL, true).diagnose(t, 8)
	found.check(t, "api", "fail", "fails (503")
	found.check(t, "token-endpoint", "fail", "the session is kept")
	found.check(t, "credential", "ok", "due for a refresh")
	found.check(t, "other-writers", "warn", "last written by another program")
}

// TestDoctorTimeout gets a report within seconds from a service that accepts connections and never responds.
func TestDoctorTimeout(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	for limit, want := range map[string]string{"LAMINA_REQUEST_TIMEOUT=1s": "1s", "LAMINA_REQUEST_TIMEOUT=": "4s"} {
		u := newUser(t, "http://"+mute.Addr().String(), "LAMINA_API_KEY=lma_x", limit)
		u.diagnose(t, 8).check(t, "api", "fail", "did not answer in "+want)
	}
}

// TestDoctorKeepsRefreshToken lets the token endpoint hang. A refresh must be waited for once it is sent, so doctor first
// sends a request without a token, and no refresh follows.
func TestDoctorKeepsRefreshToken(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	u := newSignedInUser(t)
	u.expireToken()
	u.planFault(`{"path": "/cli/oauth/token", "method": "POST", "delay": "5m", "times": 1000}`)
	found := user{home: u.home, env: append(u.command().Env, "LAMINA_REQUEST_TIMEOUT=8s")}.diagnose(t, 8)
	found.check(t, "api", "ok", "")
	found.check(t, "token-endpoint", "fail", "/cli/oauth/token did not answer in 8s")
	found.check(t, "account", "skip", "the token endpoint was not reached")
	u.wantRefreshes(0)
}

// TestDoctorNamesLockHolder names the process that holds a refresh lock.
func TestDoctorNamesLockHolder(t *testing.T) {
	t.Parallel()
	service := newCanaryService(t, good)
	u := newUser(t, service.URL).withSession(t, service.URL, false)
	lock, err := os.OpenFile(filepath.Join(u.home, ".lamina", "refresh-1.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	found := u.diagnose(t, 0)
	found.check(t, "lock", "warn", "refresh-1.lock is held by")
	if fix := found["lock"].Mend; fix != "" && !strings.HasPrefix(fix, "ps -fp ") {
		t.Errorf("got the fix %q, want ps -fp", fix)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	u.diagnose(t, 0).check(t, "lock", "ok", "")
}

package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A wire is the network as one process uses it.
type wire struct{ p *proc }

func (n wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if strings.HasSuffix(req.URL.Path, "/token") {
		return n.refresh(req)
	}
	status := 0
	ok := n.p.take(step{what: "api", do: func(string) string {
		status = n.p.w.server.account(req.Header.Get("x-api-key"))
		return fmt.Sprint(status)
	}})
	if !ok {
		return nil, errDead
	}
	return respondWith(status, `{}`), nil
}

func respondWith(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

func (n wire) refresh(req *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var body struct {
		Token string `json:"refresh_token"`
	}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&body); err != nil {
		return nil, err
	}
	var resp *http.Response
	cut, lost := false, false
	ok := n.p.take(step{what: "request", faults: []string{"cut", "503", "500"}, do: func(fault string) string {
		switch fault {
		case "cut":
			cut = true
		case "503":
			resp = respondWith(http.StatusServiceUnavailable, "")
			if n.p.w.broken.wrongRefusal {
				resp = respondWith(http.StatusBadRequest, `{"error":"invalid_grant"}`)
			}
		case "500":
			n.p.w.server.refresh(n.p, body.Token) // the refresh is carried out, and a later part of the request fails
			resp = respondWith(http.StatusInternalServerError, "")
		default:
			resp = n.p.w.server.refresh(n.p, body.Token)
		}
		if cut {
			return "cut"
		}
		return resp.Status
	}})
	switch {
	case !ok:
		return nil, errDead
	case cut:
		return nil, io.ErrUnexpectedEOF
	}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	ok = n.p.take(step{what: "response", local: true, faults: []string{"lost"}, do: func(fault string) string { lost = fault != ""; return "" }})
	switch {
	case !ok:
		return nil, errDead
	case lost:
		return nil, io.ErrUnexpectedEOF
	case req.Context().Err() != nil:
		return nil, req.Context().Err()
	}
	return resp, nil
}

func (s *service) account(token string) int {
	var serial int
	if _, err := fmt.Sscanf(token, "lma_mcp_at_%d", &serial); err != nil || s.revoked || serial <= s.rejects || s.strict && serial != s.serial {
		return http.StatusUnauthorized
	}
	return http.StatusOK
}

func (s *service) refresh(p *proc, token string) *http.Response {
	if token != fmt.Sprintf("rt-%d", s.serial) || s.revoked {
		s.reuses++
		s.revoked = s.revoked || s.revokes
		return respondWith(http.StatusBadRequest, `{"error":"invalid_grant"}`)
	}
	s.serial++
	s.rotations++
	s.rotatedBy, p.stored, p.durable, p.midway = p, false, false, p.foreign
	return respondWith(http.StatusOK, fmt.Sprintf(
		`{"access_token":"lma_mcp_at_%d","refresh_token":"rt-%d","token_type":"Bearer","expires_in":3600}`, s.serial, s.serial))
}

// nodeClient does what the Node client does if its token is about to expire: it takes no lock, and overwrites the file with the
// document that it read before and the new tokens.
func nodeClient(p *proc) error {
	path := filepath.Join(p.w.dir, "config.json")
	raw, err := memoryDisk{p}.Read(path)
	if err != nil {
		return err
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return err
	}
	credentials := doc["credentials"].(map[string]any)
	if end, err := time.Parse(time.RFC3339, credentials["expiresAt"].(string)); err == nil && end.Sub(p.w.now) > time.Minute {
		return nil
	}
	body := fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, credentials["refreshToken"])
	req, err := http.NewRequestWithContext(p.ctx, http.MethodPost, "http://127.0.0.1/cli/oauth/token", strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := wire{p}.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		return errors.Join(err, fmt.Errorf("status %v", resp))
	}
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&tokens); err != nil {
		return err
	}
	credentials["apiKey"], credentials["refreshToken"] = tokens.Access, tokens.Refresh
	credentials["expiresAt"] = p.w.now.Add(time.Hour).Format("2006-01-02T15:04:05.000Z")
	changed, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	// Nothing is promised for a write in the microseconds between the last read and the rename.
	free := func() bool {
		return !slices.ContainsFunc(p.w.procs, func(other *proc) bool {
			return other.comparing && slices.ContainsFunc(other.pending, func(s *step) bool { return s.what == "rename to config.json" })
		})
	}
	p.take(step{what: "truncate", enabled: free, do: func(string) string { p.w.files["config.json"] = file{"", true}; return "" }})
	p.take(step{what: "write in place", enabled: free, do: func(string) string {
		p.w.files["config.json"] = file{string(changed), true}
		p.midway, p.stored = false, true
		return ""
	}})
	return nil
}

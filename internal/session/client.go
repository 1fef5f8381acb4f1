package session

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/transfer"
)

// Client opens the session of the default service and returns its API client.
func (m *Manager) Client() (*api.Client, error) {
	s, err := m.OpenFor(provider.Lamina())
	if err != nil {
		return nil, err
	}
	return s.Client(), nil
}

// newClient returns the client of a service at an address. All clients are made here.
func (m *Manager) newClient(p provider.Provider, baseURL string, transport http.RoundTripper, settings map[string]string, workspace string) *api.Client {
	c := &api.Client{
		Provider:  p,
		BaseURL:   baseURL,
		HTTP:      &http.Client{Transport: transport},
		UserAgent: m.UserAgent,
		Workspace: workspace,
		Timeout:   m.requestTimeout(p.RequestTime),
		Header:    http.Header{},
		OnRetry: func(err error, after time.Duration) {
			m.Say("%s; retrying in %s", m.Describe(err).Message, after.Round(100*time.Millisecond))
		},
		Now: m.Now,
	}
	for _, s := range p.Settings {
		if value := settings[s.Name]; s.Header != "" && value != "" {
			c.Header.Set(s.Header, value)
		}
	}
	return c
}

// CredentialClient returns a client that sends the key or the access token of a credential that is not stored yet.
func (m *Manager) CredentialClient(p provider.Provider, c config.Credential) (*api.Client, error) {
	base, err := m.Transport()
	if err != nil {
		return nil, err
	}
	transport := keyTransport(p, base, c.BaseURL, c.Token)
	transport.Source = auth.StaticKey{Key: c.Token, BaseURL: c.BaseURL, ThirdParty: c.ThirdParty}
	return m.newClient(p, c.BaseURL, transport, nil, m.WantedWorkspace()), nil
}

// KeyClient returns a client that sends a key that is not stored.
func (m *Manager) KeyClient(p provider.Provider, baseURL string, key config.Secret, settings map[string]string) (*api.Client, error) {
	base, err := m.Transport()
	if err != nil {
		return nil, err
	}
	workspace := ""
	if p.IsDefault() {
		workspace = m.WantedWorkspace()
	}
	return m.newClient(p, baseURL, keyTransport(p, m.guard(p, base), baseURL, key), settings, workspace), nil
}

// AnonymousClient returns a client without a credential, at the address of the environment, of the stored credential, or of the
// provider.
func (m *Manager) AnonymousClient(p provider.Provider) (*api.Client, error) {
	base, err := m.baseFromEnvironment(p)
	if err != nil {
		return nil, err
	}
	if _, named := m.LookupFirst(p.BaseURLEnv); named == "" {
		m.service = &p
		doc, chosen, err := m.LoadAndChoose()
		if err != nil {
			return nil, err
		}
		if profile, ok := doc.Profile(chosen.Profile); ok {
			base = profile.Credential.BaseURL
		}
	}
	transport, err := m.Transport()
	if err != nil {
		return nil, err
	}
	return m.newClient(p, base, m.guard(p, transport), nil, ""), nil
}

// keyTransport returns a transport that adds a key to requests for a service at an address.
func keyTransport(p provider.Provider, base http.RoundTripper, baseURL string, key config.Secret) *auth.Transport {
	return &auth.Transport{Base: base, Header: p.KeyHeader, Scheme: p.KeyScheme, Source: auth.StaticKey{Key: key, BaseURL: baseURL}}
}

// Downloader returns what downloads the outputs of runs, from any host. It shares no transport with the API client, so that it has
// no credential to send.
func (s *Session) Downloader() (*transfer.Downloader, error) {
	client, err := s.manager.StorageClient()
	if err != nil {
		return nil, err
	}
	return &transfer.Downloader{HTTP: client, AllowLoopback: IsLoopback(s.BaseURL)}, nil
}

// Uploader returns what sends files to presigned URLs, on any host. It has no credential to send, as a Downloader has none.
func (s *Session) Uploader() (*transfer.Uploader, error) {
	client, err := s.manager.StorageClient()
	if err != nil {
		return nil, err
	}
	return &transfer.Uploader{HTTP: client, AllowLoopback: IsLoopback(s.BaseURL), OnRetry: func(err error, after time.Duration) {
		s.manager.Say("%s; retrying in %s", s.manager.Describe(err).Message, after.Round(100*time.Millisecond))
	}}, nil
}

// StorageClient returns a client for the hosts that store files. It has no credential to send, and no time limit, because files may
// be large.
func (m *Manager) StorageClient() (*http.Client, error) {
	transport, err := m.Transport()
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: transport}, nil
}

// IsLoopback reports whether a normalized base URL is on this machine: only there it may use http.
func IsLoopback(baseURL string) bool {
	u, err := url.Parse(baseURL)
	return err == nil && u.Scheme == "http"
}

// Verdict is what a service says of a key.
type Verdict struct {
	Checked bool          `json:"checked"`         // false: the service offers no way to check a key
	Proven  bool          `json:"proven"`          // false: the check only shows that the key was not refused
	Kind    provider.Kind `json:"means,omitempty"` // of a key that is accepted, but not for the request of the check
	Note    string        `json:"says,omitempty"`
}

// CheckKey asks a service whether it accepts the key that client sends, with the cheapest check that is known. A refused key is an
// error.
func (m *Manager) CheckKey(ctx context.Context, p provider.Provider, client *api.Client) (Verdict, error) {
	for i, check := range p.Checks {
		call := api.Call{Method: check.Method, Path: check.Path, Repeatable: true, Timeout: m.RequestTimeout()}
		if check.Body != "" {
			call.Body = json.RawMessage(check.Body)
		}
		if check.Cost != "" {
			m.Say("Checking the key costs %s.", check.Cost)
		}
		_, err := client.Do(ctx, call)
		if err == nil {
			return Verdict{Checked: true, Proven: check.Proves == "", Note: check.Proves}, nil
		}
		var refused *api.Error
		if !errors.As(err, &refused) {
			return Verdict{}, err
		}
		isUnknownPath := refused.Status == http.StatusNotFound || refused.Status == http.StatusMethodNotAllowed
		if isUnknownPath && i+1 < len(p.Checks) {
			continue
		}
		return verdictOf(refused)
	}
	return Verdict{Note: "the service offers no free way to check a key; the first call will show whether it is accepted"}, nil
}

// verdictOf separates a refused key, which is an error, from a key that is accepted but lacks a permission for the check.
func verdictOf(refused *api.Error) (Verdict, error) {
	switch refused.Rule.Kind {
	case provider.WrongClass, provider.Forbidden, provider.NotReady, provider.Quota, provider.RateLimited:
		note := refused.Rule.Explanation
		if note == "" {
			note = refused.Message
		}
		return Verdict{Checked: true, Proven: true, Kind: refused.Rule.Kind, Note: note}, nil
	}
	return Verdict{}, refused
}

package session

import (
	"net/url"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

// RunPage returns the address of the web page of a run.
func (s *Session) RunPage(runID string) (string, error) {
	return pageOf(s.BaseURL, s.Provider.RunPagePath+url.PathEscape(runID))
}

// AppPage returns the address of the web page of an app.
func (s *Session) AppPage(appID string) (string, error) {
	return pageOf(s.BaseURL, s.Provider.AppPagePath+url.PathEscape(appID))
}

// HomePage returns the address of the service's web pages, or with isKeys of the one where users create keys. It needs no credential.
func (m *Manager) HomePage(isKeys bool) (string, error) {
	p := provider.Lamina()
	client, err := m.AnonymousClient(p)
	if err != nil {
		return "", err
	}
	if !isKeys {
		return pageOf(client.BaseURL, "/")
	}
	keys, err := url.Parse(p.KeysURL)
	if err != nil {
		return "", err
	}
	return pageOf(client.BaseURL, keys.RequestURI())
}

// pageOf returns the address of a page, if it may be opened: it is at https, or on this machine.
func pageOf(baseURL, path string) (string, error) {
	address, err := safeurl.Check(baseURL + path)
	if err != nil {
		return "", &fail.Error{Code: fail.InvalidArgument, Message: "the page cannot be opened: " + err.Error(), Err: err}
	}
	return address.String(), nil
}

package auth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/auth/safeurl"
)

// A server without an authorization endpoint signs in with device codes only.
func TestDeviceOnlyServer(t *testing.T) {
	t.Parallel()
	server := metadataAt(t, safeurl.WellKnownOAuth, "", map[string]any{"authorization_endpoint": "", "device_authorization_endpoint": "ISSUER/d"})
	got, err := DiscoverIssuer(t.Context(), nil, server.URL)
	if err != nil || got.DeviceEndpoint != server.URL+"/d" {
		t.Fatalf("got %+v, %v, want the device endpoint", got, err)
	}
	var none *NotOfferedError
	if _, err := (&Loopback{Server: got, Provider: foreignProvider()}).Run(t.Context()); !errors.As(err, &none) || none.Instead != WithDevice {
		t.Errorf("in the browser: got %v, want a *NotOfferedError", err)
	}
}

// TestDiscoverIssuerKeepsLooking checks redirects, and documents that are not of the issuer.
func TestDiscoverIssuerKeepsLooking(t *testing.T) {
	t.Parallel()
	document := func(f *foreignServer, issuer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, 200, map[string]any{"issuer": issuer, "authorization_endpoint": f.URL + "/a", "token_endpoint": f.URL + "/t"})
		}
	}
	moved := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusMovedPermanently) }
	}
	const other = "https://other.example"
	tests := []struct {
		name    string
		prepare func(f *foreignServer)
		want    string // of the error; "" means that the issuer is found
	}{
		{"redirect to the address with a slash", func(f *foreignServer) {
			f.mux.HandleFunc(safeurl.WellKnownOpenID, moved(safeurl.WellKnownOpenID+"/"))
			f.mux.HandleFunc(safeurl.WellKnownOpenID+"/", document(f, f.URL))
		}, ""},
		{"first document is of another issuer", func(f *foreignServer) {
			f.mux.HandleFunc(safeurl.WellKnownOAuth, document(f, other))
			f.mux.HandleFunc(safeurl.WellKnownOpenID, document(f, f.URL))
		}, ""},
		{"first document is no metadata", func(f *foreignServer) {
			f.mux.HandleFunc(safeurl.WellKnownOAuth, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, map[string]any{}) })
			f.mux.HandleFunc(safeurl.WellKnownOpenID, document(f, f.URL))
		}, ""},
		{"first address leads nowhere", func(f *foreignServer) {
			f.mux.HandleFunc(safeurl.WellKnownOAuth, moved("http://127.0.0.1:1/"))
			f.mux.HandleFunc(safeurl.WellKnownOpenID, document(f, f.URL))
		}, ""},
		{"redirect to http elsewhere", func(f *foreignServer) { f.mux.HandleFunc(safeurl.WellKnownOAuth, moved("http://id.example/")) }, "does not offer metadata"},
		{"endless redirects", func(f *foreignServer) { f.mux.HandleFunc(safeurl.WellKnownOAuth, moved(safeurl.WellKnownOAuth)) }, "does not offer metadata"},
		{"only another issuer", func(f *foreignServer) { f.mux.HandleFunc(safeurl.WellKnownOpenID, document(f, other)) }, "it names the issuer " + other},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newForeign(t)
			test.prepare(f)
			got, err := DiscoverIssuer(t.Context(), nil, f.URL)
			if test.want == "" && (err != nil || got.Issuer != f.URL) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %+v, %v, want error %q", got, err, test.want)
			}
		})
	}
}

func TestFollowSecure(t *testing.T) {
	t.Parallel()
	tests := []struct {
		from, to string
		want     bool
	}{
		{"https://id.example/a", "https://other.example/b", true},
		{"https://id.example/a", "http://id.example/a", false},
		{"https://id.example/a", "http://127.0.0.1/a", false},
		{"http://127.0.0.1/a", "http://localhost:1/a", true},
		{"http://127.0.0.1/a", "https://id.example/a", true},
		{"http://127.0.0.1/a", "http://id.example/a", false},
		{"https://id.example/a", "https://sam@id.example/a", false},
	}
	for _, test := range tests {
		from, _ := url.Parse(test.from)
		to, _ := url.Parse(test.to)
		if got := followSecure(from, to); got != test.want {
			t.Errorf("followSecure(%s, %s) = %v, want %v", from, to, got, test.want)
		}
	}
}

// Microsoft Entra's metadata for every tenant has a placeholder in its issuer.
func TestTenantTemplate(t *testing.T) {
	t.Parallel()
	server := metadataAt(t, "/common/v2.0"+safeurl.WellKnownOpenID, "/{tenantid}/v2.0", nil)
	got, err := DiscoverIssuer(t.Context(), nil, server.URL+"/common/v2.0")
	if err != nil || got.Issuer != server.URL+"/common/v2.0" {
		t.Fatalf("got %+v, %v, want the typed issuer", got, err)
	}
	tests := []struct {
		iss  string
		want bool
	}{
		{server.URL + "/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", true},
		{server.URL + "/common/v2.0", false},
		{server.URL + "/9188040d-6c67-4c5b-b112-36a304b66dad", false},
		{"https://evil.example/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", false},
		{server.URL + "/{tenantid}/v2.0", false},
	}
	for _, test := range tests {
		if got := got.isIssuer(test.iss); got != test.want {
			t.Errorf("isIssuer(%q) = %v, want %v", test.iss, got, test.want)
		}
	}
	if _, err := DiscoverIssuer(t.Context(), nil, server.URL+"/common/v1.0"); err == nil {
		t.Error("got no error for another path")
	}
}

// TestResourceIssuers checks the metadata of an API (RFC 9728).
func TestResourceIssuers(t *testing.T) {
	t.Parallel()
	document := func(f *foreignServer, resource string, servers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, 200, map[string]any{"resource": f.URL + resource, "authorization_servers": servers})
		}
	}
	const id = "https://id.example"
	tests := []struct {
		name, base string
		prepare    func(f *foreignServer)
		want       []string
	}{
		{"none", "", func(*foreignServer) {}, nil},
		{"well-known", "", func(f *foreignServer) { f.mux.HandleFunc(wellKnownResource, document(f, "", id+"/")) }, []string{id}},
		{"with a path", "/gw", func(f *foreignServer) { f.mux.HandleFunc(wellKnownResource+"/gw", document(f, "/gw", id)) }, []string{id}},
		{"several", "", func(f *foreignServer) { f.mux.HandleFunc(wellKnownResource, document(f, "", id, id+"/b")) }, []string{id, id + "/b"}},
		{"challenge", "", func(f *foreignServer) {
			f.mux.HandleFunc("/v1/account", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("WWW-Authenticate", `Bearer realm="x", resource_metadata="`+f.URL+`/meta"`)
				w.WriteHeader(401)
			})
			f.mux.HandleFunc("/meta", document(f, "/v1", id))
		}, []string{id}},
		{"another resource", "", func(f *foreignServer) { f.mux.HandleFunc(wellKnownResource, document(f, ".evil.example", id)) }, nil},
		{"another path", "", func(f *foreignServer) { f.mux.HandleFunc(wellKnownResource, document(f, "/mcp", id)) }, nil},
		{"issuer over http", "", func(f *foreignServer) { f.mux.HandleFunc(wellKnownResource, document(f, "", "http://id.example")) }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newForeign(t)
			test.prepare(f)
			if got, err := ResourceIssuers(t.Context(), nil, f.URL+test.base, "/v1/account"); err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

// FuzzResourceAddress checks that the header of a server is read without a crash, and that an address is a part of it.
func FuzzResourceAddress(f *testing.F) {
	for _, header := range []string{`Bearer resource_metadata="https://a.example"`, `Bearer x=y,resource_metadata=z`, `Resource_Metadata = "`, "\u212a resource_metadata=\"\""} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if address, ok := resourceAddress(header); ok && !strings.Contains(header, address) {
			t.Fatalf("got %q from %q", address, header)
		}
	})
}

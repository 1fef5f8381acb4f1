package safeurl

import (
	"errors"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url string
		isAllowed bool
	}{
		{"https", "https://app.uselamina.ai", true},
		{"https, IPv6", "https://[2001:db8::1]:8443/x", true},
		{"http, 127.0.0.1", "http://127.0.0.1:8080", true},
		{"http, another loopback address", "http://127.9.9.9", true},
		{"http, IPv6 loopback", "http://[::1]:80", true},
		{"http, localhost", "http://localhost:3000", true},
		{"http, LOCALHOST", "http://LOCALHOST", true},
		{"http", "http://app.uselamina.ai", false},
		{"http, localhost as a label", "http://localhost.evil.com", false},
		{"http, 127.0.0.1 as labels", "http://127.0.0.1.evil.com", false},
		{"http, any address", "http://0.0.0.0", false},
		{"http, private address", "http://10.0.0.1", false},
		{"http, link-local address", "http://[fe80::1%25eth0]", false},
		{"user and password", "https://user:pw@host", false},
		{"user", "https://user@host", false},
		{"another scheme", "ftp://host", false},
		{"no scheme", "app.uselamina.ai", false},
		{"empty", "", false},
		{"no host", "https://", false},
		{"only a port", "https://:443", false},
		{"script", "javascript:alert(1)", false},
		{"malformed", "%zz", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := Check(test.url)
			if refused := (*Error)(nil); (err == nil) != test.isAllowed || err != nil && !errors.As(err, &refused) {
				t.Errorf("Check(%q): got %v, want allowed: %v", test.url, err, test.isAllowed)
			}
		})
	}
	t.Run("the error contains no secret", func(t *testing.T) {
		t.Parallel()
		if _, err := Check("http://sam:hunter2@host/?token=hunter3"); strings.Contains(err.Error(), "hunter") {
			t.Errorf("got %v", err)
		}
	})
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url string
		want      string // "" means an error
	}{
		{"upper case, slashes, white space", "\thttps://App.UseLamina.ai//\n", "https://app.uselamina.ai"},
		{"path", "http://127.0.0.1:1/x/", "http://127.0.0.1:1/x"},
		{"query", "https://h/?a=b", ""},
		{"fragment", "https://h/#f", ""},
		{"http", "http://h", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got, err := Normalize(test.url); got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("Normalize(%q) = %q, %v, want %q", test.url, got, err, test.want)
			}
		})
	}
}

func TestSameOrigin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, a, b string
		want       bool
	}{
		{"default https port", "https://a.example", "https://A.example:443/x?y", true},
		{"default http port", "http://127.0.0.1:80", "http://127.0.0.1/", true},
		{"another scheme", "https://a.example", "http://a.example", false},
		{"subdomain", "https://a.example", "https://b.a.example", false},
		{"another port", "https://a.example", "https://a.example:8443", false},
		{"longer host", "https://a.example", "https://a.example.evil.com", false},
		{"both empty", "", "", false},
		{"one empty", "https://a.example", "", false},
		{"paths", "/x", "/x", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := SameOrigin(test.a, test.b); got != test.want {
				t.Errorf("SameOrigin(%q, %q) = %v, want %v", test.a, test.b, got, test.want)
			}
		})
	}
}

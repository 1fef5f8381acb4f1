package safeurl

import "testing"

func TestParseIssuer(t *testing.T) {
	t.Parallel()
	tests := []struct{ typed, want string }{
		{"https://id.example", "https://id.example"},
		{" https://ID.example/ ", "https://id.example"},
		{"id.example", "https://id.example"},
		{"id.example/realms/x/", "https://id.example/realms/x"},
		{"id.example:8443", "https://id.example:8443"},
		{"localhost:8080", "http://localhost:8080"},
		{"127.0.0.1:9/x", "http://127.0.0.1:9/x"},
		{"[::1]:9", "http://[::1]:9"},
		{"localhost", "http://localhost"},
		{"https://id.example/.well-known/openid-configuration", "https://id.example"},
		{"id.example/realms/x/.well-known/openid-configuration/", "https://id.example/realms/x"},
		{"https://id.example/.well-known/oauth-authorization-server/cli/oauth", "https://id.example/cli/oauth"},
		{"https://id.example/.well-known/openid-configuration/x", "https://id.example/x"},
		{"http://id.example", ""},
		{"https://id.example/?a=b", ""},
		{"sam@id.example", ""},
		{"", ""},
		{"://", ""},
	}
	for _, test := range tests {
		got, err := ParseIssuer(test.typed)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("ParseIssuer(%q) = %q, %v, want %q", test.typed, got, err, test.want)
		}
	}
}

// FuzzParseIssuer checks that what is returned is an address that secrets may be sent to, and is read as itself.
func FuzzParseIssuer(f *testing.F) {
	for _, text := range []string{"id.example", "localhost:1", "https://id.example/.well-known/openid-configuration", "//x", "http://[::1]/a", "a://b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		issuer, err := ParseIssuer(text)
		if err != nil {
			return
		}
		if _, err := Check(issuer); err != nil {
			t.Fatalf("ParseIssuer(%q) = %q: %v", text, issuer, err)
		}
	})
}

package redirecturi

import "testing"

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		uri  string
		want bool
	}{
		{"http://localhost", true},
		{"http://localhost:8080/any/path", true},
		{"http://127.0.0.1:1/", true},
		{"http://[::1]:65535/cb", true},
		{"https://localhost/cb", false},
		{"http://localhost.example/cb", false},
		{"http://127.0.0.2/cb", false},
		{"http://0.0.0.0/cb", false},
		{"http://sam@localhost/cb", false},
		{"http://localhost:0/cb", false},
		{"http://localhost:65536/cb", false},
		{"http://localhost:/cb", false},
		{"http://localhost/cb?x=y", false},
		{"http://localhost/cb#x", false},
		{"http://localhost/cb#", false},
		{"http://localhost/c b", false},
		{"com.example.app:/cb", false},
		{"urn:ietf:wg:oauth:2.0:oob", false},
		{"", false},
	}
	for _, test := range tests {
		if err := Check(test.uri); (err == nil) != test.want {
			t.Errorf("Check(%q) = %v, want valid: %v", test.uri, err, test.want)
		}
	}
}

func FuzzURI(f *testing.F) {
	for _, seed := range []string{"http://localhost:80/a%2Fb", "http://[::1]", "http://127.0.0.1:/x?y#z", "http://LOCALHOST"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if Check(uri) != nil {
			return
		}
		r := Parse(uri)
		again := r.WithPort("8080")
		if err := Check(again); err != nil || Parse(again).ServedPath() != r.ServedPath() {
			t.Errorf("%q became %q: %v", uri, again, err)
		}
		if r.port == AnyPort && Check(r.WithoutPort()) != nil {
			t.Errorf("%q became %q", uri, r.WithoutPort())
		}
	})
}

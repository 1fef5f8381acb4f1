package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/term"
)

func TestCall(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "body.json")
	if err := os.WriteFile(file, []byte(`{"a":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		opts    options
		want    api.Call
		wantErr bool
	}{
		{name: "nothing", want: api.Call{Method: "GET", Header: http.Header{}}},
		{name: "method", opts: options{method: "delete"}, want: api.Call{Method: "DELETE", Header: http.Header{}}},
		{name: "unknown method", opts: options{method: "TRACE"}, wantErr: true},
		{
			name: "fields", opts: options{textFields: []string{"a=b=c", "n=1"}, jsonFields: []string{"n=2"}},
			want: api.Call{Method: "POST", Header: http.Header{}, Body: map[string]any{"a": "b=c", "n": json.RawMessage("2")}},
		},
		{
			name: "fields of a GET", opts: options{method: "GET", textFields: []string{"a=b c"}, jsonFields: []string{`n=["x"]`}},
			want: api.Call{Method: "GET", Header: http.Header{}, Query: url.Values{"a": {"b c"}, "n": {`["x"]`}}},
		},
		{name: "typed field", opts: options{textFields: []string{"n:=[1]"}}, want: api.Call{Method: "POST", Header: http.Header{}, Body: map[string]any{"n": json.RawMessage("[1]")}}},
		{name: "typed field that is no JSON", opts: options{textFields: []string{"n:=x"}}, wantErr: true},
		{name: "field without a value", opts: options{textFields: []string{"a"}}, wantErr: true},
		{name: "JSON field that is no JSON", opts: options{jsonFields: []string{"a=b"}}, wantErr: true},
		{name: "input", opts: options{file: file}, want: api.Call{Method: "POST", Header: http.Header{}, Body: json.RawMessage(`{"a":1}`)}},
		{name: "input and fields", opts: options{file: file, textFields: []string{"a=b"}}, wantErr: true},
		{name: "missing input", opts: options{file: file + ".none"}, wantErr: true},
		{name: "header", opts: options{headers: []string{"x-name: v:1"}}, want: api.Call{Method: "GET", Header: http.Header{"X-Name": {"v:1"}}}},
		{name: "header with a line break", opts: options{headers: []string{"X: a\nY: b"}}, wantErr: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.opts.env = &cmdutil.Env{Streams: &term.Streams{}}
			got, err := tt.opts.call(t.Context())
			if (err != nil) != tt.wantErr {
				t.Fatalf("got the error %v, want an error: %t", err, tt.wantErr)
			}
			if err == nil && !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestRelativePath(t *testing.T) {
	t.Parallel()
	const base = "https://service.example/api"
	tests := []struct {
		name, path string
		want       string
		wantErr    bool
	}{
		{"path", "/v1/account", "/v1/account", false},
		{"path without a slash", "v1/account", "/v1/account", false},
		{"base URL", ".", "", false},
		{"URL below the base URL", base + "/v1?a=b", "/v1?a=b", false},
		{"base URL with a query", base + "?a=b", "?a=b", false},
		{"URL of another host", "https://other.example/api/v1", "", true},
		{"URL outside the base URL", "https://service.example/other", "", true},
		{"host that begins like the base URL", base + ".other.example/v1", "", true},
		{"space", "/v1/a b", "", true},
		{"line break", "/v1\n", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := relativePath(base, tt.path)
			if got != tt.want || (err != nil) != tt.wantErr {
				t.Errorf("got %q, %v; want %q, an error: %t", got, err, tt.want, tt.wantErr)
			}
		})
	}
}

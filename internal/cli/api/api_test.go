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
			name: "fields", opts: options{fields: []field{{"a=b=c", false}, {"n=2", true}}},
			want: api.Call{Method: "POST", Header: http.Header{}, Body: map[string]any{"a": "b=c", "n": json.RawMessage("2")}},
		},
		{
			name: "fields of a GET", opts: options{method: "GET", fields: []field{{"a=b c", false}, {`n=["x"]`, true}, {"a=2", false}}},
			want: api.Call{Method: "GET", Header: http.Header{}, Query: url.Values{"a": {"b c", "2"}, "n": {`["x"]`}}},
		},
		{
			name: "repeated field", opts: options{fields: []field{{"a=1", false}, {"b[]=x", false}, {"a=2", true}, {"c=3", false}}},
			want: api.Call{Method: "POST", Header: http.Header{}, Body: map[string]any{"a": []any{"1", json.RawMessage("2")}, "b": []any{"x"}, "c": "3"}},
		},
		{name: "typed field", opts: options{fields: []field{{"n:=[1]", false}}}, want: api.Call{Method: "POST", Header: http.Header{}, Body: map[string]any{"n": json.RawMessage("[1]")}}},
		{name: "typed field that is no JSON", opts: options{fields: []field{{"n:=x", false}}}, wantErr: true},
		{name: "field without a value", opts: options{fields: []field{{"a", false}}}, wantErr: true},
		{name: "JSON field that is no JSON", opts: options{fields: []field{{"a=b", true}}}, wantErr: true},
		{name: "input", opts: options{file: file}, want: api.Call{Method: "POST", Header: http.Header{}, Body: json.RawMessage(`{"a":1}`)}},
		{name: "input and fields", opts: options{file: file, fields: []field{{"a=b", false}}}, wantErr: true},
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
		{"path that begins like the root", "/rooted", "/rooted", false},
		{"path without a slash", "v1/account", "/v1/account", false},
		{"base URL", ".", "", false},
		{"URL below the base URL", base + "/v1?a=b", "/v1?a=b", false},
		{"base URL with a query", base + "?a=b", "?a=b", false},
		{"URL in a query", "/v1/assets?u=http://other.example/a", "/v1/assets?u=http://other.example/a", false},
		{"URL in the query of a path without a slash", "v1/assets?u=http://other.example", "/v1/assets?u=http://other.example", false},
		{"URL of another host", "https://other.example/api/v1", "", true},
		{"URL outside the base URL", "https://service.example/other", "", true},
		{"host that begins like the base URL", base + ".other.example/v1", "", true},
		{"space", "/v1/a b", "", true},
		{"line break", "/v1\n", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := relativePath(base, "", tt.path)
			if got != tt.want || (err != nil) != tt.wantErr {
				t.Errorf("got %q, %v; want %q, an error: %t", got, err, tt.want, tt.wantErr)
			}
		})
	}
}

func TestTypedRoot(t *testing.T) {
	t.Parallel()
	const base = "https://service.example"
	tests := []struct{ path, want string }{
		{"/account", "/v1/account"},
		{"account?a=b", "/v1/account?a=b"},
		{"/v1/account", "/v1/account"},
		{"/v1?a=b", "/v1?a=b"},
		{"/v10", "/v1/v10"},
		{".", "/v1"},
		{base + "/other", "/other"},
	}
	for _, tt := range tests {
		if got, err := relativePath(base, "/v1", tt.path); got != tt.want || err != nil {
			t.Errorf("%s: got %q, %v; want %q", tt.path, got, err, tt.want)
		}
	}
}

func TestReadPage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, query string
		want, next        string // the items, and the query of the next page; "end" if there is none
	}{
		{"offset", `{"data":[1,2],"pagination":{"total":5,"limit":2,"offset":0}}`, "limit=2", "[1,2]", "limit=2&offset=2"},
		{"last page", `{"data":[5],"pagination":{"total":5,"limit":2,"offset":4}}`, "limit=2&offset=4", "[5]", "end"},
		{"more", `{"data":[1],"pagination":{"limit":1,"offset":3,"hasMore":true}}`, "offset=3", "[1]", "offset=4"},
		{"no more", `{"data":[1],"pagination":{"limit":1,"offset":3,"hasMore":false}}`, "", "[1]", "end"},
		{"cursor", `{"data":[1],"pagination":{"nextCursor":"c2"}}`, "cursor=c1", "[1]", "cursor=c2"},
		{"last cursor", `{"data":[1],"pagination":{"nextCursor":null,"hasMore":false}}`, "cursor=c1", "[1]", "end"},
		{"null", `{"data":null,"pagination":{"total":0}}`, "", "[]", "end"},
		{"empty page of a total that is wrong", `{"data":[],"pagination":{"total":9,"offset":0}}`, "", "[]", "end"},
		{"nothing about further pages", `{"data":[1]}`, "", "[1]", "end"},
		{"array", `[1,2]`, "", "[1,2]", "end"},
		{"list within data", `{"data":{"items":[1],"total":3}}`, "", "[1]", "offset=1"},
		{"list beside other fields", `{"results":[1],"has_more":true,"next_cursor":"x"}`, "", "[1]", "cursor=x"},
		{"position with odd values", `{"data":[1],"pagination":{"total":"many","offset":null}}`, "", "[1]", "end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := readPage([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := json.Marshal(p.items); string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			query, _ := url.ParseQuery(tt.query)
			next, isMore, err := p.next(query)
			got := next.Encode()
			if !isMore {
				got = "end"
			}
			if got != tt.next || err != nil {
				t.Errorf("got %q, %v; want %q", got, err, tt.next)
			}
		})
	}
	for _, body := range []string{`{"data":{"a":[1],"b":[2]}}`, `{"a":1}`, `7`, `x`} {
		if p, err := readPage([]byte(body)); err == nil {
			t.Errorf("%s: got %+v, want an error", body, p)
		}
	}
	p, _ := readPage([]byte(`{"data":[1],"pagination":{"hasMore":true,"cursor":"a"}}`))
	if _, _, err := p.next(url.Values{"cursor": {"a"}}); err == nil {
		t.Error("got no error for a cursor that does not move")
	}
	p, _ = readPage([]byte(`{"data":[1],"pagination":{"total":9,"offset":0}}`))
	if _, _, err := p.next(url.Values{"offset": {"4"}}); err == nil {
		t.Error("got no error for an offset that is ignored")
	}
}

// FuzzReadPage checks that paging through what any server sends ends, or moves.
func FuzzReadPage(f *testing.F) {
	f.Add([]byte(`{"data":[1,2],"pagination":{"total":5,"limit":2,"offset":0}}`), "2")
	f.Add([]byte(`{"data":{"items":[1],"has_more":true}}`), "")
	f.Fuzz(func(t *testing.T, raw []byte, offset string) {
		p, err := readPage(raw)
		if err != nil {
			return
		}
		query := url.Values{"offset": {offset}}
		if next, isMore, err := p.next(query); isMore && (err != nil || next.Encode() == query.Encode()) {
			t.Errorf("got the same query %s again, %v, for %q", next.Encode(), err, raw)
		}
		if whole, err := p.with(p.items); err != nil || !json.Valid(whole) {
			t.Errorf("got %q, %v from %q", whole, err, raw)
		}
	})
}

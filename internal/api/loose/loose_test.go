package loose

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	type object struct {
		A string `json:"a"`
		B int    `json:"b"`
	}
	tests := []struct {
		name, raw string
		want      object
		wantErr   bool
	}{
		{"all fields", `{"a":"x","b":1}`, object{"x", 1}, false},
		{"field of another type", ` {"a":7,"b":1}`, object{"", 1}, false},
		{"missing fields", `{}`, object{}, false},
		{"null", `null`, object{}, true},
		{"array", `[]`, object{}, true},
		{"number", `7`, object{}, true},
		{"not JSON", `{"a":`, object{}, true},
		{"empty", ``, object{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got object
			if err := Unmarshal([]byte(tt.raw), &got); got != tt.want || (err != nil) != tt.wantErr {
				t.Errorf("got %+v, %v, want %+v, error: %t", got, err, tt.want, tt.wantErr)
			}
		})
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw, want string }{
		{"bare", `{"x":1}`, `{"x":1}`},
		{"enveloped", `{"data":{"x":1}}`, `{"x":1}`},
		{"first envelope", `{"data":{"x":1},"key":{"y":2}}`, `{"y":2}`},
		{"field of another type", `{"key":"text","x":1}`, `{"key":"text","x":1}`},
		{"null field", `{"data":null}`, `{"data":null}`},
		{"null", `null`, ""},
		{"array", `[]`, ""},
		{"text", `"x"`, ""},
		{"not JSON", `{`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Object([]byte(tt.raw), "key", "data")
			if string(got) != tt.want || (err != nil) != (tt.want == "") {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, raw string
		want      []string // nil: an error
	}{
		{"bare", `[1,{}]`, []string{"1", "{}"}},
		{"empty", `[]`, []string{}},
		{"first name", `{"data":[1],"items":[2]}`, []string{"2"}},
		{"second name", `{"data":[1],"items":7}`, []string{"1"}},
		{"nested", `{"data":{"items":[1]}}`, []string{"1"}},
		{"null field", `{"items":null}`, []string{}},
		{"null field beside a list", `{"items":null,"data":[1]}`, []string{"1"}},
		{"object without a list", `{"data":{"a":[1]}}`, nil},
		{"null", `null`, nil},
		{"number", `7`, nil},
		{"not JSON", `[`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			items, err := List([]byte(tt.raw), "items", "data")
			var got []string
			if err == nil {
				got = []string{}
			}
			for _, item := range items {
				got = append(got, string(item))
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	type object struct {
		Text   Text
		Number Number
		Bool   Bool
		Time   Time
	}
	june := time.Date(2025, 6, 1, 14, 0, 0, 0, time.UTC)
	tests := []struct {
		name, raw string
		want      object
	}{
		{"usual types", `{"text":"x","number":1.5,"bool":false,"time":"2025-06-01T14:00:00Z"}`, object{"x", Number{1.5, true}, Bool{false, true}, Time{june}}},
		{"numbers", `{"text":12345678901234567890,"number":0,"bool":1,"time":1748786400}`, object{"12345678901234567890", Number{0, true}, Bool{}, Time{june}}},
		{"null", `{"text":null,"number":null,"bool":null,"time":null}`, object{}},
		{"objects", `{"text":{},"number":{},"bool":{},"time":{}}`, object{}},
		{"other text", `{"text":"","number":"one","bool":"true","time":"yesterday"}`, object{}},
		{"numbers in strings", `{"number":"1.5"}`, object{Number: Number{1.5, true}}},
		{"no number", `{"number":"NaN"}`, object{}},
		{"no finite number", `{"number":"1e999"}`, object{}},
		{"times out of range", `{"time":-5}`, object{}},
		{"times far out of range", `{"time":1e300}`, object{}},
		{"nothing", `{}`, object{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got object
			if err := json.Unmarshal([]byte(tt.raw), &got); err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		number Number
		want   int64
		wantOK bool
	}{
		{"missing", Number{}, 0, false},
		{"zero", Number{0, true}, 0, true},
		{"count", Number{7, true}, 7, true},
		{"largest", Number{1 << 53, true}, 1 << 53, true},
		{"too large", Number{1e99, true}, 0, false},
		{"negative", Number{-1, true}, 0, false},
		{"fraction", Number{1.5, true}, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, ok := tt.number.Count(); got != tt.want || ok != tt.wantOK {
				t.Errorf("got %d, %t, want %d, %t", got, ok, tt.want, tt.wantOK)
			}
		})
	}
}

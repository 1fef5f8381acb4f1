package items_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/uselamina/lamina/internal/batch/items"
)

// readAll reads a text to its end. A problem of an item stands between the items, as text.
func readAll(in io.Reader, name string, format items.Format, mapping items.Mapping) []string {
	r, err := items.Open(in, name, format, mapping)
	if err != nil {
		return []string{"! " + err.Error()}
	}
	var got []string
	for {
		record, err := r.Next()
		var bad *items.Error
		switch {
		case errors.Is(err, io.EOF):
			return got
		case errors.As(err, &bad):
			got = append(got, "! "+bad.Error())
			if bad.IsLast {
				return got
			}
		case err != nil:
			return append(got, "!! "+err.Error())
		default:
			raw, _ := json.Marshal(record.Inputs)
			got = append(got, fmt.Sprintf("%d %s %s", record.Line, record.ID, raw))
		}
	}
}

func TestReaders(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", items.MaxItem+10_000) // more than the readers read ahead
	tests := []struct {
		name, file, text string
		want             []string
	}{
		{"lines", "a.ndjson", "{\"text\":\"a\"}\n\n \t\r\n{\"id\":7,\"text\":\"b\"}", []string{`1  {"text":"a"}`, `4 7 {"text":"b"}`}},
		{"lines of Windows with a mark", "a.jsonl", "\xef\xbb\xbf{\"text\":\"a\"}\r\n{\"text\":\"b\"}\r\n", []string{`1  {"text":"a"}`, `2  {"text":"b"}`}},
		{"wrapped", "-", `{"id":"x","inputs":{"id":"y","n":1.50}}`, []string{`1 x {"id":"y","n":1.50}`}},
		{"wrapped without an id", "-", `{"inputs":{"id":"y","n":1}}`, []string{`1 y {"n":1}`}},
		{"inputs beside others", "-", `{"inputs":{"n":1},"text":"a"}`, []string{`1  {"inputs":{"n":1},"text":"a"}`}},
		{"inputs that are no object", "-", `{"id":"x","inputs":[1]}`, []string{`1 x {"inputs":[1]}`}},
		{"a bad line", "-", "{\"a\":1}\n{\"a\":\n{\"a\":2}\n", []string{`1  {"a":1}`, `! line 2, column 5: unexpected end of JSON input`, `3  {"a":2}`}},
		{"a bad character", "-", "{\"a\":1}\n  {\"a\": nope}", []string{`1  {"a":1}`, `! line 2, column 10: invalid character 'o' in literal null (expecting 'u')`}},
		{"a key twice", "-", `{"a":1,"a":2}`, []string{`! line 1, column 8: the key "a" is there twice`}},
		{"no object", "a.ndjson", "[1]\n\"x\"\nnull", []string{
			`! line 1, column 1: is no object, such as {"id": "a1", "text": "Hello"}`, `! line 2, column 1: is no object, such as {"id": "a1", "text": "Hello"}`,
			`! line 3, column 1: is no object, such as {"id": "a1", "text": "Hello"}`,
		}},
		{"ids that are none", "-", "{\"id\":null}\n{\"id\":\"\"}\n{\"id\":true}\n{\"id\":\"a\\u0007\"}\n{\"id\":\"a\\u202eb\"}\n{\"id\":\"" + strings.Repeat("é", 101) + "\"}", []string{
			"! line 1, id: must be a text or a number", "! line 2, id: is empty; leave it out, and the item is named by its inputs", "! line 3, id: must be a text or a number",
			"! line 4, id: has the character U+0007, which cannot be shown", "! line 5, id: has the character U+202E, which cannot be shown",
			"! line 6, id: has 202 bytes, and an id has at most 200",
		}},
		{"a long line", "-", `{"a":"` + long + `"}`, []string{"! line 1: is longer than 8 MiB; is a quote or a bracket missing?"}},
		{"empty", "a.ndjson", "", nil},
		{"UTF-16", "-", "\xff\xfe{\x00", []string{"! line 1: the file is UTF-16; save it as UTF-8"}},
		{"binary", "-", "GIF89\n\x00", []string{"! line 2: has a zero byte, which no text has"}},

		{"array", "a.json", " [\n{\"a\":1},\n  {\"id\":\"x\",\n\"a\":2}]\n ", []string{`2  {"a":1}`, `3 x {"a":2}`}},
		{"empty array", "-", "[]", nil},
		{"array with others", "-", "[{\"a\":1},\n 3,\n{\"a\":1,\n \"a\":2}]", []string{
			`1  {"a":1}`, `! line 2, column 2: is no object, such as {"id": "a1", "text": "Hello"}`, `! line 4, column 2: the key "a" is there twice`,
		}},
		{"array that ends early", "-", "[{\"a\":1},\n{\"a\":", []string{`1  {"a":1}`, "! line 2, column 1: the file ends in the middle of the array"}},
		{"array that something follows", "-", "[{\"a\":1}]\nx", []string{`1  {"a":1}`, "! line 2, column 1: invalid character 'x' looking for beginning of value"}},
		{"array with a bad value", "-", "[{\"a\":1},\nnope]", []string{`1  {"a":1}`, "! line 2, column 2: invalid character 'o' in literal null (expecting 'u')"}},
		{"a long item", "-", "[\n{\"a\":\"" + long, []string{"! line 2, column 1: is longer than 8 MiB; is a quote or a bracket missing?"}},

		{"CSV", "a.csv", "id,text,n\nx,Hello,1\n\n\"7\",\"a, \"\"b\"\"\nc\",\n", []string{`2 x {"n":"1","text":"Hello"}`, `4 7 {"text":"a, \"b\"\nc"}`}},
		{"CSV of Windows with a mark", "a.csv", "\xef\xbb\xbfid;text\r\nx;a,b\r\n", []string{`2 x {"text":"a,b"}`}},
		{"tabs", "a.tsv", "id\ttext\nx\ta,b;c\n", []string{`2 x {"text":"a,b;c"}`}},
		{"tabs by the content", "-", "id\ttext\nx\ta\n", []string{`2 x {"text":"a"}`}},
		{"one column", "-", "text\na b\n", []string{`2  {"text":"a b"}`}},
		{"an unclear separator", "a.csv", "a;b,c\n1;2,3\n", []string{"! line 1: the names may be separated by commas, semicolons or tabs: quote the names that have one of these in them"}},
		{"a quoted separator", "a.csv", "\"a;b\",c\n1,2\n", []string{`2  {"a;b":"1","c":"2"}`}},
		{"cells", "a.csv", "a,b\n1\n1,2,3\n4,5\n", []string{
			"! line 2: has another number of cells than the line of names, which has 2", "! line 3: has another number of cells than the line of names, which has 2", `4  {"a":"4","b":"5"}`,
		}},
		{"a quote", "a.csv", "a,b\n1,2\n1,x\"y\n3,4\n", []string{`2  {"a":"1","b":"2"}`, `! line 3, column 4: bare " in non-quoted-field`}},
		{"a missing quote", "a.csv", "a,b\n1,\"2\n" + long, []string{"! line 2: is longer than 8 MiB; is a quote or a bracket missing?"}},
		{"two equal names", "a.csv", "a,b, a\n", []string{`! line 1, column 5: columns 1 and 3 are both called "a"`}},
		{"no name", "a.csv", "a,,b\n", []string{"! line 1, column 3: column 2 has no name"}},
		{"Latin-1", "a.csv", "a,b\n1,caf\xe9\n3,4\n", []string{"! line 2, column 3, b: is not valid UTF-8; save the file as UTF-8", `3  {"a":"3","b":"4"}`}},
		{"an empty id", "a.csv", "id,b\n,1\n", []string{"! line 2, id: is empty; leave it out, and the item is named by its inputs"}},
		{"names alone", "a.csv", "id,b\n", nil},
		{"an empty table", "a.csv", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, in := range []io.Reader{strings.NewReader(tt.text), iotest.HalfReader(strings.NewReader(tt.text))} {
				if got := readAll(in, tt.file, items.Auto, nil); !slices.Equal(got, tt.want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
				}
			}
		})
	}
}

func TestMapping(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, text string
		pairs            []string
		want             []string
	}{
		{"CSV", "a.csv", "sku,headline\n1,Hello\n", []string{"text=headline", "id=sku"}, []string{`2 1 {"text":"Hello"}`}},
		{"JSON", "-", `{"sku":1,"headline":"Hello"}`, []string{"text=headline", "id=sku"}, []string{`1 1 {"text":"Hello"}`}},
		{"wrapped", "-", `{"id":"a","inputs":{"headline":"Hello"}}`, []string{"text=headline"}, []string{`1 a {"text":"Hello"}`}},
		{"one column for two inputs", "-", `{"a":1}`, []string{"x=a", "y=a"}, []string{`1  {"x":1,"y":1}`}},
		{"the id as an input", "-", `{"id":"a"}`, []string{"text=id"}, []string{`1  {"text":"a"}`}},
		{"swapped", "-", `{"a":1,"b":2}`, []string{"a=b", "b=a"}, []string{`1  {"a":2,"b":1}`}},
		{"taken", "-", `{"text":"a","headline":"b"}`, []string{"text=headline"}, []string{"! line 1, text: is given twice, by its name and by --map"}},
		{"two ids", "-", `{"id":"a","sku":"b"}`, []string{"id=sku"}, []string{"! line 1, id: is given twice, by its name and by --map"}},
		{"no such column", "a.csv", "a,b\n", []string{"text=c"}, []string{`! line 1: --map names the column "c", and there is none; the columns are a, b`}},
	}
	for _, tt := range tests {
		m, err := items.ParseMapping(tt.pairs)
		if err != nil {
			t.Fatal(err)
		}
		if got := readAll(strings.NewReader(tt.text), tt.file, items.Auto, m); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	for _, pairs := range [][]string{{"text"}, {"=a"}, {"a="}, {"a=b", "a=c"}} {
		if _, err := items.ParseMapping(pairs); err == nil {
			t.Errorf("%q: got no error", pairs)
		}
	}
}

// TestFaultOfFile: an error of the file is not one of an item, and does not end the items silently.
func TestFaultOfFile(t *testing.T) {
	t.Parallel()
	fault := errors.New("the disk failed")
	for name, text := range map[string]string{"a.ndjson": "{\"a\":1}\n", "a.json": "[{\"a\":1},", "a.csv": "a\n1\n"} {
		got := readAll(io.MultiReader(strings.NewReader(text+strings.Repeat(" ", 70<<10)), iotest.ErrReader(fault)), name, items.Auto, nil)
		if len(got) < 1 || got[len(got)-1] != "!! "+fault.Error() {
			t.Errorf("%s: got %.100q, want the error at the end", name, got)
		}
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	type step struct {
		id, content, want string
		isNew             bool
	}
	run := func(s *items.IDs, steps []step) {
		t.Helper()
		for i, step := range steps {
			id, isNew, err := s.Assign(items.Record{ID: step.id, Line: i + 1}, []byte(step.content))
			if err != nil || isNew != step.isNew || isNew && id != step.want {
				t.Errorf("step %d: got %q, %v, %v, want %+v", i+1, id, isNew, err, step)
			}
		}
	}
	const a, b = "sha-ca978112ca1bbdcafac231b39a23dc4d", "sha-3e23e8160039594a33894f6564e1b134"
	once := &items.IDs{}
	run(once, []step{{"", "a", a, true}, {"", "b", b, true}, {"", "a", "", false}, {"x", "a", "x", true}, {"", "a", "", false}})
	if once.Duplicates != 2 {
		t.Errorf("got %d duplicates, want 2", once.Duplicates)
	}
	all := &items.IDs{KeepDuplicates: true}
	run(all, []step{{"", "a", a, true}, {a + "-2", "c", a + "-2", true}, {"", "a", a + "-3", true}, {"", "a", a + "-4", true}})
	_, _, err := all.Assign(items.Record{ID: a + "-3", Line: 9}, nil)
	if want := `line 9, id: the id "` + a + `-3" is already used in line 3`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// checkFuzz reads a text twice, whole and in small parts, and checks what every item must be.
func checkFuzz(t *testing.T, text []byte, format items.Format) {
	got := readAll(strings.NewReader(string(text)), "-", format, nil)
	again := readAll(iotest.HalfReader(strings.NewReader(string(text))), "-", format, nil)
	if !slices.Equal(got, again) {
		t.Errorf("got %q, and in small parts %q", got, again)
	}
	r, err := items.Open(strings.NewReader(string(text)), "-", format, nil)
	if err != nil {
		return
	}
	last := 0
	for {
		record, err := r.Next()
		var bad *items.Error
		if errors.As(err, &bad) {
			if bad.Line < 1 || bad.Message == "" {
				t.Errorf("got the error %+v", bad)
			}
			if bad.IsLast {
				return
			}
			continue
		}
		if err != nil {
			return
		}
		if record.Line < last || record.Inputs == nil || len(record.ID) > 200 {
			t.Errorf("got %+v after line %d", record, last)
		}
		last = record.Line
		if _, err := json.Marshal(record.Inputs); err != nil {
			t.Error(err)
		}
	}
}

func FuzzNDJSON(f *testing.F) {
	f.Add([]byte("{\"id\":1,\"a\":\"b\"}\r\n\n{\"id\":\"x\",\"inputs\":{}}"))
	f.Add([]byte("\xef\xbb\xbf{\"a\":\"\\ud800\"}\n[\n"))
	f.Fuzz(func(t *testing.T, text []byte) { checkFuzz(t, text, items.NDJSON) })
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("id;text\r\n1;\"a\nb\"\r\n\r\n2;x\r\n"))
	f.Add([]byte("a,b\n\"1,2\n"))
	f.Fuzz(func(t *testing.T, text []byte) { checkFuzz(t, text, items.CSV) })
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte("[{\"id\":1,\"a\":\"b\"},\n{\"id\":\"x\",\"inputs\":{}}] "))
	f.Add([]byte("[{\"a\":1,\n\"a\":2}, 3, [}"))
	f.Fuzz(func(t *testing.T, text []byte) { checkFuzz(t, text, items.JSON) })
}

package export

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// hostile is a path with everything that a shell or YAML could read as something else.
const hostile = `/data/it's "a" $(touch x) ${{ secrets.KEY }} {{item}} {} @SHARDS@ # : %a ` + "`id`" + ` *`

func options(target string) Options {
	o := Options{
		Batch: "b-0123456789", Shards: 4, Items: strings.Repeat("1a2b3c4d", 8), Dir: "/data/catalogue", Version: "1.2.3",
	}
	if InRepository(target) {
		o.Dir = "batches/catalogue"
	}
	return o
}

func write(t *testing.T, target string, o Options) string {
	t.Helper()
	text, err := Write(target, o)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		plain, special := options(e.name), options(e.name)
		special.BaseURL, special.Version = "http://127.0.0.1:8799", "dev"
		special.Dir = hostile
		if e.isRepository {
			special.Dir = "-my batches/Größe 2"
		}
		for kind, o := range map[string]Options{"plain": plain, "special": special} {
			t.Run(e.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				got := write(t, e.name, o)
				file := filepath.Join("testdata", kind, e.file)
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("%s differs from the file for %s; after a wanted change: go test ./internal/batch/export -update", file, e.name)
				}
			})
		}
	}
}

// TestNoMarkIsLeft finds a mark that nothing fills in.
func TestNoMarkIsLeft(t *testing.T) {
	t.Parallel()
	mark := regexp.MustCompile(`@[A-Z_]+@`)
	for _, target := range Targets() {
		if found := mark.FindString(write(t, target, options(target))); found != "" {
			t.Errorf("the file for %s has the mark %s", target, found)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		target string
		change func(*Options)
		want   any // a pointer to the type of the error; nil: any error
	}{
		{"an unknown engine", "nomad", func(*Options) {}, nil},
		{"another id", "slurm", func(o *Options) { o.Batch = "b-1\n" }, nil},
		{"no hash", "parallel", func(o *Options) { o.Items = "$(id)" }, nil},
		{"no shards", "slurm", func(o *Options) { o.Shards = 0 }, nil},
		{"an address with a quote", "slurm", func(o *Options) { o.BaseURL = "https://a'b" }, nil},
		{"an address with an expression", "github", func(o *Options) { o.BaseURL = "https://${{x}}" }, nil},
		{"a matrix that is too large", "github", func(o *Options) { o.Shards = 257 }, new(*LimitError)},
		{"too many parallel jobs", "gitlab", func(o *Options) { o.Shards = 201 }, new(*LimitError)},
		{"a line break", "kubernetes", func(o *Options) { o.Dir = "/a\nb" }, new(*PathError)},
		{"a line break of YAML", "argo", func(o *Options) { o.Dir = "/a\u2028b" }, new(*PathError)},
		{"another one", "argo", func(o *Options) { o.Dir = "/a\u0085b" }, new(*PathError)},
		{"no UTF-8", "slurm", func(o *Options) { o.Dir = "/a\xffb" }, new(*PathError)},
		{"an expression", "github", func(o *Options) { o.Dir = "${{ secrets.KEY }}" }, new(*PathError)},
		{"a variable", "gitlab", func(o *Options) { o.Dir = "$KEY" }, new(*PathError)},
		{"no path", "slurm", func(o *Options) { o.Dir = "" }, new(*PathError)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := options(test.target)
			test.change(&o)
			text, err := Write(test.target, o)
			if err == nil {
				t.Fatalf("got the file %s, want an error", text)
			}
			if test.want != nil && !errors.As(err, test.want) {
				t.Errorf("got %v, want a %T", err, test.want)
			}
		})
	}
}

// TestFilesFollowStatuses compares the lists of exit statuses in the files with Statuses.
func TestFilesFollowStatuses(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"slurm":      {"\n1 | 6 | 7 | 8 | 137)\n"},
		"kubernetes": {"action: FailIndex", "values: [2, 3, 4, 5]", "action: Count", "values: [1, 6, 7, 8, 137]"},
		"github":     {"          1 | 6 | 7 | 8 | 137) echo"},
		"gitlab":     {"exit_codes: [1, 6, 7, 8, 137]"},
		"argo":       {"asInt(lastRetry.exitCode) in [1, 6, 7, 8, 137]"},
	}
	for target, texts := range want {
		got := write(t, target, options(target))
		for _, text := range texts {
			_, after, ok := strings.Cut(got, text)
			if !ok {
				t.Errorf("the file for %s has no %q, or not in this order", target, text)
			}
			got = after
		}
	}
}

// TestGuideFollowsStatuses compares the table of docs/batch-engines.md with Statuses.
func TestGuideFollowsStatuses(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../docs/batch-engines.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Statuses() {
		row := "| " + strconv.Itoa(s.Code) + " | " + s.Meaning + " | " + string(s.Reaction) + " |\n"
		if !strings.Contains(string(guide), row) {
			t.Errorf("docs/batch-engines.md has no row %q", row)
		}
	}
}

// FuzzDir checks that a path that is accepted stays within its line, whatever it is: the file has the lines of another path.
func FuzzDir(f *testing.F) {
	f.Add(hostile)
	f.Add("a\nb")
	f.Add("-x")
	f.Add("@SHELL_DIR@")
	f.Fuzz(func(t *testing.T, dir string) {
		for _, target := range Targets() {
			o := options(target)
			plain, err := Write(target, o)
			if err != nil {
				t.Fatal(err)
			}
			o.Dir = dir
			got, err := Write(target, o)
			if err != nil {
				continue
			}
			want := strings.Split(string(plain), "\n")
			lines := strings.FieldsFunc(string(got), func(r rune) bool { return r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029' })
			if len(lines) != 1 || strings.Count(string(got), "\n")+1 != len(want) {
				t.Errorf("%s: the path %q changes the lines of the file", target, dir)
			}
		}
	})
}

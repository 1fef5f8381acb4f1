// Package export writes the files with which engines run the shards of a batch: Slurm, Kubernetes, GitHub, GitLab, Argo and GNU parallel.
package export

import (
	"embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

//go:embed files
var files embed.FS

// An engine is a program or a service that runs the shards of a batch.
type engine struct {
	name         string
	file         string // in the folder files
	maxShards    int    // 0: no limit
	isRepository bool   // it takes the folder from a repository
}

// engines returns all engines. The limits are those of their documentation.
func engines() []engine {
	return []engine{
		{name: "slurm", file: "slurm.sh"},
		{name: "kubernetes", file: "kubernetes.yaml"},
		{name: "github", file: "github.yaml", maxShards: 256, isRepository: true},
		{name: "gitlab", file: "gitlab.yaml", maxShards: 200, isRepository: true},
		{name: "argo", file: "argo.yaml"},
		{name: "parallel", file: "parallel.sh"},
	}
}

// Targets returns the names of the engines.
func Targets() []string {
	var names []string
	for _, e := range engines() {
		names = append(names, e.name)
	}
	return names
}

// InRepository reports whether an engine takes the folder of a batch from a repository, so that Options.Dir is a path in it.
func InRepository(target string) bool {
	e, err := find(target)
	return err == nil && e.isRepository
}

// Options are what an engine runs.
type Options struct {
	Batch   string // the id of the batch
	Shards  int
	Items   string // the hash of the items
	Dir     string // the folder of the batch, as the engine sees it
	BaseURL string // the address of the service; "" for the usual one
	Version string // of the program; one that is no release is replaced by the latest one
}

// A LimitError means that an engine cannot run so many shards.
type LimitError struct {
	Target      string
	Shards, Max int
}

// Error describes the limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s runs at most %d shards, and the batch has %d", e.Target, e.Max, e.Shards)
}

// A PathError means that the path of a folder cannot be in the file of an engine.
type PathError struct {
	Path   string
	Reason string
}

// Error describes the path.
func (e *PathError) Error() string { return fmt.Sprintf("the path %q %s", e.Path, e.Reason) }

// Write returns the file for an engine. It holds no key: the engine keeps that. Errors of a batch that the engine cannot run are
// *LimitError and *PathError.
func Write(target string, o Options) ([]byte, error) {
	e, err := find(target)
	if err != nil {
		return nil, err
	}
	if err := o.check(e); err != nil {
		return nil, err
	}
	text, err := files.ReadFile("files/" + e.file)
	if err != nil {
		return nil, err
	}
	return []byte(o.replacer(e).Replace(string(text))), nil
}

// find returns the engine with a name.
func find(target string) (engine, error) {
	for _, e := range engines() {
		if e.name == target {
			return e, nil
		}
	}
	return engine{}, fmt.Errorf("there is no file for %q", target)
}

// The ids of batches, the hashes of items, the addresses of services and the versions of releases that may be in a file.
var (
	batchID  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^b-[0-9a-z]{10}$`) })
	itemHash = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{64}$`) })
	address  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^https?://[0-9A-Za-z._~:/\[\]%-]+$`) })
	release  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^v?([0-9]+\.[0-9]+\.[0-9]+)$`) })
)

// check returns an error if an engine cannot run the batch, or if a value could change the meaning of the file.
func (o Options) check(e engine) error {
	switch {
	case !batchID().MatchString(o.Batch):
		return fmt.Errorf("%q is no id of a batch", o.Batch)
	case !itemHash().MatchString(o.Items):
		return fmt.Errorf("%q is no hash of items", o.Items)
	case o.BaseURL != "" && !address().MatchString(o.BaseURL):
		return fmt.Errorf("%q cannot be the address of the service in the file of an engine", o.BaseURL)
	case o.Shards < 1:
		return fmt.Errorf("a batch cannot have %d shards", o.Shards)
	case e.maxShards > 0 && o.Shards > e.maxShards:
		return &LimitError{Target: e.name, Shards: o.Shards, Max: e.maxShards}
	case o.Dir == "" || !utf8.ValidString(o.Dir) || strings.ContainsFunc(o.Dir, breaksLine):
		return &PathError{Path: o.Dir, Reason: "has control characters, or is no UTF-8"}
	case e.isRepository && strings.ContainsFunc(o.Dir, isSpecial):
		return &PathError{Path: o.Dir, Reason: "has characters that mean something in a workflow: only letters, digits, spaces, and . _ - / are possible there"}
	}
	return nil
}

// breaksLine reports whether a character may end a line of a script or of YAML, or cannot be in YAML.
func breaksLine(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' || unicode.Is(unicode.Cf, r)
}

// isSpecial reports whether a character may mean something in a workflow: in expressions, variables and patterns.
func isSpecial(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" ._-/", r)
}

// replacer returns what fills in the marks of a file. It replaces them at once, so that a value with a mark stays as it is.
func (o Options) replacer(e engine) *strings.Replacer {
	dir := o.Dir
	if strings.HasPrefix(dir, "-") {
		dir = "./" + dir
	}
	return strings.NewReplacer(
		"@BATCH@", o.Batch,
		"@SHARDS@", strconv.Itoa(o.Shards),
		"@LAST@", strconv.Itoa(o.Shards-1),
		"@JOBLOG@", fmt.Sprintf("parallel-%s-%d.joblog", o.Items[:min(8, len(o.Items))], o.Shards),
		"@SHELL_DIR@", shellQuote(dir),
		"@YAML_DIR@", yamlQuote(dir),
		"@MATRIX@", sequence(o.Shards),
		"@VERSION@", o.version(),
		"@RESUME@", list(Resume, ", "),
		"@RESUME_CASE@", list(Resume, " | "),
		"@FAIL@", list(Fail, ", "),
		"#@BASE_URL@\n", o.baseURL(e),
	)
}

// version returns the version to install: the newest one, if this program is no release.
func (o Options) version() string {
	if found := release().FindStringSubmatch(o.Version); found != nil {
		return found[1]
	}
	return "latest"
}

// baseURL returns the lines that set the address of the service.
func (o Options) baseURL(e engine) string {
	if o.BaseURL == "" {
		return ""
	}
	switch e.name {
	case "slurm", "parallel":
		return "export LAMINA_BASE_URL=" + shellQuote(o.BaseURL) + "\n"
	case "github":
		return "  LAMINA_BASE_URL: " + yamlQuote(o.BaseURL) + "\n"
	case "gitlab":
		return "    LAMINA_BASE_URL: " + yamlQuote(o.BaseURL) + "\n"
	}
	return "            - name: LAMINA_BASE_URL\n              value: " + yamlQuote(o.BaseURL) + "\n"
}

// shellQuote returns a text as one word of a POSIX shell.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// yamlQuote returns a text of one line as a value of YAML.
func yamlQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// sequence returns the numbers below n, for a list of YAML.
func sequence(n int) string {
	numbers := make([]string, n)
	for i := range numbers {
		numbers[i] = strconv.Itoa(i)
	}
	return strings.Join(numbers, ", ")
}

package cli

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/uselamina/lamina/"

// imports lists the packages of this module that each package may import, without the prefix internal/. A package that is not
// listed may import none. docs/architecture.md draws the same arrows.
var imports = map[string]string{
	"cmd/lamina": "cli",
	"docgen":     "cli completion",

	"cli":              "api child cli/account cli/api cli/apps cli/assets cli/batch cli/brands cli/browse cli/complete cli/content cli/credits cli/docs cli/intelligence cli/laghav cli/lamatic cli/laminr cli/lightfast cli/local cli/models cli/project cli/publishing cli/runs cli/settings cli/templates cli/upgrade cli/webhook cmdutil completion fail output redact session term",
	"cli/account":      "api api/laghav auth auth/clientkey auth/redirecturi auth/safeurl cli/complete cmdutil config fail output provider scan session term",
	"cli/api":          "api api/loose auth/safeurl cli/complete cmdutil fail jsontext output provider session transfer",
	"cli/appinfo":      "api cli/complete cmdutil fail output",
	"cli/apps":         "api api/loose cli/appinfo cli/complete cmdutil fail output term",
	"cli/assetfile":    "api api/check cmdutil fail output provider transfer",
	"cli/assets":       "api cli/assetfile cli/complete cmdutil fail output",
	"cli/batch":        "api api/check batch/engine batch/export batch/items batch/journal batch/pace batch/plan batch/report batch/results batch/shard batch/state cli/appinfo cli/assetfile cli/batchinfo cli/complete cli/runinfo cmdutil disk fail output provider retry term transfer",
	"cli/batchinfo":    "batch/engine batch/journal batch/ledger batch/plan batch/state cmdutil disk fail output provider term",
	"cli/brands":       "api cmdutil output",
	"cli/browse":       "api cli/appinfo cli/complete cmdutil fail output provider",
	"cli/complete":     "api cmdutil fail output term",
	"cli/content":      "api api/check cli/appinfo cli/assetfile cli/complete cli/runinfo cmdutil fail output term",
	"cli/credits":      "api api/loose cmdutil output",
	"cli/docs":         "cli/complete cmdutil docs fail output platform/lightfast/search",
	"cli/intelligence": "api cmdutil fail output",
	"cli/laghav":       "api api/laghav cli/complete cmdutil config fail jsontext output provider session",
	"cli/lamatic":      "api api/lamatic batch/engine batch/journal batch/pace batch/plan batch/state cli/batchinfo cmdutil fail jsontext output provider session",
	"cli/laminr":       "api api/laminr cmdutil fail output provider",
	"cli/lightfast":    "api/lightfast cmdutil fail output provider",
	"cli/local":        "child cli/complete cmdutil doctor fail output platform provider term",
	"cli/models":       "api api/check api/loose cli/complete cli/runinfo cmdutil fail output",
	"cli/project":      "cmdutil fail output transfer",
	"cli/publishing":   "api cli/assetfile cli/complete cmdutil fail output",
	"cli/runinfo":      "api cli/complete cmdutil fail output provider session term transfer",
	"cli/runs":         "api api/check cli/appinfo cli/assetfile cli/complete cli/runinfo cmdutil fail output term",
	"cli/settings":     "api cmdutil config fail output provider session",
	"cli/templates":    "api cli/complete cmdutil fail output",
	"cli/upgrade":      "cmdutil fail output",
	"cli/webhook":      "api auth/safeurl child cli/complete cmdutil config fail output provider retry session term webhook webhook/forward webhook/inbox webhook/listen webhook/poll",

	"cmdutil": "fail jsontext output session term textfile",
	"session": "api auth auth/safeurl child config fail provider redact term textfile transfer",
	"doctor":  "api auth/safeurl completion config fail output provider session term",
	"fail":    "api auth auth/clientkey auth/safeurl config output provider redact term transfer",
	"scan":    "child provider",

	"auth":             "auth/clientkey auth/page auth/redirecturi auth/safeurl config provider redact retry",
	"auth/redirecturi": "auth/safeurl",

	"config/configtest": "config config/internal/disk",
	"config":            "config/internal/disk retry textfile",
	"api":               "api/loose jsontext provider retry",
	"api/check":         "api jsontext",
	"api/laghav":        "api api/loose provider",
	"api/lamatic":       "api retry",
	"api/laminr":        "api api/loose retry",
	"api/lightfast":     "api api/loose",
	"transfer":          "retry",
	"output":            "term",
	"term":              "child",
	"batch/batchtest":   "batch/journal batch/plan batch/shard batch/state",
	"batch/engine":      "api api/lamatic batch/journal batch/ledger batch/pace batch/plan batch/shard batch/state provider retry",
	"batch/items":       "jsontext textfile",
	"batch/journal":     "disk",
	"batch/ledger":      "disk",
	"batch/pace":        "retry",
	"batch/plan":        "batch/shard disk",
	"batch/report":      "batch/journal batch/plan batch/results batch/state disk",
	"batch/results":     "batch/journal batch/state disk",
	"batch/state":       "batch/journal batch/plan batch/shard",
	"webhook/forward":   "retry webhook webhook/inbox",
	"webhook/inbox":     "disk",
	"webhook/listen":    "webhook webhook/inbox",
	"webhook/poll":      "api webhook/inbox",

	"platform":               "platform/control platform/laghav platform/lamatic platform/lamina platform/laminr platform/lightfast platform/oauth platform/overview platform/wire platform/wire/page",
	"platform/apps":          "api",
	"platform/control":       "platform/wire platform/wire/page webhook",
	"platform/laghav":        "platform/laghav/prompt platform/wire",
	"platform/lamatic":       "platform/wire",
	"platform/lamina":        "api platform/apps platform/models platform/planner platform/wire webhook",
	"platform/planner":       "api platform/apps",
	"platform/laminr":        "platform/wire",
	"platform/models":        "api platform/apps",
	"platform/lightfast":     "docs platform/lightfast/search platform/wire",
	"platform/oauth":         "platform/wire platform/wire/page",
	"platform/overview":      "api platform/apps platform/control platform/lamina platform/wire platform/wire/page",
	"platform/wire/page":     "platform/wire",
	"platform/wire/wiretest": "platform/wire",
}

// never lists the arrows that no change of the table above may allow: from the packages that match the first pattern to those that
// match the second.
var never = []struct{ from, to, why string }{
	{"auth", "cli", "auth knows neither commands nor terminals"},
	{"auth/*", "cli", "auth knows neither commands nor terminals"},
	{"auth", "cmdutil", "auth knows neither commands nor terminals"},
	{"auth/*", "cmdutil", "auth knows neither commands nor terminals"},
	{"auth", "term", "auth knows neither commands nor terminals"},
	{"auth/*", "term", "auth knows neither commands nor terminals"},
	{"auth", "output", "auth knows neither commands nor terminals"},
	{"auth/*", "output", "auth knows neither commands nor terminals"},
	{"api", "auth", "the client receives its credential as a transport"},
	{"api", "config", "the client receives its credential as a transport"},
	{"api/*", "auth", "the client receives its credential as a transport"},
	{"session", "cli", "session knows no commands"},
	{"session", "cmdutil", "session knows no commands"},
	{"fail", "cli", "fail knows no commands"},
	{"fail", "cmdutil", "fail knows no commands"},
	{"doctor", "cli", "doctor knows no commands"},
	{"doctor", "cmdutil", "doctor knows no commands"},
	{"platform", "auth", "the platform judges the client and shares no code with it"},
	{"platform", "config", "the platform judges the client and shares no code with it"},
	{"platform", "cli", "the platform judges the client and shares no code with it"},
	{"platform/*", "auth", "the platform judges the client and shares no code with it"},
	{"platform/*", "config", "the platform judges the client and shares no code with it"},
	{"platform/*", "session", "the platform judges the client and shares no code with it"},
	{"platform/*", "cli", "the platform judges the client and shares no code with it"},
}

// leaves import nothing of this module.
var leaves = []string{"auth/clientkey", "auth/page", "auth/safeurl", "batch/shard", "child", "completion", "disk", "jsontext", "provider", "retry", "redact", "textfile", "webhook", "docs"}

// helpers are the packages below internal/cli that nouns may import: they hold no commands.
var helpers = []string{"cli/appinfo", "cli/assetfile", "cli/batchinfo", "cli/complete", "cli/runinfo"}

// servers are the packages of the platform that must not import each other.
var servers = []string{"control", "laghav", "lamatic", "lamina", "laminr", "lightfast", "oauth"}

// arrows returns the imports within this module, by package.
func arrows(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	short := func(name string) string { return strings.TrimPrefix(strings.TrimPrefix(name, module), "internal/") }
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		names := strings.Fields(line)
		from := short(names[0])
		all[from] = nil
		for _, name := range names[1:] {
			if strings.HasPrefix(name, module) {
				all[from] = append(all[from], short(name))
			}
		}
	}
	return all
}

func TestImports(t *testing.T) {
	t.Parallel()
	all := arrows(t)
	for from, targets := range all {
		for _, to := range targets {
			if !slices.Contains(strings.Fields(imports[from]), to) {
				t.Errorf("%s imports %s, which the table does not allow", from, to)
			}
		}
	}
	for from, allowed := range imports {
		for _, to := range strings.Fields(allowed) {
			if !slices.Contains(all[from], to) {
				t.Errorf("the table allows %s to import %s, which it does not: remove the entry", from, to)
			}
		}
	}
}

// TestImportRules checks the table itself, so that an arrow that must never be cannot be added to it.
func TestImportRules(t *testing.T) {
	t.Parallel()
	matches := func(pattern, name string) bool {
		ok, err := path.Match(pattern, name)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	for from, allowed := range imports {
		for _, to := range strings.Fields(allowed) {
			for _, rule := range never {
				if matches(rule.from, from) && (matches(rule.to, to) || strings.HasPrefix(to, rule.to+"/")) {
					t.Errorf("%s must never import %s: %s", from, to, rule.why)
				}
			}
			if slices.Contains(leaves, from) {
				t.Errorf("%s must import nothing of this module, not %s", from, to)
			}
			isNoun := strings.HasPrefix(from, "cli/") && !slices.Contains(helpers, from)
			if strings.HasPrefix(from, "cli/") && strings.HasPrefix(to, "cli/") && !slices.Contains(helpers, to) {
				t.Errorf("%s must never import %s: a noun imports no other noun", from, to)
			}
			if !isNoun && from != "cli" && from != "docgen" && from != "cmd/lamina" && strings.HasPrefix(to, "cli") && !slices.Contains(helpers, to) {
				t.Errorf("%s must never import %s: only the root and main know commands", from, to)
			}
			if isServer(from) && isServer(to) {
				t.Errorf("%s must never import %s: a server of the platform imports no other", from, to)
			}
		}
	}
}

func isServer(name string) bool {
	rest, ok := strings.CutPrefix(name, "platform/")
	return ok && slices.Contains(servers, rest)
}

// TestCobraStaysInCommands checks that the packages below the commands do not depend on the command line parser.
func TestCobraStaysInCommands(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, module+"internal/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		names := strings.Fields(line)
		name := strings.TrimPrefix(names[0], module+"internal/")
		isCommand := name == "cmdutil" || name == "docgen" || name == "cli" || strings.HasPrefix(name, "cli/")
		if !isCommand && slices.Contains(names[1:], "github.com/spf13/cobra") {
			t.Errorf("%s imports cobra", name)
		}
	}
}

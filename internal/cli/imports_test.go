package cli

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed says which packages of this module each package may import. What is not named may import nothing.
var allowed = map[string][]string{
	"cmd/lamina":                    {"internal/cli"},
	"internal/docgen":               {"internal/cli"},
	"internal/cli":                  {"internal/api", "internal/api/laghav", "internal/api/lamatic", "internal/api/laminr", "internal/api/lightfast", "internal/auth", "internal/config", "internal/transfer", "internal/output", "internal/platform", "internal/provider", "internal/retry", "internal/scan", "internal/term", "internal/webhook"},
	"internal/api":                  {"internal/api/loose", "internal/retry"},
	"internal/api/laghav":           {"internal/api", "internal/api/loose"},
	"internal/api/lamatic":          {"internal/api", "internal/retry"},
	"internal/api/laminr":           {"internal/api", "internal/api/loose", "internal/retry"},
	"internal/api/lightfast":        {"internal/api", "internal/api/loose"},
	"internal/auth":                 {"internal/config", "internal/provider", "internal/retry"},
	"internal/config":               {"internal/config/internal/disk", "internal/retry"},
	"internal/config/internal/disk": {"internal/retry"},
	"internal/config/configtest":    {"internal/config", "internal/config/internal/disk"}, // only tests import it
	"internal/transfer":             {"internal/retry"},
	"internal/output":               {"internal/term"},
	"internal/scan":                 {"internal/provider"},

	// The platform is the judge of the client: it may use the wire types of api, and otherwise nothing of the client. No
	// server may import another server.
	"internal/platform": {
		"internal/platform/control", "internal/platform/laghav", "internal/platform/lamatic", "internal/platform/lamina",
		"internal/platform/laminr", "internal/platform/lightfast", "internal/platform/oauth", "internal/platform/wire",
		"internal/platform/wire/page",
	},
	"internal/platform/apps":          {"internal/api"}, // wire types
	"internal/platform/control":       {"internal/platform/wire", "internal/platform/wire/page"},
	"internal/platform/laghav":        {"internal/platform/laghav/prompt", "internal/platform/wire"},
	"internal/platform/lamatic":       {"internal/platform/wire"},
	"internal/platform/lamina":        {"internal/api", "internal/platform/apps", "internal/platform/wire", "internal/webhook"}, // of api, wire types
	"internal/platform/laminr":        {"internal/platform/wire"},
	"internal/platform/lightfast":     {"docs", "internal/platform/lightfast/search", "internal/platform/wire"},
	"internal/platform/oauth":         {"internal/platform/wire", "internal/platform/wire/page"},
	"internal/platform/wire/page":     {"internal/platform/wire"},
	"internal/platform/wire/wiretest": {"internal/platform/wire"}, // only tests import it
}

func TestImportDirections(t *testing.T) {
	t.Parallel()
	const module = "github.com/uselamina/lamina/"
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		names := strings.Fields(line)
		from := strings.TrimPrefix(names[0], module)
		for _, name := range names[1:] {
			to, ours := strings.CutPrefix(name, module)
			if ours && !slices.Contains(allowed[from], to) {
				t.Errorf("%s must not import %s", from, to)
			}
		}
	}
}

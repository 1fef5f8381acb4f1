package cmdutil

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/fail"
)

// words splits a row of a table of synonyms into words.
func words(row string) []string { return strings.Fields(row) }

// A synonym maps words of other tools, of the Node client, and of a later version to a command of this program.
type synonym struct {
	words   string // what users type: words below the root, or a noun and a colon, then words below the noun
	command string // the command, which may have arguments
}

// synonyms of whole commands. A word that becomes a command needs no row any more: commands come first. If several rows have a
// word, the first command that takes the typed arguments is suggested.
var synonyms = []synonym{
	{"app workflow workflows", "apps"},
	{"job jobs task tasks", "runs"},
	{"ls list search find discover catalog marketplace", "apps list"},
	{"log logs tail follow stream progress watch attach", "runs watch"},
	{"log logs history ps tail follow stream progress watch attach", "runs list"},
	{"show view describe inspect details", "apps get"},
	{"result results output outputs", "runs get"},
	{"wait await poll", "runs wait"},
	{"stop cancel abort kill terminate", "runs cancel"},
	{"download pull save fetch", "runs download"},
	{"start exec execute invoke create new generate deploy trigger submit launch", "run"},
	{"signin sign-in logon log-in authenticate authorize", "login"},
	{"signout sign-out logoff log-out", "logout"},
	{"me who who-am-i user account id", "whoami"},
	{"status session credentials credential key keys api-key api-keys", "auth status"},
	{"token tokens access-token print-token", "auth token"},
	{"rotate", "auth rotate"},
	{"scan secrets", "auth scan"},
	{"accounts profiles teams team orgs org workspace workspaces contexts context members", "profile list"},
	{"switch use select", "profile use"},
	{"configure configuration settings setting preferences prefs options", "config list"},
	{"env environment variables check diagnose diagnostics health ping info debug troubleshoot", "doctor"},
	{"serve server local emulator mock simulate", "dev"},
	{"setup quickstart tutorial tour try example examples onboard", "demo"},
	{"update self-update release releases", "upgrade"},
	{"open web site page view-web", "browse"},
	{"curl request http https rest graphql get post", "api"},
	{"credits credit billing balance quota limits", "usage"},
	{"asset files", "assets list"},
	{"upload uploads", "assets upload"},
	{"publish channels channel", "publishing"},
	{"brand brand-profiles", "brands list"},
	{"campaign", "campaigns list"},
	{"imagine image picture video", "generate --help"},
	{"feedback refine", "runs feedback --help"},
	{"template", "templates list"},
	{"plan brief score", "content --help"},
	{"trends recommendations predict brand-context", "intelligence --help"},
	{"listen tunnel hook hooks", "webhook listen"},
	{"error errors code codes exit-codes", "explain"},
	{"completions complete autocomplete shell", "completion"},
	{"man manual usage-help commands", "--help"},

	{"apps: start exec execute invoke launch run create", "run"},
	{"runs: start create new run launch retry rerun", "run"},
	{"auth: list ls profiles accounts", "profile list"},
	{"auth: switch use select", "profile use"},
	{"auth: whoami who me", "whoami"},
	{"auth: refresh show get session check", "auth status"},
	{"auth: print-token print access-token", "auth token"},
	{"auth: signin sign-in", "login"},
	{"auth: signout sign-out", "logout"},
	{"profile: current show status get whoami", "auth status"},
	{"profile: add create new login set", "login"},
	{"profile: logout", "profile remove"},
	{"config: delete del remove rm reset clear", "config unset"},
	{"config: show view read describe", "config get"},
	{"config: show view dump read describe all path edit", "config list"},
	{"config: add put", "config set"},
}

// verbs are words that mean the same below every noun. The first command that the noun has is meant.
var verbs = []struct{ words, commands string }{
	{"ls search find discover all index browse query", "list search"},
	{"show view describe info inspect read details", "get status list"},
	{"new add make register", "create"},
	{"delete rm del destroy drop", "remove revoke delete"},
	{"stop kill abort terminate end", "cancel stop"},
	{"logs log tail follow stream events", "watch status"},
	{"switch set select choose activate", "use"},
	{"start exec execute invoke launch", "run"},
	{"poll await join", "wait status"},
	{"save pull fetch export", "download list"},
	{"status state check", "get list"},
	{"put send push", "upload"},
	{"chat ask prompt generate", "complete"},
}

// canonical writes a word as commands and flags are written: in lower case, with hyphens.
func canonical(word string) string { return strings.ReplaceAll(strings.ToLower(word), "_", "-") }

// UnknownCommand returns the error for a word that is no command below cmd, with the command that was probably meant. rest is what
// follows the word on the command line.
func UnknownCommand(cmd *cobra.Command, word string, rest ...string) error {
	e := &fail.Error{
		Code: fail.UnknownCommand, Message: fmt.Sprintf("unknown command %q for %s", word, cmd.CommandPath()),
	}
	targets := suggestCommands(cmd, canonical(word))
	if len(targets) == 0 {
		e.Hint = cmd.CommandPath() + " --help"
		names, _ := commandNames(cmd)
		if near := allNearest(canonical(word), names); len(near) > 0 {
			e.Message += "; did you mean one of these: " + strings.Join(near, ", ") + "?"
		}
		return e
	}
	target := targets[0]
	for _, other := range slices.Backward(targets) {
		if line := suggestedLine(cmd.Root(), other, rest); e.Hint == "" || !strings.HasSuffix(line, " --help") {
			e.Hint, target = line, other
		}
	}
	meant := strings.TrimPrefix(strings.Join(target, " "), strings.TrimPrefix(cmd.CommandPath()+" ", "lamina "))
	if meant != "--help" {
		e.Message += fmt.Sprintf("; did you mean %q?", meant)
	}
	return e
}

// suggestCommands returns the commands that a word below cmd may mean, each as its words, the likeliest first; none if that is uncertain.
func suggestCommands(cmd *cobra.Command, word string) [][]string {
	path := strings.Fields(cmd.CommandPath())[1:]
	names, aliases := commandNames(cmd)
	if slices.Contains(names, word) || slices.Contains(aliases, word) {
		return [][]string{append(path, word)}
	}
	if meant := synonymsOf(strings.Join(path, " "), word); len(meant) > 0 {
		return meant
	}
	if cmd.HasParent() {
		for _, v := range verbs {
			for _, name := range words(v.commands) {
				if slices.Contains(words(v.words), word) && slices.Contains(names, name) {
					return [][]string{append(path, name)}
				}
			}
		}
	}
	for _, candidates := range [][]string{names, aliases} {
		if near, _ := Nearest(word, candidates); near != "" {
			return [][]string{append(path, near)}
		}
	}
	return nil
}

// synonymsOf returns the commands of the rows that have a word below a noun; "" is the root.
func synonymsOf(path, word string) [][]string {
	var meant [][]string
	for _, s := range synonyms {
		noun, list, isBelow := strings.Cut(s.words, ":")
		if !isBelow {
			noun, list = "", s.words
		}
		if noun == path && slices.Contains(words(list), word) {
			meant = append(meant, words(s.command))
		}
	}
	return meant
}

// commandNames lists the names and the aliases of the commands below cmd.
func commandNames(cmd *cobra.Command) (names, aliases []string) {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names, aliases = append(names, c.Name()), append(aliases, c.Aliases...)
		}
	}
	return names, aliases
}

// suggestedLine returns a suggestion as a command line, with the typed arguments if the command takes them. A command that signs in or
// starts a server is suggested by its help; so is a command that needs arguments.
func suggestedLine(root *cobra.Command, target, rest []string) string {
	if i := slices.IndexFunc(rest, func(arg string) bool { return strings.HasPrefix(arg, "-") }); i >= 0 {
		rest = rest[:i]
	}
	help := fail.CommandLine(target...)
	if target[len(target)-1] == "--help" {
		return help
	}
	if slices.Contains([]string{"login", "auth login", "dev", "demo"}, strings.Join(target, " ")) {
		return help + " --help"
	}
	inLowerCase := slices.Clone(rest)
	for i := range min(1, len(rest)) {
		inLowerCase[i] = canonical(rest[i])
	}
	for _, args := range [][]string{slices.Concat(target, rest), slices.Concat(target, inLowerCase), target} {
		found, left, err := root.Find(args)
		if err != nil || !found.HasParent() {
			continue
		}
		if found.HasSubCommands() {
			if len(left) > 0 {
				continue
			}
			return found.CommandPath()
		}
		if found.ValidateArgs(left) == nil {
			return fail.CommandLine(args...)
		}
	}
	return help + " --help"
}

// allNearest returns the candidates that are most like a word, if there are at most three.
func allNearest(word string, candidates []string) []string {
	limit := differences(word)
	var near []string
	for _, candidate := range candidates {
		switch d := editDistance(word, candidate); {
		case d < limit:
			near, limit = []string{candidate}, d
		case d == limit:
			near = append(near, candidate)
		}
	}
	if len(near) > 3 {
		return nil
	}
	return near
}

// differences returns how many letters of a word may differ from what was meant.
func differences(word string) int {
	if len(word) >= 5 {
		return 2
	}
	return 1
}

// Nearest returns the candidate that is most like a word, and how many letters differ; "" if none is near, or several are equally near.
// Swapped neighbours count as one difference.
func Nearest(word string, candidates []string) (near string, distance int) {
	distance = differences(word) + 1
	for _, candidate := range candidates {
		switch d := editDistance(word, canonical(candidate)); {
		case d < distance:
			near, distance = candidate, d
		case d == distance && candidate != near:
			near = ""
		}
	}
	return near, distance
}

// editDistance counts the letters that must be inserted, removed, replaced, or swapped with their neighbour to make b of a (optimal
// string alignment).
func editDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range t {
		rows[0][j+1] = j + 1
	}
	for i := range s {
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			rows[i+1][j+1] = min(rows[i][j+1]+1, rows[i+1][j]+1, rows[i][j]+cost)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				rows[i+1][j+1] = min(rows[i+1][j+1], rows[i-1][j-1]+1)
			}
		}
	}
	return rows[len(s)][len(t)]
}

// SynonymLines returns a command line for each word of the tables of synonyms. Tests check them.
func SynonymLines() []string {
	var lines []string
	for _, s := range synonyms {
		noun, list, isBelow := strings.Cut(s.words, ":")
		if !isBelow {
			noun, list = "", s.words
		}
		for _, word := range words(list) {
			lines = append(lines, strings.TrimSpace(noun+" "+word))
		}
	}
	return lines
}

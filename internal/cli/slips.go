package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// flagSynonyms maps flags of other tools to flags here. The first row that names a flag of the command applies. A replacement of two
// words has the value in it; in its place, %s stands for the value that was typed.
var flagSynonyms = []struct{ words, replacement string }{
	{"format output-format out-format", "-o"},
	{"yaml", "--json"},
	{"table plain human", "-o text"},
	{"jsonl", "-o ndjson"},
	{"template t fields columns filter", "--jq"},
	{"no-color no-colour nocolor monochrome", "--color never"},
	{"colour", "--color"},
	{"verbose v trace log-level", "--debug"},
	{"silent no-progress q s", "--quiet"},
	{"non-interactive no-interactive no-prompt batch", "--no-input"},
	{"query", "--jq"},
	{"account context user identity", "--profile"},
	{"org organization team workspace-id", "--workspace"},
	{"service", "--provider"},
	{"cacert ca ca-cert ca-bundle insecure k skip-verify", "--ca-file"},
	{"dotenv env", "--env-file"},
	{"L n max count max-results per-page page-size first top", "--limit"},
	{"skip start-at", "--offset"},
	{"state", "--status"},
	{"created-after from", "--since"},
	{"app-id workflow", "--app"},
	{"O out out-dir output-dir dir dest destination save save-to", "--download"},
	{"p param parameter arg args var variable data field f set", "--input"},
	{"input-file inputs inputs-file params json-input body", "--file"},
	{"output-label label outputs", "--only"},
	{"detach background no-wait", "--async"},
	{"sync block follow watch", "--wait"},
	{"overwrite clobber", "--force"},
	{"callback-url webhook-url notify-url", "--webhook"},
	{"headless device-code device-auth", "--device"},
	{"web", "--browser"},
	{"no-launch-browser no-open", "--no-browser"},
	{"with-token key token api-token access-token", "--with-api-key"},
	{"y confirm assume-yes", "--yes"},
	{"repair", "--fix"},
	{"url host hostname base-url endpoint api-host", "--api-url"},
	{"port", "--addr 127.0.0.1:%s"},
}

// argumentFlags are flags of other tools that are arguments here: of the commands that take one.
const argumentFlags = "search query q keyword keywords app app-id id name run run-id path"

// variables are flags of other tools that are environment variables here.
var variables = []struct{ words, variable, form string }{
	{"api-key apikey key token api-token access-token", "LAMINA_API_KEY", "KEY"},
	{"url host hostname base-url endpoint api-host api-url", "LAMINA_BASE_URL", "URL"},
	{"config config-dir config-file", "LAMINA_CONFIG_DIR", "FOLDER"},
	{"timeout request-timeout", "LAMINA_REQUEST_TIMEOUT", "60s"},
	{"proxy", "HTTPS_PROXY", "URL"},
}

// flagError describes what is wrong with a flag. typed is the command line.
func flagError(cmd *cobra.Command, err error, typed []string) error {
	e := &fail.Error{Code: fail.InvalidArgument, Message: err.Error(), Hint: cmd.CommandPath() + " --help", Err: err}
	var invalid *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &invalid):
		e.Message = fmt.Sprintf("--%s must be %s, not %q", invalid.GetFlag().Name, flagWants(invalid.GetFlag()), invalid.GetValue())
	case errors.As(err, &unknown):
		suggestFlag(e, cmd, unknown, typed)
	}
	return e
}

// suggestFlag adds to the error for an unknown flag what was probably meant: an argument, a synonym, a flag that differs in a few letters,
// a variable, or an input of an app.
func suggestFlag(e *fail.Error, cmd *cobra.Command, unknown *pflag.NotExistError, typed []string) {
	name := unknown.GetSpecifiedName()
	if line := flagToArgument(typed, name); line != "" {
		e.Message += "; " + cmd.CommandPath() + " takes it as an argument"
		e.Hint = line
		return
	}
	meant := flagSynonym(cmd, name)
	if meant == "--file" && isPair(flagValue(typed, name)) {
		meant = "--input"
	}
	if near := nearestFlag(cmd, name); meant == "" && near != "" {
		meant = "--" + near
	}
	if meant != "" {
		words, _ := splitReplacement(meant)
		e.Message += fmt.Sprintf("; did you mean %s?", strings.Join(words, " "))
		if line := checkedLine(replaceFlag(typed, name, meant)); line != "" {
			e.Hint = line
		}
		return
	}
	for _, v := range variables {
		if slices.Contains(strings.Fields(v.words), name) && !takesInputs(cmd) {
			e.Message += "; it is set with " + v.variable
			e.Hint = "export " + v.variable + "=" + v.form
			return
		}
	}
	if line := checkedLine(flagsToInputs(cmd, typed)); line != "" {
		e.Message += "; inputs of an app are set with --input NAME=VALUE"
		e.Hint = line
	}
}

// flagValue returns the value that follows an unknown flag on a command line; "" if there is none.
func flagValue(typed []string, name string) string {
	for i, arg := range typed {
		spelled, value, isJoined := strings.Cut(arg, "=")
		if strings.TrimLeft(spelled, "-") != name || !strings.HasPrefix(spelled, "-") {
			continue
		}
		if isJoined {
			return value
		}
		if i+1 < len(typed) && !strings.HasPrefix(typed[i+1], "-") {
			return typed[i+1]
		}
	}
	return ""
}

// isPair reports whether a word is NAME=VALUE.
func isPair(word string) bool { return strings.Index(word, "=") > 0 && !strings.HasPrefix(word, "{") }

// flagToArgument returns a command line with the value of an unknown flag as an argument; "" if the command takes no such argument.
func flagToArgument(typed []string, name string) string {
	if !slices.Contains(strings.Fields(argumentFlags), name) || flagValue(typed, name) == "" {
		return ""
	}
	return checkedLine(replaceFlag(typed, name, ""))
}

// notInputs are flags with synonyms that are more likely inputs, where a command runs an app.
var notInputs = []string{"--jq", "--profile", "--workspace", "--provider", "--env-file", "--only"}

// takesInputs reports whether a command runs an app or a workflow, with --input NAME=VALUE.
func takesInputs(cmd *cobra.Command) bool {
	f := cmd.Flags().Lookup("input")
	return f != nil && f.Value.Type() == "stringArray"
}

// flagSynonym returns the flag of a command that another tool's flag means; "" if there is none.
func flagSynonym(cmd *cobra.Command, name string) string {
	for _, s := range flagSynonyms {
		flag, _, _ := strings.Cut(s.replacement, " ")
		if takesInputs(cmd) && slices.Contains(notInputs, flag) {
			continue
		}
		if f := lookup(cmd, flag); f != nil && !f.Hidden && slices.Contains(strings.Fields(s.words), name) {
			return s.replacement
		}
	}
	return ""
}

// lookup returns a flag of a command by its typed form, such as --limit or -o; nil if there is none.
func lookup(cmd *cobra.Command, typed string) *pflag.Flag {
	name := strings.TrimLeft(typed, "-")
	if strings.HasPrefix(typed, "--") {
		return cmd.Flag(name)
	}
	if len(name) != 1 {
		return nil
	}
	if f := cmd.Flags().ShorthandLookup(name); f != nil {
		return f
	}
	return cmd.InheritedFlags().ShorthandLookup(name)
}

// nearestFlag returns the one flag that name is an abbreviation or a misspelling of; "" if there is none.
func nearestFlag(cmd *cobra.Command, name string) string {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	var names, longer []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		names = append(names, f.Name)
		if len(name) > 2 && strings.HasPrefix(f.Name, name) {
			longer = append(longer, f.Name)
		}
	})
	switch {
	case len(name) < 2:
		return ""
	case slices.Contains(names, name):
		return name
	case len(longer) == 1:
		return longer[0]
	}
	near, _ := cmdutil.Nearest(name, names)
	return near
}

// splitReplacement returns the words of a replacement, and the form of a value that contains %s; "" if there is none.
func splitReplacement(meant string) (words []string, form string) {
	words = strings.Fields(meant)
	if n := len(words); n > 0 && strings.Contains(words[n-1], "%s") {
		return words[:n-1], words[n-1]
	}
	return words, ""
}

// replaceFlag returns a command line with another flag in place of an unknown one; "" leaves its value as an argument. A value that
// follows the unknown flag is kept.
func replaceFlag(typed []string, name, meant string) []string {
	var line []string
	words, form := splitReplacement(meant)
	for i := 0; i < len(typed); i++ {
		arg := typed[i]
		spelled, value, hasValue := strings.Cut(arg, "=")
		switch {
		case arg == "--":
			return append(line, typed[i:]...)
		case spelled == "--"+name || len(name) == 1 && spelled == "-"+name:
		case len(name) == 1 && strings.HasPrefix(arg, "-"+name): // -L2
			value, hasValue = arg[2:], true
		default:
			line = append(line, arg)
			continue
		}
		line = append(line, words...)
		if form != "" {
			if !hasValue && i+1 < len(typed) {
				i++
				value = typed[i]
			}
			value, hasValue = strings.ReplaceAll(form, "%s", value), true
		}
		if hasValue {
			line = append(line, value)
		}
	}
	return line
}

// flagsToInputs returns a command line with --input NAME=VALUE in place of each unknown flag; nil if the command has no inputs, or if a
// flag cannot be an input.
func flagsToInputs(cmd *cobra.Command, typed []string) []string {
	if !takesInputs(cmd) {
		return nil
	}
	var line []string
	for i := 0; i < len(typed); i++ {
		arg := typed[i]
		name, value, isJoined := strings.Cut(arg, "=")
		switch {
		case !strings.HasPrefix(arg, "-") || arg == "-":
			line = append(line, arg)
		case lookup(cmd, name) != nil:
			line = append(line, arg)
			if takesValue(cmd, arg) && i+1 < len(typed) {
				i++
				line = append(line, typed[i])
			}
		case !strings.HasPrefix(arg, "--"), arg == "--":
			return nil
		default:
			if !isJoined {
				if i+1 >= len(typed) || strings.HasPrefix(typed[i+1], "-") {
					return nil
				}
				i++
				value = typed[i]
			}
			line = append(line, "--input", strings.TrimLeft(name, "-")+"="+value)
		}
	}
	return line
}

// areFieldNames reports whether a word is what follows --json in gh: names of fields, separated by commas.
func areFieldNames(word string) bool {
	for name := range strings.SplitSeq(word, ",") {
		isOther := func(r rune) bool {
			return r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
		}
		if name == "" || unicode.IsDigit(rune(name[0])) || strings.ContainsFunc(name, isOther) {
			return false
		}
	}
	return true
}

// argumentSlip returns the command line that was meant by one with an argument too many; "" if there is none: NAME=VALUE without
// --input, or the names of fields after --json.
func argumentSlip(typed []string) string {
	cmd, rest, err := Tree().Find(typed)
	if err != nil || cmd.ParseFlags(rest) != nil || cmd.ValidateArgs(cmd.Flags().Args()) == nil {
		return ""
	}
	if line := fieldsToFilter(cmd, typed); line != "" {
		return line
	}
	if !takesInputs(cmd) || cmd.Flags().NArg() < 2 {
		return ""
	}
	var line []string
	for _, arg := range typed {
		if strings.Contains(arg, "=") && !strings.HasPrefix(arg, "-") && slices.Contains(cmd.Flags().Args()[1:], arg) {
			line = append(line, "--input")
		}
		line = append(line, arg)
	}
	if line := checkedLine(line); line != "" {
		return line
	}
	return fail.CommandLine(append(strings.Fields(cmd.CommandPath())[1:], cmd.Flags().Arg(0), "--help")...)
}

// fieldsToFilter returns a command line with --jq in place of the names of fields after --json; "" if there are none.
func fieldsToFilter(cmd *cobra.Command, typed []string) string {
	i := slices.Index(typed, "--json")
	if i < 0 || i+1 >= len(typed) || !areFieldNames(typed[i+1]) {
		return ""
	}
	filter := fieldFilter(typed[i+1], cmd.Name() == "list")
	return checkedLine(slices.Concat(typed[:i+1], []string{"--jq", filter}, typed[i+2:]))
}

// fieldsAsQuery returns an error for several names of fields after --json that a list would take for words to search for.
func fieldsAsQuery(typed []string) error {
	i := slices.Index(typed, "--json")
	if i < 0 || i+1 >= len(typed) || !strings.Contains(typed[i+1], ",") {
		return nil // before the command tree is built, which takes time
	}
	if cmd, _, err := Tree().Find(typed); err == nil && cmd.Name() == "list" {
		if line := fieldsToFilter(cmd, typed); line != "" {
			return fail.Usage(line, "--json takes no names of fields, but %q follows it", typed[i+1])
		}
	}
	return nil
}

// fieldFilter returns the jq expression that selects fields of a response.
func fieldFilter(fields string, isList bool) string {
	data := ".data"
	if isList {
		data += "[]"
	}
	if !strings.Contains(fields, ",") {
		return data + "." + fields
	}
	return data + " | {" + strings.ReplaceAll(fields, ",", ", ") + "}"
}

// checkedLine returns a command line as it can be typed, if the program accepts it; else "".
func checkedLine(args []string) string {
	if !fail.MayRepeat(args) {
		return ""
	}
	cmd, rest, err := Tree().Find(args)
	if len(args) == 0 || err != nil || cmd.HasSubCommands() || cmd.ParseFlags(rest) != nil || cmd.ValidateArgs(cmd.Flags().Args()) != nil {
		return ""
	}
	if f := cmd.Flag("output"); f != nil && f.Changed {
		if _, err := output.ParseFormat(f.Value.String()); err != nil {
			return ""
		}
	}
	if f := cmd.Flag("jq"); f != nil && f.Changed && output.CheckFilter(f.Value.String()) != nil {
		return ""
	}
	return fail.CommandLine(args...)
}

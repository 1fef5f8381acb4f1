package fail

import (
	"slices"
	"strings"
)

// selectors are the flags that decide which account, service and connection a command uses.
var selectors = []string{"--provider", "--profile", "--workspace", "--env-file", "--ca-file"}

// valuedFlags are the flags of every command that take a value. They may stand before the command.
var valuedFlags = slices.Concat(selectors, []string{"--output", "-o", "--jq", "--color"})

// localCommands do not depend on an account, so that hints at them need no selectors.
var localCommands = []string{"dev", "demo", "explain", "completion", "help", "version", "upgrade", "profile"}

// missingSelectors returns the typed selectors, each followed by its value, that a command takes and lacks.
func (c Context) missingSelectors(noun, verb string, has func(flag string) bool) []string {
	if noun == "" || slices.Contains(localCommands, noun) || has("--help") {
		return nil
	}
	var missing []string
	for _, flag := range selectors {
		value := typedFlag(c.Args, flag)
		// A hint for another profile than the typed one, such as "lamina login" for the default profile, keeps its target.
		isTarget := flag == "--profile" && c.Credential.Profile != "" && c.Credential.Profile != value
		if value == "" || isTarget || has(flag) || flag == "--provider" && !takesProvider([]string{noun, verb}) {
			continue
		}
		missing = append(missing, flag, value)
	}
	return missing
}

// takesProvider reports whether a command has the flag --provider.
func takesProvider(args []string) bool {
	if len(args) > 1 && args[0] == "auth" && args[1] == "scan" {
		return false
	}
	return len(args) > 0 && slices.Contains([]string{"login", "logout", "whoami", "auth", "doctor", "api"}, args[0])
}

// commandWords returns the first two words of a command line that are neither flags nor their values.
func commandWords(args []string) (first, second string) {
	var words []string
	for i := 0; i < len(args) && args[i] != "--" && len(words) < 2; i++ {
		switch {
		case slices.Contains(valuedFlags, args[i]):
			i++
		case !strings.HasPrefix(args[i], "-"):
			words = append(words, args[i])
		}
	}
	words = append(words, "", "")
	return words[0], words[1]
}

// typedFlag returns the value of a flag on a command line, "" if it is absent. The last one counts.
func typedFlag(args []string, flag string) (value string) {
	for i, arg := range args {
		switch joined, ok := strings.CutPrefix(arg, flag+"="); {
		case arg == "--":
			return value
		case ok:
			value = joined
		case arg == flag && i+1 < len(args):
			value = args[i+1]
		}
	}
	return value
}

// hasFlag reports whether a flag is on a command line.
func hasFlag(args []string, flag string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return arg == flag || strings.HasPrefix(arg, flag+"=") })
}

// isSignIn reports whether the command line is `lamina login` or `lamina auth login`.
func (c Context) isSignIn() bool {
	noun, verb := commandWords(c.Args)
	return noun == "login" || noun == "auth" && verb == "login"
}

// The flags of a sign-in that belong to one method. Those that take a value are separate.
var (
	browserFlags  = []string{"--browser", "--no-browser"}
	browserValues = []string{"--callback-port", "--redirect-uri"}
	methodFlags   = []string{"--browser", "--no-browser", "--device", "--copy", "--resume", "--remember", "--with-client-secret"}
	methodValues  = []string{
		"--callback-port", "--redirect-uri", "--issuer", "--client-id", "--client-key", "--client-key-audience", "--scope", "--param", "--prompt",
		"--registration-token",
	}
	outputValues = []string{"--output", "-o", "--jq"}
)

// repeatSignIn returns the command line of a sign-in without what must not be typed again: output formats, what contradicts the flags
// that are going to be added, and a key. --api-key becomes --with-api-key, which prompts for it. The second step of a sign-in in two
// steps becomes the first.
func repeatSignIn(args, added []string) []string {
	hasKey, hasJSON := hasFlag(args, "--api-key"), asksForJSON(args)
	args = withoutFlags(args, []string{"--json"}, append(slices.Clone(outputValues), "--api-key"))
	switch {
	case slices.Contains(added, "--with-api-key"):
		args, hasKey = withoutFlags(args, methodFlags, methodValues), false
	case slices.Contains(added, "--resume"): // the first step stored what its flags said
		args = withoutFlags(args, methodFlags, append(slices.Clone(methodValues), "--api-url"))
	case slices.Contains(added, "--device"):
		args = withoutFlags(args, append(slices.Clone(browserFlags), "--resume"), browserValues)
	case hasFlag(args, "--resume"):
		args, hasJSON = withoutFlags(args, []string{"--resume"}, nil), true
	}
	for i, flag := range added {
		switch {
		case flag == "--set" && i+1 < len(added):
			args = withoutSetting(args, added[i+1])
		case i+1 < len(added) && !strings.HasPrefix(added[i+1], "-"):
			args = withoutFlags(args, nil, []string{flag})
		case strings.HasPrefix(flag, "-"):
			args = withoutFlags(args, []string{flag}, nil)
		}
	}
	if hasKey && !hasFlag(args, "--with-api-key") {
		args = append(args, "--with-api-key")
	}
	if hasJSON && hasFlag(args, "--device") {
		args = append(args, "--json")
	}
	return args
}

// asksForJSON reports whether a command line asks for JSON, with which --device is a sign-in in two steps.
func asksForJSON(args []string) bool {
	format := typedFlag(args, "--output") + typedFlag(args, "-o")
	return hasFlag(args, "--json") || hasFlag(args, "--jq") || strings.HasSuffix(format, "json") || slices.Contains(args, "-ojson")
}

// withoutSetting removes --set flags of the same name as a setting, and those without a value.
func withoutSetting(args []string, setting string) []string {
	name, _, _ := strings.Cut(setting, "=")
	var kept []string
	for i := 0; i < len(args); i++ {
		value, isJoined := strings.CutPrefix(args[i], "--set=")
		if args[i] == "--set" && i+1 < len(args) {
			value = args[i+1]
		}
		typed, _, isPair := strings.Cut(value, "=")
		if isSet := isJoined || args[i] == "--set"; isSet && (typed == name || !isPair) {
			if !isJoined {
				i++
			}
			continue
		}
		kept = append(kept, args[i])
	}
	return kept
}

// withoutFlags removes flags from a command line. Those in alone take no value, those in valued take one. The result shares no memory
// with args.
func withoutFlags(args, alone, valued []string) []string {
	kept := []string{}
	for i := 0; i < len(args); i++ {
		name, _, isJoined := strings.Cut(args[i], "=")
		switch {
		case slices.Contains(valued, name) && !isJoined:
			i++
		case slices.Contains(alone, name), slices.Contains(valued, name):
		case len(name) > 2 && name[1] != '-' && slices.Contains(valued, name[:2]): // -ojson
		default:
			kept = append(kept, args[i])
		}
	}
	return kept
}

// WithoutFlag removes a flag that takes a value from a command line.
func WithoutFlag(args []string, flag string) []string { return withoutFlags(args, nil, []string{flag}) }

// secretWords are parts of the names of flags and inputs with values that must not be repeated.
var secretWords = []string{"key", "token", "secret", "passw", "pwd", "credential", "auth"}

func isSecretName(name string) bool {
	return slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(strings.ToLower(name), word) })
}

// MayRepeat reports whether a hint may repeat a command line: no flag and no input has a value that may be a secret.
func MayRepeat(args []string) bool {
	for _, arg := range args {
		name, _, isPair := strings.Cut(arg, "=")
		isNamed := isPair || strings.HasPrefix(arg, "-")
		hasPassword := strings.Contains(arg, "://") && strings.Contains(arg, "@")
		isSecret := isNamed && isSecretName(name) && name != "--with-api-key"
		if isSecret || hasPassword || name == "-H" || name == "--header" {
			return false
		}
	}
	return true
}

package fail

import (
	"slices"
	"strings"
	"unicode"

	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

// Credential says which credential a command uses and where it comes from. The zero value is the default profile of Lamina.
type Credential struct {
	Provider provider.Provider
	Profile  string // of a stored credential
	Variable string // the environment variable that holds the key; empty for a stored credential
	File     string // the file of --env-file that Variable comes from; empty for the environment
	Session  bool   // an OAuth session, not an API key
}

// String names the credential in a sentence.
func (c Credential) String() string {
	name := "the API key"
	if c.Session {
		name = "the session"
	}
	switch {
	case c.Variable != "" && c.File != "":
		return name + " in " + c.Variable + " of " + c.File
	case c.Variable != "":
		return name + " in " + c.Variable
	case c.Profile != "":
		return name + " of profile " + c.Profile
	}
	return "this credential"
}

// service returns the credential's service, Lamina if none is set.
func (c Credential) service() provider.Provider {
	if c.Provider.Name == "" {
		return provider.Lamina()
	}
	return c.Provider
}

// SignIn returns the command that signs in to a profile of the credential's service; the empty profile is the service's
// default. If the failed command is itself a sign-in, the result repeats its flags. Flags are added at the end.
func (c Context) SignIn(profile string, flags ...string) string {
	if typed, ok := c.typedLogin(flags); ok {
		return CommandLine(append(typed, flags...)...)
	}
	p := c.Credential.service()
	args := []string{"login"}
	if !p.IsDefault() {
		args = append(args, "--provider", p.Name)
	}
	if profile != "" && profile != p.DefaultProfile() {
		args = append(args, "--profile", profile)
	}
	return CommandLine(append(args, flags...)...)
}

// typedLogin returns the command line if it is a sign-in that can be repeated: it holds no key, is not the second step of another
// command, and has none of the flags that are to be added. Flags that contradict the added ones are left out.
func (c Context) typedLogin(added []string) (args []string, ok bool) {
	if len(c.Args) == 0 || c.Args[0] != "login" {
		return nil, false
	}
	unrepeatable := append([]string{"--api-key", "--with-api-key", "--resume"}, added...)
	for _, arg := range c.Args {
		if name, _, _ := strings.Cut(arg, "="); slices.Contains(unrepeatable, name) {
			return nil, false
		}
	}
	if slices.Contains(added, "--device") {
		return withoutFlags(c.Args, []string{"--browser", "--no-browser"}, []string{"--callback-port"}), true
	}
	return slices.Clone(c.Args), true
}

// withoutFlags returns a command line without some flags: alone ones have no value, valued ones have.
func withoutFlags(args, alone, valued []string) []string {
	var kept []string
	for i := 0; i < len(args); i++ {
		name, _, isJoined := strings.Cut(args[i], "=")
		switch {
		case slices.Contains(valued, name) && !isJoined:
			i++
		case slices.Contains(alone, name), slices.Contains(valued, name):
		default:
			kept = append(kept, args[i])
		}
	}
	return kept
}

// replaceCredential returns what to do about a credential that the service does not accept.
func (c Context) replaceCredential() string {
	cred := c.Credential
	if cred.Variable == "" {
		return c.SignIn(cred.Profile)
	}
	set := "set " + cred.Variable + " to a valid key"
	if cred.File != "" {
		set += " in " + cred.File
	}
	return set + " (" + cred.service().KeysPlace() + ")"
}

// ChangeSettings returns the command that changes settings of the credential, given as NAME=VALUE: a sign-in with --set, or an export of
// the variables for a key of the environment.
func (c Context) ChangeSettings(settings []string) string {
	p := c.Credential.service()
	if c.Credential.Variable == "" {
		var flags []string
		for _, s := range settings {
			flags = append(flags, "--set", s)
		}
		return c.SignIn(c.Credential.Profile, flags...)
	}
	var exports []string
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		if variable := variableOf(p, name); variable != "" {
			exports = append(exports, variable+"="+value)
		}
	}
	return "export " + strings.Join(exports, " ")
}

// variableOf returns the environment variable of a setting.
func variableOf(p provider.Provider, name string) string {
	variables := p.BaseURLEnv
	if name != "url" {
		s, _ := p.Setting(name)
		variables = s.Env
	}
	if len(variables) == 0 {
		return ""
	}
	return variables[0]
}

// Command returns a command for the credential in use, with the --provider and --profile that select it.
func (c Context) Command(args ...string) string {
	p := c.Credential.service()
	if !p.IsDefault() && takesProvider(args) {
		args = append(args, "--provider", p.Name)
	}
	if profile := c.Credential.Profile; profile != "" && profile != p.DefaultProfile() {
		args = append(args, "--profile", profile)
	}
	return CommandLine(args...)
}

// takesProvider reports whether a command has the flag --provider.
func takesProvider(args []string) bool {
	return len(args) > 0 && slices.Contains([]string{"login", "logout", "whoami", "auth", "doctor", "api"}, args[0])
}

// addSelectors adds to a suggested command the --profile and --provider that the user typed.
func (c Context) addSelectors(hint string) string {
	command, ok := strings.CutPrefix(hint, "lamina ")
	if !ok {
		return hint
	}
	noun, _, _ := strings.Cut(command, " ")
	if strings.Contains(hint, "--help") || slices.Contains([]string{"dev", "demo", "explain", "completion", "help", "version", "profile"}, noun) {
		return hint
	}
	end := len(hint)
	for _, tail := range []string{" <", ", ", "; ", " ("} { // input, or words about the command
		if i := strings.Index(hint, tail); i >= 0 {
			end = min(end, i)
		}
	}
	command, tail := hint[:end], hint[end:]
	for _, flag := range []string{"--provider", "--profile"} {
		value := typedFlag(c.Args, flag)
		isTarget := flag == "--profile" && c.Credential.Profile != "" && c.Credential.Profile != value // names another profile than the one in use
		if value == "" || isTarget || strings.Contains(hint, flag) || flag == "--provider" && !takesProvider([]string{noun}) {
			continue
		}
		command += " " + flag + " " + Quote(value)
	}
	return command + tail
}

// typedFlag returns the value of a flag on a command line, "" if it is absent.
func typedFlag(args []string, flag string) string {
	for i, arg := range args {
		switch value, ok := strings.CutPrefix(arg, flag+"="); {
		case arg == "--":
			return ""
		case ok:
			return value
		case arg == flag && i+1 < len(args):
			return args[i+1]
		}
	}
	return ""
}

// CommandLine returns a lamina command as it can be typed into a shell: each argument is quoted where needed.
func CommandLine(args ...string) string {
	line := "lamina"
	for _, arg := range args {
		line += " " + Quote(arg)
	}
	return line
}

// Quote returns an argument in the form in which a POSIX shell reads it as one word, without control characters.
func Quote(arg string) string {
	arg = term.Flat(arg)
	if arg != "" && !strings.ContainsFunc(arg, isSpecial) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// isSpecial reports whether a shell may read a character as something other than itself.
func isSpecial(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-+=:,./@%…", r)
}

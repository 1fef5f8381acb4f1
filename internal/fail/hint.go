package fail

import (
	"slices"
	"strings"
	"unicode"

	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/term"
)

// Credential says which credential a command uses and where it comes from. The zero value stands for the default profile of
// Lamina.
type Credential struct {
	Provider provider.Provider
	Profile  string // of a stored credential
	Variable string // the environment variable that holds the key; empty for a stored credential
	File     string // the file of --env-file that sets Variable; empty if the environment itself does
	Session  bool   // an OAuth session, not an API key
}

// String returns words for use inside a sentence, such as "the API key of profile work".
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
// default. If the failed command is itself a sign-in, SignIn repeats that command line and ignores profile. In both cases flags are
// appended.
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

// typedLogin returns the command line if it is a sign-in that can be repeated: it neither passes an API key (--api-key,
// --with-api-key) nor finishes an earlier sign-in (--resume), and has none of the added flags. If --device is added, the flags
// of the browser are left out.
func (c Context) typedLogin(added []string) (args []string, ok bool) {
	words := c.Args
	if len(words) > 0 && words[0] == "auth" {
		words = words[1:]
	}
	if len(words) == 0 || words[0] != "login" {
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

// withoutFlags removes flags from a command line. Those in alone take no value, those in valued take one.
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

// ChangeSettings returns the command that changes settings, given as NAME=VALUE. For a stored credential it is a sign-in with --set;
// for a key in the environment it exports the variables of the settings.
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

// variableOf returns the first environment variable of a setting, or of the address for the name url; "" if there is none.
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

// Command returns a command with the flags that select the credential in use.
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
	for _, tail := range []string{" <", ", ", "; ", " ("} { // a redirection of stdin, or words after the command
		if i := strings.Index(hint, tail); i >= 0 {
			end = min(end, i)
		}
	}
	command, tail := hint[:end], hint[end:]
	for _, flag := range []string{"--provider", "--profile"} {
		value := typedFlag(c.Args, flag)
		// A hint for another profile than the typed one, such as "lamina login" for the default profile, keeps its target.
		isTarget := flag == "--profile" && c.Credential.Profile != "" && c.Credential.Profile != value
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

// Quote removes control characters from an argument and quotes it, if needed, so that a POSIX shell reads it as one word.
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

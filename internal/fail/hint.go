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
// added; they replace flags of the command line that contradict them.
func (c Context) SignIn(profile string, flags ...string) string {
	if c.isSignIn() {
		return c.compose(append(repeatSignIn(c.Args, flags), flags...))
	}
	p := c.Credential.service()
	args := []string{"login"}
	if !p.IsDefault() {
		args = append(args, "--provider", p.Name)
	}
	if profile != "" && profile != p.DefaultProfile() {
		args = append(args, "--profile", profile)
	}
	return c.compose(append(args, flags...))
}

// MissingCredential returns what to do where there is no valid credential for a profile: sign in, or in CI, where no user can, set
// the variable of the service's key.
func (c Context) MissingCredential(profile string) string {
	p := c.Credential.service()
	if !c.InCI || p.EnvKey == "" {
		return c.SignIn(profile)
	}
	hint := "set " + p.EnvKey + " to an API key"
	if place := p.KeysPlace(); place != "" {
		hint += " (" + place + ")"
	}
	if typedFlag(c.Args, "--profile") != "" {
		hint += ", and leave out --profile, which overrides it"
	}
	return hint
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

// Command returns a command with the flags that select the credential in use, and those of Next.
func (c Context) Command(args ...string) string {
	p := c.Credential.service()
	if !p.IsDefault() && takesProvider(args) {
		args = append(args, "--provider", p.Name)
	}
	if profile := c.Credential.Profile; profile != "" && profile != p.DefaultProfile() {
		args = append(args, "--profile", profile)
	}
	return c.compose(args)
}

// Next returns a command that a user may type next. It has the selectors of the command line: --profile, and the other flags that
// decide which account, service and connection a command uses.
func (c Context) Next(args ...string) string { return c.compose(args) }

// compose returns a command line with the typed selectors that it lacks, and without secrets.
func (c Context) compose(args []string) string {
	noun, verb := commandWords(args)
	missing := c.missingSelectors(noun, verb, func(flag string) bool { return hasFlag(args, flag) })
	return c.Secrets.Text(CommandLine(slices.Concat(args, missing)...))
}

// addSelectors adds the typed selectors to a hint that is written as text: a command, perhaps with words or a redirection of stdin
// after it.
func (c Context) addSelectors(hint string) string {
	command, ok := strings.CutPrefix(hint, "lamina ")
	if !ok {
		return hint
	}
	end := len(hint) - len(command) + endOfCommand(command)
	words := strings.Fields(hint[:end])
	noun, verb := commandWords(words[1:])
	line := hint[:end]
	for _, word := range c.missingSelectors(noun, verb, func(flag string) bool { return hasFlag(words, flag) }) {
		line += " " + Quote(word)
	}
	return line + hint[end:]
}

// endOfCommand returns where a command ends in a hint: before a redirection of stdin, or before words about it. Quoted text does not
// end a command.
func endOfCommand(hint string) int {
	quote := byte(0)
	for i := range len(hint) {
		switch {
		case quote != 0:
			if hint[i] == quote {
				quote = 0
			}
		case hint[i] == '\'', hint[i] == '"':
			quote = hint[i]
		case slices.ContainsFunc([]string{" <", ", ", "; ", " ("}, func(tail string) bool { return strings.HasPrefix(hint[i:], tail) }):
			return i
		}
	}
	return len(hint)
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
	if arg != "" && !strings.ContainsFunc(arg, isSpecial) && !strings.HasSuffix(arg, ",") { // a comma and a space end the command of a hint
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// isSpecial reports whether a shell may read a character as something other than itself.
func isSpecial(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-+=:,./@%…", r)
}

package cmdutil

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// AtMostOne refuses flags that contradict each other.
func AtMostOne(cmd *cobra.Command, names ...string) error {
	var given []string
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) < 2 {
		return nil
	}
	return fail.Usage(cmd.CommandPath()+" --help", "%s cannot be combined: choose one", strings.Join(given, " and "))
}

// valueSynonyms maps what other tools call a value of a flag to what it is called here.
var valueSynonyms = []struct{ words, value string }{
	{"done finished success successful succeeded ok complete", "completed"},
	{"error errored failure", "failed"},
	{"canceled aborted stopped killed terminated", "cancelled"},
	{"pending waiting created scheduled", "queued"},
	{"in-progress active started processing", "running"},
	{"yes on true", "always"},
	{"no off false none", "never"},
	{"normal default", "balanced"},
	{"os system secret-service keychain wincred", "keyring"},
	{"plain disk plaintext", "file"},
}

// OneOf returns an error unless a value is allowed. The error names the value that was probably meant. name is the source of the value,
// such as --status.
func OneOf(name, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	last := len(allowed) - 1
	message := fmt.Sprintf("%s must be %s or %s, not %s", name, strings.Join(allowed[:last], ", "), allowed[last], output.Quote(value))
	if meant := meantValue(value, allowed); meant != "" {
		message += fmt.Sprintf("; did you mean %s?", meant)
	}
	return fail.Usage("", "%s", message)
}

// meantValue returns the allowed value that another word means; "" if that is uncertain.
func meantValue(value string, allowed []string) string {
	word := canonical(value)
	for _, s := range valueSynonyms {
		if slices.Contains(strings.Fields(s.words), word) && slices.Contains(allowed, s.value) {
			return s.value
		}
	}
	for _, a := range allowed {
		if strings.EqualFold(a, value) {
			return a
		}
	}
	near, _ := Nearest(word, allowed)
	return near
}

// NoArgs refuses arguments.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fail.Usage(cmd.CommandPath()+" --help", "%s takes no argument, but got %q", cmd.CommandPath(), args[0])
}

// OptionalArg accepts one argument or none.
func OptionalArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		if args[0] == "." || args[0] == ".." {
			args = append([]string{name}, args[1:]...)
		}
		return NeedArgs(name)(cmd, args)
	}
}

// AtMostArgs accepts as many arguments as there are names, or fewer.
func AtMostArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= len(names) {
			return nil
		}
		return NeedArgs(names...)(cmd, args)
	}
}

// NeedArgs requires one argument for each name. If the last name ends in an ellipsis, more arguments may follow.
func NeedArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		help := cmd.CommandPath() + " --help"
		last := names[len(names)-1]
		for i, arg := range args {
			name := strings.TrimSuffix(names[min(i, len(names)-1)], "…")
			if arg == "" || (arg == "." || arg == "..") && name != "DIR" {
				return fail.Usage(help, "%q is not a valid %s", arg, name)
			}
		}
		switch {
		case len(args) < len(names):
			return fail.Usage(help, "%s needs the argument %s", cmd.CommandPath(), strings.TrimSuffix(names[len(args)], "…"))
		case len(args) > len(names) && !strings.HasSuffix(last, "…"):
			return fail.Usage(help, "%s takes only %s, but also got %q", cmd.CommandPath(), strings.Join(names, " "), args[len(names)])
		}
		return nil
	}
}

// NewNoun returns a command that only groups others.
func NewNoun(use, short string, commands ...*cobra.Command) *cobra.Command {
	noun := &cobra.Command{
		Use: use + " COMMAND", Short: short,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return UnknownCommand(cmd, args[0], args[1:]...)
			}
			var names []string
			for _, c := range cmd.Commands() {
				if !c.Hidden {
					names = append(names, c.Name())
				}
			}
			return &fail.Error{
				Code: fail.NoCommand, Message: fmt.Sprintf("%s needs a command: %s", cmd.CommandPath(), strings.Join(names, ", ")),
				Hint: cmd.CommandPath() + " --help",
			}
		},
	}
	noun.AddCommand(commands...)
	return noun
}

// ListByDefault makes a noun run its list command when no command is named.
func ListByDefault(noun *cobra.Command) *cobra.Command {
	otherwise := noun.RunE
	noun.RunE = func(cmd *cobra.Command, args []string) error {
		list, _, err := noun.Find([]string{"list"})
		if err != nil || list == noun || len(args) > 0 {
			return otherwise(cmd, args)
		}
		return list.RunE(cmd, args)
	}
	return noun
}

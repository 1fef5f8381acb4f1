package content

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/fail"
)

// repeat returns a function that returns the arguments of a command line again, with more of them. brief, if not nil, is its
// argument, which may change in between.
func repeat(cmd *cobra.Command, brief *string) func(more ...string) []string {
	return func(more ...string) []string {
		args := strings.Fields(cmd.CommandPath())[1:]
		if brief != nil {
			args = append(args, asArgument(*brief))
		}
		return slices.Concat(args, typedFlags(cmd.LocalNonPersistentFlags()), more)
	}
}

// typedFlags returns the flags that were typed, with their values.
func typedFlags(flags *pflag.FlagSet) []string {
	var args []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Changed {
			return
		}
		list, isList := f.Value.(pflag.SliceValue)
		switch {
		case isList:
			for _, value := range list.GetSlice() {
				args = append(args, "--"+f.Name, repeatable(f.Name, value))
			}
		case f.NoOptDefVal == "":
			args = append(args, "--"+f.Name, repeatable(f.Name, f.Value.String()))
		case f.NoOptDefVal == f.Value.String():
			args = append(args, "--"+f.Name)
		default:
			args = append(args, "--"+f.Name+"="+f.Value.String())
		}
	})
	return args
}

// repeatable returns the value of a flag for a command to type again: a placeholder for stdin, which was read, and for what may be
// secret.
func repeatable(flag, value string) string {
	name, _, isPair := strings.Cut(value, "=")
	switch {
	case value == "-" && flag != "download":
		return placeholder
	case fail.MayRepeat([]string{"--" + flag, value}):
		return value
	case isPair:
		return strings.TrimSuffix(name, ":") + "=" + placeholder
	}
	return placeholder
}

// asArgument returns a brief as an argument. One that begins with a hyphen must not be read as a flag; the space is ignored.
func asArgument(brief string) string {
	if strings.HasPrefix(brief, "-") {
		return " " + brief
	}
	return brief
}

package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/output"
)

// flags are the ones that mean the same in every command.
type flags struct {
	profile   string
	provider  string
	envFile   string
	workspace string
	output    string
	json      bool
	jq        string
	quiet     bool
	debug     bool
	noInput   bool
	color     string
	caFile    string
}

func (f *flags) add(set *pflag.FlagSet) {
	set.StringVar(&f.profile, "profile", "", "use the account that was saved under this `NAME`")
	set.StringVar(&f.workspace, "workspace", "", "refuse a credential of any other workspace than this `ID`")
	set.StringVarP(&f.output, "output", "o", "", "write data in this `FORMAT`: text, json, ndjson or auto")
	set.BoolVar(&f.json, "json", false, "write data as JSON: short for -o json")
	set.StringVar(&f.jq, "jq", "", "filter the JSON with this jq `EXPRESSION`")
	set.BoolVar(&f.quiet, "quiet", false, "print data and errors only")
	set.BoolVar(&f.debug, "debug", false, "show the HTTP exchange on stderr, without secrets")
	set.BoolVar(&f.noInput, "no-input", false, "never ask, and never open a browser")
	set.StringVar(&f.color, "color", "auto", "use colour `WHEN`: auto, always or never")
	set.StringVar(&f.envFile, "env-file", "", "take keys and addresses of services from this `FILE` of NAME=VALUE lines, where the environment has none")
	set.StringVar(&f.caFile, "ca-file", "", "trust the certificate authorities in this PEM `FILE` too")
}

// machine reports whether JSON was asked for in so many words.
func (f *flags) machine() bool {
	return f.json || f.jq != "" || f.output == string(output.JSON) || f.output == string(output.NDJSON)
}

func newRoot(env *Env) *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "lamina",
		Short: "Run packaged AI workflows from the command line",
		Long: "Lamina runs packaged AI workflows, called apps, and brings back their images, videos and text.\n\n" +
			"Sign in once with 'lamina login', or set LAMINA_API_KEY. To try everything without an account or a network,\n" +
			"type 'lamina demo'.",
		Example: "lamina login\n" +
			"lamina apps list\n" +
			"lamina run poster --input text=\"Hello\" --wait --download ./pictures/",
		Args:              cobra.ArbitraryArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.HasParent() {
				env.stop = heedSignals(cmd)
			}
			if err := env.readEnvFile(); err != nil {
				return err
			}
			return env.begin(cmd.Context())
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			if version {
				return env.raw(env.Build.String() + "\n")
			}
			return cmd.Help()
		},
	}
	root.SetOut(env.Streams.Out)
	root.SetErr(env.Streams.Err)
	root.SetHelpFunc(env.help)
	root.SetUsageFunc(func(*cobra.Command) error { return nil })
	root.SetFlagErrorFunc(flagError)
	env.flags.add(root.PersistentFlags())
	root.PersistentFlags().BoolP("help", "h", false, "show this help")
	root.Flags().BoolVarP(&version, "version", "v", false, "show the version of this program")
	root.AddGroup(
		&cobra.Group{ID: groupWork, Title: "Work"},
		&cobra.Group{ID: groupServices, Title: "Other services"},
		&cobra.Group{ID: groupAccount, Title: "Account"},
		&cobra.Group{ID: groupLocal, Title: "On your machine"},
	)
	inGroup(root, groupWork, newAppsCmd(env), newRunCmd(env), newRunsCmd(env), newAPICmd(env))
	inGroup(root, groupServices, newLaminrCmd(env), newLamaticCmd(env), newLightfastCmd(env), newLaghavCmd(env))
	inGroup(root, groupAccount, newLoginCmd(env), newLogoutCmd(env), newWhoamiCmd(env), newAuthCmd(env), newProfileCmd(env))
	inGroup(root, groupLocal, newDemoCmd(env), newDevCmd(env), newCompletionCmd(env), newHelpCmd(env), newVersionCmd(env))
	inGroup(root, groupLocal, newDoctorCmd(env), newExplainCmd(env))
	_ = root.RegisterFlagCompletionFunc("profile", func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return env.completeProfiles(cmd, nil, typed)
	})
	root.SetHelpCommand(&cobra.Command{Hidden: true, Use: "no-help"})
	return root
}

// The groups in which the root's help shows its commands.
const (
	groupWork     = "work"
	groupServices = "services"
	groupAccount  = "account"
	groupLocal    = "local"
)

func inGroup(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
		root.AddCommand(c)
	}
}

// newNoun returns a command that only holds others. They are made only if the command line has the noun's name in it: making
// all of them is a part of the start-up that a person notices.
func newNoun(env *Env, use, short string, aliases []string, commands func() []*cobra.Command) *cobra.Command {
	noun := &cobra.Command{
		Use: use + " COMMAND", Short: short, Aliases: aliases,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			var names []string
			for _, c := range cmd.Commands() {
				if !c.Hidden {
					names = append(names, c.Name())
				}
			}
			return &usageError{
				code: codeNoCommand, message: fmt.Sprintf("%s needs a command: %s", cmd.CommandPath(), strings.Join(names, ", ")),
				hint: cmd.CommandPath() + " --help",
			}
		},
	}
	if env.names(append(aliases, use)) {
		noun.AddCommand(commands()...)
	}
	return noun
}

// names reports whether the command line has one of these words. Without a command line everything is named.
func (e *Env) names(words []string) bool {
	return e.args == nil || slices.ContainsFunc(e.args, func(arg string) bool { return slices.Contains(words, arg) })
}

// listing makes a noun do what its list does, when nothing else is said.
func listing(noun *cobra.Command) *cobra.Command {
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

// renamed are the words that people try for our commands.
var renamed = map[string]string{
	"signin": "login", "sign-in": "login", "signout": "logout", "sign-out": "logout", "execution": "runs", "app": "apps",
	"me": "whoami", "ls": "apps list", "start": "run", "exec": "run", "token": "auth token", "status": "auth status", "serve": "dev",
}

func unknownCommand(cmd *cobra.Command, name string) error {
	near := ""
	cmd.SuggestionsMinimumDistance = 2
	if to, ok := renamed[name]; ok && !cmd.HasParent() {
		near = to
	} else if suggestions := cmd.SuggestionsFor(name); len(suggestions) > 0 {
		near = suggestions[0]
	}
	e := &usageError{
		code: codeUnknownCommand, message: fmt.Sprintf("unknown command %q for %s", name, cmd.CommandPath()),
		hint: cmd.CommandPath() + " --help",
	}
	if near != "" {
		e.message += fmt.Sprintf("; did you mean %q?", near)
		e.hint = cmd.CommandPath() + " " + near
	}
	return e
}

// flagError says what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	e := &usageError{code: codeInvalidArgument, message: err.Error(), hint: cmd.CommandPath() + " --help", err: err}
	var invalid *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &invalid):
		e.message = fmt.Sprintf("--%s wants %s, not %q", invalid.GetFlag().Name, flagWants(invalid.GetFlag()), invalid.GetValue())
	case errors.As(err, &unknown):
		if near := nearestFlag(cmd, unknown.GetSpecifiedName()); near != "" {
			e.message += fmt.Sprintf("; did you mean --%s?", near)
		}
	}
	return e
}

// flagWants names the values that a flag takes.
func flagWants(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int":
		return "a number"
	case "uint16":
		return "a number up to 65535"
	case "duration":
		return "a length of time such as 30s or 4m"
	case "bool":
		return "true or false"
	}
	return "another value"
}

// nearestFlag returns the flag that was probably meant: one that starts the same.
func nearestFlag(cmd *cobra.Command, name string) string {
	near := ""
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if near == "" && !f.Hidden && len(name) > 2 && (strings.HasPrefix(f.Name, name[:3]) || strings.HasPrefix(name, f.Name)) {
			near = f.Name
		}
	})
	return near
}

// atMostOne refuses flags that contradict each other.
func atMostOne(cmd *cobra.Command, names ...string) error {
	var given []string
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) < 2 {
		return nil
	}
	return usage(cmd.CommandPath()+" --help", "%s cannot be combined: choose one", strings.Join(given, " and "))
}

// noArgs refuses arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{
		code: codeInvalidArgument, message: fmt.Sprintf("%s takes no argument, but got %q", cmd.CommandPath(), args[0]),
		hint: cmd.CommandPath() + " --help",
	}
}

// optionalArg wants one argument or none.
func optionalArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		if args[0] == "." || args[0] == ".." {
			args = append([]string{name}, args[1:]...)
		}
		return needArgs(name)(cmd, args)
	}
}

// needArgs wants at least as many arguments as are named, and no more unless the last name ends in an ellipsis.
func needArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		var message string
		many := strings.HasSuffix(names[len(names)-1], "…")
		for i, arg := range args {
			if arg == "" || arg == "." || arg == ".." {
				name := strings.TrimSuffix(names[min(i, len(names)-1)], "…")
				return usage(cmd.CommandPath()+" --help", "%q is no %s", arg, name)
			}
		}
		switch {
		case len(args) < len(names):
			message = fmt.Sprintf("%s needs the argument %s", cmd.CommandPath(), strings.TrimSuffix(names[len(args)], "…"))
		case len(args) > len(names) && !many:
			message = fmt.Sprintf("%s takes only %s, but got %q too", cmd.CommandPath(), strings.Join(names, " "), args[len(names)])
		default:
			return nil
		}
		return &usageError{code: codeInvalidArgument, message: message, hint: cmd.CommandPath() + " --help"}
	}
}

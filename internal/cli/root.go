package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/cli/account"
	"github.com/uselamina/lamina/internal/cli/api"
	"github.com/uselamina/lamina/internal/cli/apps"
	"github.com/uselamina/lamina/internal/cli/assets"
	"github.com/uselamina/lamina/internal/cli/batch"
	"github.com/uselamina/lamina/internal/cli/brands"
	"github.com/uselamina/lamina/internal/cli/browse"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cli/content"
	"github.com/uselamina/lamina/internal/cli/credits"
	"github.com/uselamina/lamina/internal/cli/docs"
	"github.com/uselamina/lamina/internal/cli/intelligence"
	"github.com/uselamina/lamina/internal/cli/laghav"
	"github.com/uselamina/lamina/internal/cli/lamatic"
	"github.com/uselamina/lamina/internal/cli/laminr"
	"github.com/uselamina/lamina/internal/cli/lightfast"
	"github.com/uselamina/lamina/internal/cli/local"
	"github.com/uselamina/lamina/internal/cli/models"
	"github.com/uselamina/lamina/internal/cli/project"
	"github.com/uselamina/lamina/internal/cli/publishing"
	"github.com/uselamina/lamina/internal/cli/runs"
	"github.com/uselamina/lamina/internal/cli/settings"
	"github.com/uselamina/lamina/internal/cli/templates"
	"github.com/uselamina/lamina/internal/cli/upgrade"
	"github.com/uselamina/lamina/internal/cli/webhook"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
)

// The groups in which the root's help lists its commands.
const (
	groupWork     = "work"
	groupServices = "services"
	groupAccount  = "account"
	groupLocal    = "local"
)

// newRoot returns the root with the commands of some builders.
func (p *program) newRoot(rows []builder) *cobra.Command {
	env := p.env
	var version bool
	root := &cobra.Command{
		Use:   "lamina",
		Short: "Run packaged AI workflows from the command line",
		Long: "Run packaged AI workflows, called apps, and download the images, videos and texts that they produce.\n\n" +
			"Sign in once with 'lamina login', or set LAMINA_API_KEY. To try everything without an account or a network,\n" +
			"run 'lamina demo'.",
		Example: "lamina login\n" +
			"lamina apps list\n" +
			"lamina run poster --input text=\"Hello\" --wait --download ./pictures/",
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeExtensions(env),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return p.begin(cmd) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cmdutil.UnknownCommand(cmd, args[0], args[1:]...)
			}
			if version {
				return env.Raw(env.Build.String() + "\n")
			}
			return cmd.Help()
		},
	}
	root.SetOut(env.Streams.Out)
	root.SetErr(env.Streams.Err)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		_ = env.Help(func(page *output.Page) {
			writeHelp(page, cmd, env.AboveFlags)
			if !cmd.HasParent() {
				writeExtensions(page, env, cmd)
			}
		})
	})
	root.SetUsageFunc(func(*cobra.Command) error { return nil })
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagError(cmd, err, env.Args) })
	p.addFlags(root)
	root.Flags().BoolVarP(&version, "version", "v", false, "show the version of this program")
	p.addCommands(root, rows)
	root.SetHelpCommand(&cobra.Command{Hidden: true, Use: "no-help"})
	return root
}

// addFlags declares the flags of every command.
func (p *program) addFlags(root *cobra.Command) {
	f, s := root.PersistentFlags(), &p.env.Sessions.Flags
	f.StringVar(&s.Profile, "profile", "", "use the account of the profile with this `NAME`")
	f.StringVar(&s.Workspace, "workspace", "", "refuse a credential of any other workspace than this `ID`")
	p.env.Flags.Add(f)
	f.StringVar(&s.EnvFile, "env-file", "", "read keys and addresses of services that the environment lacks from this dotenv `FILE`, and skip its other lines")
	f.StringVar(&s.CAFile, "ca-file", "", "trust the certificate authorities in this PEM `FILE` too")
	f.BoolP("help", "h", false, "show this help")
	_ = root.RegisterFlagCompletionFunc("profile", func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return complete.Profiles(p.env)(cmd, nil, typed)
	})
}

// A builder makes a command of the root. A row that needs the whole tree says so: it prints or searches all commands.
type builder struct {
	group, name string
	build       func(*cmdutil.Env) *cobra.Command
	needsAll    bool
}

// builders returns the commands of the root in the order of its help.
func builders() []builder {
	return []builder{
		{group: groupWork, name: "apps", build: apps.New},
		{group: groupWork, name: "run", build: runs.NewRun},
		{group: groupWork, name: "runs", build: runs.New},
		{group: groupWork, name: "batch", build: batch.New},
		{group: groupWork, name: "browse", build: browse.New},
		{group: groupWork, name: "webhook", build: webhook.New},
		{group: groupWork, name: "api", build: api.New},
		{group: groupWork, name: "assets", build: assets.New},
		{group: groupWork, name: "publishing", build: publishing.New},
		{group: groupWork, name: "brands", build: brands.NewBrands},
		{group: groupWork, name: "campaigns", build: brands.NewCampaigns},
		{group: groupWork, name: "usage", build: credits.NewUsage},
		{group: groupWork, name: "content", build: content.New},
		{group: groupWork, name: "templates", build: templates.New},
		{group: groupWork, name: "intelligence", build: intelligence.New},
		{group: groupWork, name: "models", build: models.New},
		{group: groupWork, name: "generate", build: models.NewGenerate},
		{group: groupServices, name: "laminr", build: laminr.New},
		{group: groupServices, name: "lamatic", build: lamatic.New},
		{group: groupServices, name: "lightfast", build: lightfast.New},
		{group: groupServices, name: "laghav", build: laghav.New},
		{group: groupAccount, name: "login", build: account.NewLogin},
		{group: groupAccount, name: "logout", build: account.NewLogout},
		{group: groupAccount, name: "whoami", build: account.NewWhoami},
		{group: groupAccount, name: "auth", build: account.NewAuth},
		{group: groupAccount, name: "profile", build: account.NewProfile},
		{group: groupAccount, name: "config", build: settings.New},
		{group: groupLocal, name: "demo", build: func(env *cmdutil.Env) *cobra.Command { return local.NewDemo(env, Main) }},
		{group: groupLocal, name: "dev", build: local.NewDev},
		{group: groupLocal, name: "init", build: project.New},
		{group: groupLocal, name: "docs", build: docs.New},
		{group: groupLocal, name: "completion", build: newCompletion, needsAll: true},
		{group: groupLocal, name: "help", build: newHelp, needsAll: true},
		{group: groupLocal, name: "version", build: newVersion},
		{group: groupLocal, name: "upgrade", build: upgrade.New},
		{group: groupLocal, name: "doctor", build: local.NewDoctor},
		{group: groupLocal, name: "explain", build: newExplain},
	}
}

// buildersFor returns the commands that a command line needs: the one that it begins with, none to print the version, and all of them
// in other cases. To build all takes a third of the time of a command that does little.
func buildersFor(args []string) []builder {
	all := builders()
	if slices.Equal(args, []string{"--version"}) {
		return nil
	}
	if len(args) > 0 {
		if i := slices.IndexFunc(all, func(b builder) bool { return b.name == args[0] && !b.needsAll }); i >= 0 {
			return all[i : i+1]
		}
	}
	return all
}

func (p *program) addCommands(root *cobra.Command, rows []builder) {
	root.AddGroup(
		&cobra.Group{ID: groupWork, Title: "Work"},
		&cobra.Group{ID: groupServices, Title: "Other services"},
		&cobra.Group{ID: groupAccount, Title: "Account"},
		&cobra.Group{ID: groupLocal, Title: "On your machine"},
	)
	for _, row := range rows {
		cmd := row.build(p.env)
		cmd.GroupID = row.group
		root.AddCommand(cmd)
	}
}

// flagWants names the values that a flag accepts.
func flagWants(f *pflag.Flag) string {
	if f.Name == "notify" {
		return "on, off, or a duration such as 30s"
	}
	switch f.Value.Type() {
	case "int", "float64":
		return "a number"
	case "uint16":
		return "a number up to 65535"
	case "duration":
		return "a duration such as 30s or 4m"
	case "size":
		return "a size such as 500MB or 2GiB"
	case "bool":
		return "true or false"
	}
	return "another value"
}

// unknownWord returns an error if the first word below a group of commands is no command, whatever flags stand around it. Cobra
// would report an unknown flag first, or print the help of the group with status 0.
func unknownWord(root *cobra.Command, args []string) error {
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if !cmd.HasSubCommands() {
		return nil
	}
	for len(rest) > 0 {
		arg := rest[0]
		rest = rest[1:]
		switch {
		case arg == "--":
			return nil
		case !strings.HasPrefix(arg, "-") || arg == "-":
			if strings.HasPrefix(arg, "__complete") {
				return nil
			}
			return cmdutil.UnknownCommand(cmd, arg, rest...)
		case takesValue(cmd, arg) && len(rest) > 0:
			rest = rest[1:]
		}
	}
	return nil
}

// takesValue reports whether the word after a flag is the flag's value.
func takesValue(cmd *cobra.Command, arg string) bool {
	if strings.Contains(arg, "=") {
		return false
	}
	name := strings.TrimLeft(arg, "-")
	var f *pflag.Flag
	switch {
	case strings.HasPrefix(arg, "--"):
		f = cmd.Flag(name)
	case len(name) == 1:
		if f = cmd.Flags().ShorthandLookup(name); f == nil {
			f = cmd.InheritedFlags().ShorthandLookup(name)
		}
	}
	return f != nil && f.NoOptDefVal == ""
}

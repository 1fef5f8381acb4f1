package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
)

// writeHelp writes the help of a command. Cobra's templates would add two megabytes to the binary.
func writeHelp(p *output.Page, cmd *cobra.Command) {
	p.Paragraphs(cmp.Or(cmd.Long, cmd.Short+"."))
	p.Line("")
	p.Line("%s\n  %s", p.Bold("Usage"), usageLine(cmd))
	if len(cmd.Aliases) > 0 {
		p.Line("\n%s\n  %s", p.Bold("Aliases"), strings.Join(cmd.Aliases, ", "))
	}
	if cmd.Example != "" {
		p.Line("\n%s", p.Bold("Examples"))
		for line := range strings.Lines(cmd.Example) {
			p.Line("  %s", p.Command(strings.TrimRight(line, "\n")))
		}
	}
	writeCommands(p, cmd)
	writeFlags(p, "Flags", cmd.LocalNonPersistentFlags())
	if cmd.HasParent() {
		writeFlags(p, "Flags of every command", cmd.InheritedFlags())
	} else {
		writeFlags(p, "Flags of every command", cmd.PersistentFlags())
	}
	if cmd.HasAvailableSubCommands() {
		p.Line("\n%s", p.Faint(fmt.Sprintf("More about a command: %s COMMAND --help", cmd.CommandPath())))
	}
}

func usageLine(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return "lamina COMMAND [flags]"
	}
	line := cmd.UseLine()
	if !strings.Contains(line, "[flags]") {
		line += " [flags]"
	}
	return line
}

func writeCommands(p *output.Page, cmd *cobra.Command) {
	write := func(title, group string) {
		var pairs []string
		for _, c := range cmd.Commands() {
			if c.GroupID == group && c.IsAvailableCommand() && !c.Hidden {
				pairs = append(pairs, "  "+c.Name(), c.Short)
			}
		}
		if len(pairs) > 0 {
			p.Line("\n%s", p.Bold(title))
			p.Fields(pairs...)
		}
	}
	for _, g := range cmd.Groups() {
		write(g.Title, g.ID)
	}
	write("Commands", "")
}

func writeFlags(p *output.Page, title string, set *pflag.FlagSet) {
	var pairs []string
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		pairs = append(pairs, "  "+flagName(f), flagUsage(f))
	})
	if len(pairs) > 0 {
		p.Line("\n%s", p.Bold(title))
		p.Fields(pairs...)
	}
}

func flagName(f *pflag.Flag) string {
	name, _ := pflag.UnquoteUsage(f)
	text := "    --" + f.Name
	if f.Shorthand != "" {
		text = "-" + f.Shorthand + ", --" + f.Name
	}
	if name != "" {
		text += " " + name
	}
	return text
}

func flagUsage(f *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(f)
	switch f.DefValue {
	case "", "false", "[]", "0", "0s":
		return usage
	}
	return fmt.Sprintf("%s (default %s)", usage, shortDuration(f.DefValue))
}

// shortDuration shortens a duration as Go formats it: 4m0s becomes 4m.
func shortDuration(text string) string {
	if rest, ok := strings.CutSuffix(text, "m0s"); ok {
		text = rest + "m"
	}
	if rest, ok := strings.CutSuffix(text, "h0m"); ok {
		text = rest + "h"
	}
	return text
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND…]", Short: "Show the help of a command", Example: "lamina help runs wait",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			target, _, err := cmd.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, c := range target.Commands() {
				if c.IsAvailableCommand() {
					names = append(names, c.Name()+"\t"+c.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			target, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return cmdutil.UnknownCommand(target, rest[0])
			}
			return target.Help()
		},
	}
}

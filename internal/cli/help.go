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

// A section is a part of the help of a command. The help of a terminal and the reference show the same sections.
type section struct {
	title string
	prose []output.Block
	lines []string    // to copy
	list  [][2]string // names with their descriptions
	// isUsage is set for lines that are no commands.
	isUsage bool
	// isFlags is set for the list of flags.
	isFlags bool
}

// sections returns the help of a command.
func sections(cmd *cobra.Command) []section {
	all := []section{
		{prose: output.Blocks(cmp.Or(cmd.Long, cmd.Short+"."))},
		{title: "Usage", lines: []string{usageLine(cmd)}, isUsage: true},
	}
	if len(cmd.Aliases) > 0 {
		all = append(all, section{title: "Aliases", lines: []string{strings.Join(cmd.Aliases, ", ")}, isUsage: true})
	}
	if cmd.Example != "" {
		all = append(all, section{title: "Examples", lines: strings.Split(cmd.Example, "\n")})
	}
	for _, g := range cmd.Groups() {
		all = append(all, section{title: g.Title, list: commandList(cmd, g.ID)})
	}
	return append(all,
		section{title: "Commands", list: commandList(cmd, "")},
		section{title: "Flags", list: flagList(cmd.LocalNonPersistentFlags()), isFlags: true},
	)
}

// writeHelp writes the help of a command. Cobra's templates would add two megabytes to the binary.
func writeHelp(p *output.Page, cmd *cobra.Command, aboveFlags func(*output.Page)) {
	for _, s := range sections(cmd) {
		if s.isFlags && aboveFlags != nil {
			aboveFlags(p)
		}
		writeSection(p, s)
	}
	p.Line("\n%s  %s", p.Bold("Global flags"), p.Command("lamina help flags"))
	if cmd.HasAvailableSubCommands() {
		p.Line("%s  %s", p.Bold("More about a command"), p.Command(cmd.CommandPath()+" COMMAND --help"))
	}
}

func writeSection(p *output.Page, s section) {
	if s.title != "" && len(s.lines)+len(s.list) > 0 {
		p.Line("\n%s", p.Bold(s.title))
	}
	p.Blocks(s.prose)
	for _, line := range s.lines {
		if s.isUsage {
			p.Synopsis(line)
			continue
		}
		p.ShellCommand(line)
	}
	p.Terms(s.list)
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

// commandList returns the commands of a group below cmd.
func commandList(cmd *cobra.Command, group string) (list [][2]string) {
	for _, c := range cmd.Commands() {
		if c.GroupID == group && c.IsAvailableCommand() && !c.Hidden {
			list = append(list, [2]string{c.Name(), c.Short})
		}
	}
	return list
}

func flagList(set *pflag.FlagSet) (list [][2]string) {
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			list = append(list, [2]string{flagName(f), flagUsage(f)})
		}
	})
	return list
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

// flagsTopic is the argument of help that lists the flags of every command.
const flagsTopic = "flags"

func newHelp(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND…]", Short: "Show the help of a command, or the flags of every command",
		Long:    "Show the help of a command. 'lamina help flags' lists the flags that every command has.",
		Example: "lamina help runs wait\nlamina help flags",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			target, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, c := range target.Commands() {
				if c.IsAvailableCommand() {
					names = append(names, c.Name()+"\t"+c.Short)
				}
			}
			if len(args) == 0 {
				names = append(names, flagsTopic+"\tShow the flags of every command")
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == flagsTopic {
				return env.Help(func(p *output.Page) {
					p.Line("%s", p.Bold("Flags of every command"))
					p.Terms(flagList(cmd.Root().PersistentFlags()))
				})
			}
			target, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return cmdutil.UnknownCommand(target, rest[0])
			}
			return target.Help()
		},
	}
}

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/output"
)

// An explanation says more of an error code than an error has room for.
type explanation struct {
	Code    string   `json:"code"`
	Exit    int      `json:"exitCode"`
	Meaning string   `json:"meaning"`
	Causes  []string `json:"causes"`
	Mend    []string `json:"mend"` // what to do; in backquotes, what to type
}

// explain makes the explanation of a code.
func explain(c code, meaning string, causes, mend []string) explanation {
	return explanation{Code: c.name, Exit: c.exit, Meaning: meaning, Causes: causes, Mend: mend}
}

// findExplanation returns the explanation of a code by its name.
func findExplanation(name string) (explanation, bool) {
	for _, x := range explanations() {
		if x.Code == name {
			return x, true
		}
	}
	return explanation{}, false
}

func newExplainCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Show what an error code means, where it comes from, and what to do",
		Long: "Show what an error code means, where it may come from, and what to do about it. Without a code, list all of them.\n" +
			"It needs neither a network nor a sign-in.",
		Example: "lamina explain auth_session_expired\nlamina explain\nlamina explain busy --jq .data.mend",
		Args:    atMostArgs("CODE"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var lines []string
			for _, x := range explanations() {
				if len(args) == 0 {
					lines = append(lines, x.Code+"\t"+x.Meaning)
				}
			}
			return lines, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listExplanations(env)
			}
			return showExplanation(env, args[0])
		},
	}
}

// atMostArgs takes as many arguments as are named, or fewer.
func atMostArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= len(names) {
			return nil
		}
		return needArgs(names...)(cmd, args)
	}
}

func listExplanations(env *Env) error {
	all := explanations()
	return env.print(map[string]any{"data": all}, func(p *output.Page) {
		var rows [][]string
		for _, x := range all {
			rows = append(rows, []string{x.Code, fmt.Sprint(x.Exit), x.Meaning})
		}
		p.Descriptions([]string{"CODE", "EXIT", "MEANING"}, rows)
		p.Line("\n%s", p.Faint("More about one: lamina explain CODE"))
	})
}

func showExplanation(env *Env, name string) error {
	x, ok := findExplanation(strings.ToLower(strings.TrimSpace(name)))
	if !ok {
		return &commandError{
			code: codeNotFound, message: fmt.Sprintf("there is no error code %s", output.Quote(name)) + nearestCode(name), hint: "lamina explain",
		}
	}
	return env.print(map[string]any{"data": x}, func(p *output.Page) {
		p.Line("%s  %s", p.Bold(x.Code), p.Faint(fmt.Sprintf("exit status %d", x.Exit)))
		p.Line("")
		p.Paragraphs(x.Meaning)
		writeList(p, "Where it comes from", x.Causes)
		writeList(p, "What to do", x.Mend)
	})
}

func writeList(p *output.Page, title string, items []string) {
	p.Line("\n%s", p.Bold(title))
	var pairs []string
	for _, item := range items {
		pairs = append(pairs, "  -", item)
	}
	p.Fields(pairs...)
}

// nearestCode offers the codes that begin or end like a word that is none.
func nearestCode(name string) string {
	var near []string
	for _, x := range explanations() {
		for part := range strings.SplitSeq(strings.ToLower(name), "_") {
			if len(part) > 2 && strings.Contains(x.Code, part) {
				near = append(near, x.Code)
				break
			}
		}
	}
	if len(near) == 0 || len(near) > 5 {
		return ""
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}

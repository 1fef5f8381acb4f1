package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

func newExplain(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Show the meaning, the causes and the remedies of an error code",
		Long: "Show what an error code means, what may cause it, and what to do about it. A number is an exit status. Without a\n" +
			"code, list all codes. The command needs neither a network nor a sign-in.",
		Example: "lamina explain auth_session_expired\nlamina explain 4\nlamina explain\nlamina explain busy --jq .data.mend",
		Args:    cmdutil.AtMostArgs("CODE"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var lines []string
			for _, x := range fail.Explanations() {
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

func listExplanations(env *cmdutil.Env) error {
	all := fail.Explanations()
	return env.Print(all, func(p *output.Page) {
		var rows [][]string
		for _, x := range all {
			rows = append(rows, []string{x.Code, fmt.Sprint(x.Exit), x.Meaning})
		}
		p.Descriptions([]string{"CODE", "EXIT", "MEANING"}, rows)
		p.Line("\n%s", p.Faint("More about one code: lamina explain CODE"))
	})
}

// exitStatus describes an exit status with the codes that have it.
type exitStatus struct {
	Exit    int      `json:"exitCode"`
	Meaning string   `json:"meaning"`
	Codes   []string `json:"codes"`
}

// httpCode returns the usual error code for an HTTP status; "" for other numbers.
func httpCode(status int) string {
	switch status {
	case 400, 422:
		return fail.InvalidArgument.Name
	case 401:
		return fail.InvalidKey.Name
	case 402:
		return fail.QuotaExceeded.Name
	case 403:
		return fail.Forbidden.Name
	case 404:
		return fail.NotFound.Name
	case 429:
		return fail.RateLimited.Name
	case 500, 502, 503, 504:
		return fail.ServerError.Name
	}
	return ""
}

// showExitStatus shows what an exit status means, and which codes have it.
func showExitStatus(env *cmdutil.Env, status int) error {
	meaning, ok := fail.ExitMeaning(status)
	if !ok {
		e := &fail.Error{Code: fail.NotFound, Message: fmt.Sprintf("no command ends with the exit status %d", status), Hint: "lamina explain"}
		if code := httpCode(status); code != "" {
			e.Message += "; for the HTTP status, see " + code
			e.Hint = fail.CommandLine("explain", code)
		}
		return e
	}
	value := exitStatus{Exit: status, Meaning: meaning, Codes: []string{}}
	var rows [][]string
	for _, x := range fail.Explanations() {
		if x.Exit == status {
			value.Codes = append(value.Codes, x.Code)
			rows = append(rows, []string{x.Code, x.Meaning})
		}
	}
	return env.Print(value, func(p *output.Page) {
		p.Line("%s", p.Bold(fmt.Sprintf("exit status %d", status)))
		p.Line("")
		p.Paragraphs(meaning)
		if len(rows) > 0 {
			p.Line("")
			p.Descriptions([]string{"CODE", "MEANING"}, rows)
		}
	})
}

func showExplanation(env *cmdutil.Env, name string) error {
	if status, err := strconv.Atoi(strings.TrimSpace(name)); err == nil {
		return showExitStatus(env, status)
	}
	code := strings.ToLower(strings.NewReplacer("-", "_", " ", "_").Replace(strings.TrimSpace(name)))
	x, ok := fail.FindExplanation(code)
	if !ok {
		return &fail.Error{
			Code: fail.NotFound, Message: fmt.Sprintf("there is no error code %s", output.Quote(name)) + similarCodes(code), Hint: "lamina explain",
		}
	}
	return env.Print(x, func(p *output.Page) {
		p.Line("%s  %s", p.Bold(x.Code), p.Faint(fmt.Sprintf("exit status %d", x.Exit)))
		p.Line("")
		p.Paragraphs(x.Meaning)
		writeList(p, "Causes", x.Causes)
		writeList(p, "What to do", x.Fixes)
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

// similarCodes suggests the code that differs in a few letters from an unknown one, or else those that share a word with it.
func similarCodes(name string) string {
	var codes, similar []string
	for _, x := range fail.Explanations() {
		codes = append(codes, x.Code)
		for part := range strings.SplitSeq(name, "_") {
			if len(part) > 2 && strings.Contains(x.Code, part) {
				similar = append(similar, x.Code)
				break
			}
		}
	}
	if near, _ := cmdutil.Nearest(strings.ReplaceAll(name, "_", "-"), codes); near != "" {
		similar = []string{near}
	}
	if len(similar) == 0 || len(similar) > 5 {
		return ""
	}
	return "; did you mean " + strings.Join(similar, " or ") + "?"
}

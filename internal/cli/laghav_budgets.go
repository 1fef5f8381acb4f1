package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/output"
)

type laghavBudgetOptions struct {
	env    *Env
	budget laghav.Budget
}

func newLaghavBudgetsListCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the budgets, and what is spent of them",
		Example: "lamina laghav budgets list\nlamina laghav budgets list --jq '.budgets[].team_name'",
		Aliases: []string{"ls"},
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return laghavList(cmd.Context(), env, (*laghav.Client).Budgets, writeBudgets)
		},
	}
}

func writeBudgets(p *output.Page, budgets []laghav.Budget) {
	if len(budgets) == 0 {
		p.Line("No budgets.")
		return
	}
	var rows [][]string
	for _, b := range budgets {
		rows = append(rows, []string{
			b.ID, b.Team, dollars(b.Limit), dollars(b.Spent), fmt.Sprintf("%.0f%%", b.SpentPct), fmt.Sprintf("%.0f%%", b.Alert),
		})
	}
	p.Table([]string{"ID", "TEAM", "A MONTH", "SPENT", "", "WARNS AT"}, rows)
}

func newLaghavBudgetsCreateCmd(env *Env) *cobra.Command {
	opts := &laghavBudgetOptions{env: env}
	cmd := &cobra.Command{
		Use:   "create TEAM",
		Short: "Make a monthly budget for a team",
		Long: "Make a monthly budget for a team. Calls count against it with 'lamina laghav complete --budget TEAM'. With\n" +
			"--hard-stop they are refused once it is spent; without, an administrator is warned by mail.",
		Example: "lamina laghav budgets create Engineering --monthly-usd 500 --alert-pct 80\n" +
			"lamina laghav budgets create CI --monthly-usd 20 --hard-stop",
		Args: needArgs("TEAM"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b := &opts.budget
			b.Team = strings.TrimSpace(args[0])
			switch {
			case b.Team == "":
				return usage("lamina laghav budgets create --help", "TEAM must not be empty")
			case !cmd.Flags().Changed("monthly-usd"):
				return usage("lamina laghav budgets create TEAM --monthly-usd 500", "how much may the team spend? Say so with --monthly-usd")
			case !(b.Limit >= 0 && b.Limit <= 1e12):
				return usage("", "--monthly-usd must be an amount in dollars, not %g", b.Limit)
			case !(b.Alert >= 0 && b.Alert <= 100):
				return usage("", "--alert-pct must be between 0 and 100, not %g", b.Alert)
			}
			return laghavBudgetCreate(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.Float64Var(&opts.budget.Limit, "monthly-usd", 0, "let the team spend this `AMOUNT` of US dollars in a month")
	f.Float64Var(&opts.budget.Alert, "alert-pct", 80, "warn when so many `PERCENT` are spent")
	f.BoolVar(&opts.budget.HardStop, "hard-stop", false, "refuse calls once it is spent")
	return cmd
}

func laghavBudgetCreate(ctx context.Context, opts *laghavBudgetOptions) error {
	client, _, err := opts.env.laghav()
	if err != nil {
		return err
	}
	made, raw, err := client.MakeBudget(ctx, opts.budget)
	if err != nil {
		return lostAnswer(err, "the answer was lost: the budget may have been made", "lamina laghav budgets list")
	}
	return opts.env.printer.Data(raw, func(p *output.Page) {
		p.Line("%s %s", p.Good("Made the budget of"), p.Bold(made.Team))
		stop := "no: an administrator is warned"
		if made.HardStop {
			stop = "yes: calls are refused once it is spent"
		}
		p.Fields("id", made.ID, "a month", dollars(made.Limit), "stops hard", stop)
	})
}

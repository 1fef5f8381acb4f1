package laghav

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

func newBudgetsList(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the budgets with the amounts spent",
		Example: "lamina laghav budgets list\nlamina laghav budgets list --jq '.budgets[].team_name'",
		Aliases: []string{"ls"},
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), env, (*laghav.Client).Budgets, writeBudgets)
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
			b.Team, dollars(b.Limit), dollars(b.Spent), fmt.Sprintf("%.0f%%", b.SpentPct), fmt.Sprintf("%.0f%%", b.Alert), b.ID,
		})
	}
	p.Table([]string{"TEAM", "PER MONTH", "SPENT", "USED", "ALERT AT", "ID"}, rows)
}

type budgetOptions struct {
	env    *cmdutil.Env
	budget laghav.Budget
}

func newBudgetsCreate(env *cmdutil.Env) *cobra.Command {
	opts := &budgetOptions{env: env}
	cmd := &cobra.Command{
		Use:   "create TEAM",
		Short: "Create a monthly budget for a team",
		Long: "Create a monthly budget for a team. 'lamina laghav complete --budget TEAM' counts a call against it. Once the budget is\n" +
			"spent, Laghav sends a mail to an administrator, or with --hard-stop refuses further calls.",
		Example: "lamina laghav budgets create Engineering --monthly-usd 500 --alert-pct 80\n" +
			"lamina laghav budgets create CI --monthly-usd 20 --hard-stop",
		Args: cmdutil.NeedArgs("TEAM"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.budget.Team = strings.TrimSpace(args[0])
			if err := opts.check(cmd); err != nil {
				return err
			}
			return createBudget(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.Float64Var(&opts.budget.Limit, "monthly-usd", 0, "limit the spending of the team to this `AMOUNT` of US dollars a month")
	f.Float64Var(&opts.budget.Alert, "alert-pct", 80, "send an alert when this `PERCENT` of the budget is spent")
	f.BoolVar(&opts.budget.HardStop, "hard-stop", false, "refuse calls once the budget is spent")
	return cmd
}

// check validates the arguments and flags. The comparisons are written so that NaN is refused too.
func (o *budgetOptions) check(cmd *cobra.Command) error {
	switch b := o.budget; {
	case b.Team == "":
		return fail.Usage("lamina laghav budgets create --help", "TEAM must not be empty")
	case !cmd.Flags().Changed("monthly-usd"):
		return fail.Usage("lamina laghav budgets create TEAM --monthly-usd 500", "the monthly limit is missing: give it with --monthly-usd")
	case !(b.Limit >= 0 && b.Limit <= 1e12):
		return fail.Usage("", "--monthly-usd must be an amount in dollars, not %g", b.Limit)
	case !(b.Alert >= 0 && b.Alert <= 100):
		return fail.Usage("", "--alert-pct must be between 0 and 100, not %g", b.Alert)
	}
	return nil
}

func createBudget(ctx context.Context, opts *budgetOptions) error {
	client, _, err := newClient(opts.env)
	if err != nil {
		return err
	}
	created, raw, err := client.CreateBudget(ctx, opts.budget)
	if err != nil {
		return fail.Lost(err, "creating the budget", "the budget may have been created", "lamina laghav budgets list")
	}
	return opts.env.Printer.Data(raw, func(p *output.Page) {
		hardStop := "no: an administrator gets a mail"
		if created.HardStop {
			hardStop = "yes: calls are refused once the budget is spent"
		}
		p.Line("%s %s", p.Good("Created the budget of"), p.Bold(created.Team))
		p.Fields("id", created.ID, "per month", dollars(created.Limit), "hard stop", hardStop)
	})
}

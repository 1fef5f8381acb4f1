package cli

import (
	"cmp"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/completion"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

func newCompletion(env *cmdutil.Env) *cobra.Command {
	var shell string
	cmd := &cobra.Command{
		Use:   "completion SHELL|install [SHELL]",
		Short: "Print or install a completion script for bash, zsh, fish or powershell",
		Long: "Print a script that makes a shell complete commands, flags, apps with their inputs, and runs. With install, the script is\n" +
			"written to a file of your shell, and the command says how to use it. No other file is changed.\n\n" +
			"To complete in the present shell only:\n\n" +
			"  # bash\n" +
			"  source <(lamina completion bash)\n\n" +
			"  # zsh, after compinit\n" +
			"  source <(lamina completion zsh)\n\n" +
			"  # fish\n" +
			"  lamina completion fish | source\n\n" +
			"  # powershell\n" +
			"  lamina completion powershell | Out-String | Invoke-Expression",
		Example: "lamina completion install\nlamina completion install zsh\nlamina completion bash",
		Args:    checkShells,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			shells := completion.Shells()
			if len(args) == 0 {
				shells = append(shells, "install")
			} else if len(args) > 1 || args[0] != "install" {
				shells = nil
			}
			return shells, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "install" {
				if len(args) == 2 {
					shell = cmp.Or(shell, args[1])
				}
				return installCompletion(cmd.Root(), env, cmp.Or(shell, completion.Shell(env.Getenv)))
			}
			if shell != "" {
				return fail.Usage("lamina completion install --shell "+shell, "--shell needs install")
			}
			if completion.File(args[0], env.Getenv) == "" {
				return fail.Usage("lamina completion bash", "there is no completion for %q: use bash, zsh, fish or powershell", args[0])
			}
			return WriteCompletion(cmd.Root(), args[0], env.Streams.Out)
		},
	}
	cmd.Flags().StringVar(&shell, "shell", "", "with install: write the script of this shell: `bash|zsh|fish|powershell`")
	return cmd
}

// checkShells requires SHELL, or install and perhaps SHELL.
func checkShells(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && args[0] == "install" {
		return cmdutil.AtMostArgs("install", "SHELL")(cmd, args)
	}
	return cmdutil.NeedArgs("SHELL")(cmd, args)
}

// WriteCompletion writes the completion script of a shell.
func WriteCompletion(root *cobra.Command, shell string, out io.Writer) error {
	switch shell {
	case "zsh":
		return root.GenZshCompletion(out)
	case "fish":
		return root.GenFishCompletion(out, true)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(out)
	}
	_, err := io.WriteString(out, completion.Bash)
	return err
}

// installed describes an installed script.
type installed struct {
	Shell   string `json:"shell"`
	File    string `json:"file"`
	Changed bool   `json:"changed"`
	Next    string `json:"next"`
}

func installCompletion(root *cobra.Command, env *cmdutil.Env, shell string) error {
	file := completion.File(shell, env.Getenv)
	if file == "" {
		return fail.Usage("lamina completion install --shell bash", "there is no completion for the shell %q: use bash, zsh, fish or powershell", shell)
	}
	if !filepath.IsAbs(file) {
		return fail.Usage("lamina completion --help", "the home folder is unknown, so there is no place for the script")
	}
	changed, err := completion.Install(file, func(w io.Writer) error { return WriteCompletion(root, shell, w) })
	if err != nil {
		hint := "lamina completion " + shell
		return &fail.Error{Code: fail.InvalidArgument, Message: "the completion script was not installed: " + err.Error(), Hint: hint, Err: err}
	}
	done := installed{Shell: shell, File: file, Changed: changed, Next: completion.Next(shell, file, env.Getenv, completion.Exists)}
	return env.Print(done, func(p *output.Page) {
		what := "Wrote"
		if !changed {
			what = "Up to date:"
		}
		p.Line("%s %s", p.Good(what), file)
		p.Paragraphs(done.Next)
	})
}

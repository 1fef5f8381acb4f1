package complete

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
)

// None offers nothing, and no file names either.
func None(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// Files offers the names of files.
func Files(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// Words offers fixed words in the given order. A word may have a description after a tab.
func Words(words ...string) Func {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder)
}

// arguments are the functions for the arguments of commands, by their names in the line of usage.
func arguments() map[string]Func {
	return map[string]Func{
		"FILE": Files, "PATH": Files,
		"CODE": None, "COMMAND": None, "ID": None, "KEYWORD": None, "MESSAGE": None, "NAME": None, "PROMPT": None, "QUERY": None, "REQUEST_ID": None,
		"BRIEF": None, "CONCEPT": None, "GOAL": None, "ITEM": None,
		"ITEMS": Files, "TEAM": None, "TEXT": None, "URL": None, "WORKFLOW": None,
	}
}

// values are the functions for the values of flags, by their names in the help.
func values() map[string]Func {
	return map[string]Func{
		"FILE": Files, "PATH": Files,
		"FORMAT": Words("text", "json", "ndjson", "auto"), "WHEN": Words("auto", "always", "never"),
		"METHOD": Words("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"),
		"TIME":   None, "MILLISECONDS": None, "DURATION": None, "N": None, "PERCENT": None, "PORT": None, "SCORE": None, "STRENGTH": None, "AMOUNT": None,
		"KIND": Words("auto"), "RULE": Words("filler", "preamble", "intent"), "VALUE": Words("consent", "login", "select_account"),
		"MODEL":   Words("auto", "claude-haiku-3", "claude-sonnet-4", "claude-opus-4", "gpt-4o-mini", "gpt-4o", "gemini-1.5-flash", "gemini-1.5-pro"),
		"ADDRESS": None, "COMMAND": None, "URI": None, "URL": None, "AUDIENCE": None, "EXPRESSION": None, "ID": None, "JSON": None, "KEY": None,
		"LABEL": None, "NAME": None, "NAME:VALUE": None, "NAME=JSON": None, "NAME=VALUE": None, "PERSON": None, "SCOPES": None,
		"SIZE": None, "SOURCE": None, "TEAM": None, "TEXT": None, "TYPE": None, "RATIO": None,
	}
}

// Complete gives each flag and each argument of the commands below root a completion: the function that the command registered, or
// the one for its name. It returns those that have neither. Call it only to complete: it takes time.
func Complete(root *cobra.Command) (missing []string) {
	missing = completeFlags(root, root.PersistentFlags())
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		missing = append(missing, completeFlags(cmd, cmd.LocalNonPersistentFlags())...)
		if cmd.Runnable() && !cmd.HasSubCommands() {
			missing = append(missing, completeArguments(cmd)...)
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(root)
	return missing
}

func completeFlags(cmd *cobra.Command, flags *pflag.FlagSet) (missing []string) {
	flags.VisitAll(func(f *pflag.Flag) {
		name, usage := pflag.UnquoteUsage(f)
		f.Usage = usage // descriptions are shown as they are
		if _, isSet := cmd.GetFlagCompletionFunc(f.Name); isSet || f.NoOptDefVal != "" {
			return
		}
		complete := values()[name]
		if choices := strings.Split(name, "|"); len(choices) > 1 {
			complete = Words(choices...)
		}
		if complete == nil {
			missing = append(missing, cmd.CommandPath()+" --"+f.Name+" "+name)
			return
		}
		_ = cmd.RegisterFlagCompletionFunc(f.Name, complete)
	})
	return missing
}

// completeArguments completes the arguments that the line of usage names, such as "RUN [PATH]". The last one may be repeated.
func completeArguments(cmd *cobra.Command) (missing []string) {
	words := strings.Fields(cmd.Use)[1:]
	registered := cmd.ValidArgsFunction
	var functions []Func
	for i, word := range words {
		choices := strings.Split(strings.Trim(word, "[]…"), "|")
		name := choices[0]
		if strings.HasPrefix(word, "[") && i < len(words)-1 {
			name = words[i+1] // the optional word may be left out
		}
		complete := arguments()[name]
		if len(choices) > 1 && name == strings.ToLower(name) {
			complete = Words(choices...)
		}
		if registered != nil && (i == 0 || complete == nil) {
			complete = registered
		}
		if complete == nil {
			missing = append(missing, cmd.CommandPath()+" "+word)
		}
		functions = append(functions, complete)
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		at := len(args)
		if last := len(words) - 1; at > last && last >= 0 && strings.Contains(words[last], "…") {
			at = last
		}
		if at >= len(functions) || functions[at] == nil {
			return None(cmd, args, typed)
		}
		return functions[at](cmd, args, typed)
	}
	return missing
}

// Inputs offers the inputs of the app that the command line names, as NAME=, the options of an input, as NAME=OPTION, and files, as
// NAME=@FILE.
func Inputs(env *cmdutil.Env) Func {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if name, path, isFile := strings.Cut(typed, "=@"); isFile {
			return filesBehind(name+"=@", path)
		}
		app, found := appDetails(cmd, env, args)
		if !found {
			return None(cmd, args, typed)
		}
		return offerInputs(app.Inputs, typed)
	}
}

// Outputs offers the labels of the outputs of the app that the command line names.
func Outputs(env *cmdutil.Env) Func {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		app, _ := appDetails(cmd, env, args)
		return app.Outputs, cobra.ShellCompDirectiveNoFileComp
	}
}

// appDetails returns what an app takes and makes: from the cache, or from one short request.
func appDetails(cmd *cobra.Command, env *cmdutil.Env, args []string) (app details, found bool) {
	if len(args) == 0 {
		return details{}, false
	}
	find := func(c *cache) bool {
		i := slices.IndexFunc(c.Details, func(d details) bool {
			return args[0] == d.App || args[0] == d.Typed || args[0] == ShortName(c.appName(d.App))
		})
		if found = i >= 0; found {
			app = c.Details[i]
		}
		return found
	}
	lookUp(cmd, env, "", find, func(ctx context.Context, client *api.Client) error {
		reply, err := client.App(ctx, args[0])
		if err == nil {
			CacheApp(env, args[0], reply.Data)
		}
		return err
	})
	return app, found
}

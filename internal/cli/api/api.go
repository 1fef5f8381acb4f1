// Package api holds the command api, which sends any request to a service.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/session"
)

type options struct {
	env        *cmdutil.Env
	path       string
	method     string
	textFields []string
	jsonFields []string
	headers    []string
	file       string
	include    bool
}

// New returns the command api.
func New(env *cmdutil.Env) *cobra.Command {
	opts := &options{env: env}
	cmd := &cobra.Command{
		Use:   "api PATH",
		Short: "Call any address of a service with your credential",
		Long: "Call any address of Lamina, or of the service that --provider names, with the credential that other commands use, and\n" +
			"print the response as it came. PATH is appended to the base URL of the service; a single dot means the base URL.\n\n" +
			"The method is POST if there are fields or a body, otherwise GET. A field is a string (-f NAME=VALUE) or JSON\n" +
			"(-f NAME:=JSON, or -F NAME=JSON). With GET, fields become the query.",
		Example: "lamina api /v1/account\n" +
			"lamina api /v1/runs -X GET -f limit=1\n" +
			"lamina api /v1/apps/poster/estimate -f 'inputs:={\"text\": \"Hello\"}'\n" +
			"lamina api --provider laghav /api/keys\n" +
			"lamina api --provider lamatic . --file query.json",
		Args:              checkArgs,
		ValidArgsFunction: completePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.path = args[0]
			call, err := opts.call(cmd.Context())
			if err != nil {
				return err
			}
			return run(cmd.Context(), opts, call)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&opts.method, "method", "X", "", "use this HTTP `METHOD`")
	f.StringArrayVarP(&opts.textFields, "field", "f", nil, "send a string as `NAME=VALUE`, or JSON as NAME:=JSON")
	f.StringArrayVarP(&opts.jsonFields, "json-field", "F", nil, "send JSON as `NAME=JSON`; short for -f NAME:=JSON")
	f.StringArrayVarP(&opts.headers, "header", "H", nil, "send a header as `NAME:VALUE`")
	f.StringVar(&opts.file, "file", "", "send the JSON in this `FILE` as the body; - is stdin")
	f.BoolVar(&opts.include, "include", false, "print the status and the headers of the response to stderr")
	addOldFlags(f, opts)
	complete.AddProviderFlag(cmd, env)
	return cmd
}

// completePath offers the addresses of Lamina that need no id.
func completePath(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 || cmd.Flag("provider").Changed {
		return complete.None(cmd, args, "")
	}
	var paths []string
	for path := range strings.FieldsSeq("account account/usage apps apps/discover assets assets/upload-urls brand-profiles campaigns models/image models/video " +
		"publishing/channels publishing/history runs templates webhooks/signing-key") {
		paths = append(paths, "/v1/"+path)
	}
	return paths, cobra.ShellCompDirectiveNoFileComp
}

// addOldFlags adds the flags of earlier versions, which gh has too. With other commands, --input and -i set an input of an app.
func addOldFlags(f *pflag.FlagSet, opts *options) {
	f.StringVar(&opts.file, "input", "", "--file `FILE`")
	f.BoolVarP(&opts.include, "include-headers", "i", false, "--include")
	_, _ = f.MarkHidden("input"), f.MarkHidden("include-headers")
}

// checkArgs requires one path. Unlike the arguments of other commands, it may be a single dot.
func checkArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && args[0] == "." {
		return nil
	}
	return cmdutil.NeedArgs("PATH")(cmd, args)
}

func run(ctx context.Context, opts *options, call api.Call) error {
	env := opts.env
	s, err := env.Sessions.Open()
	if err != nil {
		return err
	}
	if call.Path, err = relativePath(s.BaseURL, call.Path); err != nil {
		return err
	}
	resp, err := s.Client().Do(ctx, call)
	if err != nil {
		return err
	}
	if opts.include {
		writeHeaders(env, resp)
	}
	if len(resp.Raw) == 0 {
		env.Say("%s answered %d without a body.", s.Provider.Title, resp.Status)
		return nil
	}
	return env.Printer.Data(resp.Raw, func(p *output.Page) { writeJSON(p, resp.Raw) })
}

// writeHeaders writes the status and the headers of a response to stderr, without those that may hold a secret.
func writeHeaders(env *cmdutil.Env, resp *api.Response) {
	env.Printer.Verbatim("%d %s", resp.Status, http.StatusText(resp.Status))
	for _, name := range session.DebugHeaders {
		if value := resp.Header.Get(name); value != "" {
			env.Printer.Verbatim("%s: %s", name, value)
		}
	}
}

func writeJSON(p *output.Page, raw json.RawMessage) {
	var indented bytes.Buffer
	if json.Indent(&indented, raw, "", "  ") != nil {
		indented.Write(raw)
	}
	p.Verbatim("", indented.String())
}

// relativePath returns the part of a path or URL that follows the base URL. It refuses a URL that is not below the base URL, because
// the credential must not be sent there.
func relativePath(base, path string) (string, error) {
	switch {
	case path == ".":
		return "", nil
	case strings.HasPrefix(path, base+"/") || strings.HasPrefix(path, base+"?"):
		return path[len(base):], nil
	case strings.Contains(path, "://"):
		return "", &fail.Error{
			Code: fail.WrongHost, Hint: "lamina api /PATH",
			Message: fmt.Sprintf("%s is not below %s, the base URL of the credential; nothing was sent", path, base),
		}
	case !strings.HasPrefix(path, "/"):
		path = "/" + path
	}
	if _, err := url.Parse(base + path); err != nil || !safeurl.SameOrigin(base, base+path) || strings.ContainsAny(path, " \t\r\n") {
		return "", fail.Usage("lamina api /v1/account", "%q is not a valid path", path)
	}
	return path, nil
}

// Package api holds the command api, which sends any request to a service.
package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/session"
)

type options struct {
	env      *cmdutil.Env
	path     string
	method   string
	fields   []field
	headers  []string
	file     string
	include  bool
	download string
	force    bool
	paginate bool
	stream   bool
	cache    time.Duration
}

// New returns the command api.
func New(env *cmdutil.Env) *cobra.Command {
	opts := &options{env: env}
	cmd := &cobra.Command{
		Use:   "api PATH",
		Short: "Call any address of a service with your credential",
		Long: "Call any address of Lamina, or of the service that --provider names, with the credential that other commands use, and\n" +
			"print the response as it came: JSON, text, pictures, lines of JSON and events, each line when it arrives. PATH is\n" +
			"appended to the base URL of the service; a single dot means the base URL.\n\n" +
			"The method is POST if there are fields or a body, otherwise GET. A field is a string (-f NAME=VALUE) or JSON\n" +
			"(-f NAME:=JSON, or -F NAME=JSON). A name that occurs several times, or ends in [], is an array. With GET, fields\n" +
			"become the query, where such a name is repeated.\n\n" +
			"The body of a refusal is printed to stdout, too, unfiltered; the error is on stderr, and the exit status follows the\n" +
			"HTTP status. Of events, --jq and --output ndjson take the data alone.",
		Example: "lamina api /v1/account\n" +
			"lamina api /v1/runs -X GET -f limit=1\n" +
			"lamina api /v1/runs --paginate --jq '.data | length'\n" +
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
			if err := opts.check(cmd, call.Method); err != nil {
				return err
			}
			return run(cmd.Context(), opts, call)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&opts.method, "method", "X", "", "use this HTTP `METHOD`")
	f.VarP(&fieldFlag{&opts.fields, false}, "field", "f", "send a string as `NAME=VALUE`, or JSON as NAME:=JSON")
	f.VarP(&fieldFlag{&opts.fields, true}, "json-field", "F", "send JSON as `NAME=JSON`; short for -f NAME:=JSON")
	f.StringArrayVarP(&opts.headers, "header", "H", nil, "send a header as `NAME:VALUE`")
	f.StringVar(&opts.file, "file", "", "send the JSON in this `FILE` as the body; - is stdin")
	f.BoolVar(&opts.include, "include", false, "print the status and the headers of the response to stderr")
	f.StringVarP(&opts.download, "download", "d", "", "save the response to this `FILE` instead of printing it; - writes it to stdout as it came")
	f.BoolVar(&opts.force, "force", false, "replace the file of --download if it is there")
	f.BoolVar(&opts.paginate, "paginate", false, "get all pages of a list, as one array")
	f.BoolVar(&opts.stream, "stream", false, "with --paginate: print each item as a line of JSON when its page arrives")
	f.DurationVar(&opts.cache, "cache", 0, "print a response that is not older than this `DURATION` again, without a request")
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

// check refuses flags that do not go together.
func (o *options) check(cmd *cobra.Command, method string) error {
	isGet := method == http.MethodGet && o.file == ""
	switch {
	case o.paginate && !isGet:
		return fail.Usage("lamina api PATH -X GET --paginate", "--paginate needs a GET without a body")
	case o.stream && !o.paginate:
		return fail.Usage("lamina api PATH --paginate --stream", "--stream needs --paginate; a response that is a stream is printed as it arrives without it")
	case cmd.Flags().Changed("cache") && o.cache <= 0:
		return fail.Usage("lamina api PATH --cache 1h", "--cache must be positive")
	case o.cache > 0 && !isGet:
		return fail.Usage("lamina api PATH -X GET --cache 1h", "--cache needs a GET without a body")
	case o.force && o.download == "":
		return fail.Usage("", "--force needs --download")
	}
	if err := cmdutil.AtMostOne(cmd, "download", "paginate"); err != nil || o.download == "" {
		return err
	}
	return o.checkDownload()
}

func run(ctx context.Context, opts *options, call api.Call) error {
	s, err := opts.env.Sessions.Open()
	if err != nil {
		return err
	}
	if call.Path, err = relativePath(s.BaseURL, opts.env.Sessions.TypedRoot(s), call.Path); err != nil {
		return err
	}
	if call.Accept = call.Header.Get("Accept"); call.Accept == "" {
		call.Accept = "application/json, */*;q=0.1"
	}
	if header := s.Provider.KeyHeader; call.Header.Get(header) != "" {
		return fail.Usage(opts.env.Command("auth", "status"), "the header %s holds the credential, which --profile or the environment selects, not --header", header)
	}
	c := &caller{options: opts, session: s, client: s.Client()}
	if opts.paginate {
		return lost(call, c.printPages(ctx, call))
	}
	doc, err := c.fetch(ctx, call)
	if err != nil {
		return lost(call, err)
	}
	defer doc.Body.Close()
	return lost(call, c.show(doc))
}

// lost returns the error of a call. If the response was lost, and another request would have another effect (RFC 9110 section 9.2.2), the
// error says that the service may have carried out the call.
func lost(call api.Call, err error) error {
	if err == nil || call.Method != http.MethodPost && call.Method != http.MethodPatch {
		return err
	}
	path, _, _ := strings.Cut(call.Path, "?")
	return fail.Lost(err, call.Method+" "+path, "the service may have carried it out: check before you send it again", "")
}

// A caller sends the calls of one command.
type caller struct {
	*options
	session *session.Session
	client  *api.Client
}

// relativePath returns the part of a path or URL that follows the base URL. root is the end of the base URL as the user typed it, such
// as /v1, which a path may leave out. It refuses a URL that is not below the base URL, because the credential must not be sent there.
func relativePath(base, root, path string) (string, error) {
	bare, _, _ := strings.Cut(path, "?")
	switch {
	case path == ".":
		return root, nil
	case strings.HasPrefix(path, base+"/") || strings.HasPrefix(path, base+"?"):
		return path[len(base):], nil
	case !strings.HasPrefix(path, "/") && strings.Contains(bare, "://"):
		return "", &fail.Error{
			Code: fail.WrongHost, Hint: "lamina api /PATH",
			Message: fmt.Sprintf("%s is not below %s, the base URL of the credential; nothing was sent", path, base),
		}
	case !strings.HasPrefix(path, "/"):
		path, bare = "/"+path, "/"+bare
	}
	if !strings.HasPrefix(bare+"/", root+"/") {
		path = root + path
	}
	if _, err := url.Parse(base + path); err != nil || !safeurl.SameOrigin(base, base+path) || strings.ContainsAny(path, " \t\r\n") {
		return "", fail.Usage("lamina api /v1/account", "%q is not a valid path", path)
	}
	return path, nil
}

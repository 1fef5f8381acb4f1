package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
)

type apiOptions struct {
	env     *Env
	method  string
	texts   []string
	fields  []string
	headers []string
	input   string
	include bool
}

func newAPICmd(env *Env) *cobra.Command {
	opts := &apiOptions{env: env}
	cmd := &cobra.Command{
		Use:   "api PATH",
		Short: "Call any address of a service, signed in",
		Long: "Call any address of Lamina, or of the service of --provider, with the credential that other commands use, and print\n" +
			"the answer as it came. PATH is appended to the service's base URL; a single dot is the base URL itself.\n\n" +
			"With fields or an input the method is POST, else GET. A field is a text (-f) or JSON (-F: numbers, true, null,\n" +
			"arrays, objects); with GET, fields become the query.",
		Example: "lamina api /v1/account\n" +
			"lamina api /v1/runs -X GET -f limit=1\n" +
			"lamina api /v1/apps/poster/estimate -F 'inputs={\"text\": \"Hello\"}'\n" +
			"lamina api --provider laghav /api/keys\n" +
			"lamina api --provider lamatic . --input query.json",
		Args: apiPath,
		RunE: func(cmd *cobra.Command, args []string) error {
			call, err := opts.call(args[0])
			if err != nil {
				return err
			}
			return apiRun(cmd.Context(), opts, call)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&opts.method, "method", "X", "", "use this HTTP `METHOD`")
	f.StringArrayVarP(&opts.texts, "field", "f", nil, "send a text as `NAME=VALUE`")
	f.StringArrayVarP(&opts.fields, "json-field", "F", nil, "send JSON as `NAME=JSON`")
	f.StringArrayVarP(&opts.headers, "header", "H", nil, "send a header as `NAME:VALUE`")
	f.StringVar(&opts.input, "input", "", "send the JSON in this `FILE` as the body; - is stdin")
	f.BoolVarP(&opts.include, "include", "i", false, "print the status and the headers of the answer to stderr")
	env.addProviderFlag(cmd)
	return cmd
}

// apiPath wants one path; a single dot is one here.
func apiPath(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && args[0] == "." {
		return nil
	}
	return needArgs("PATH")(cmd, args)
}

// call makes a call of what was typed.
func (o *apiOptions) call(path string) (api.Call, error) {
	c := api.Call{Method: strings.ToUpper(o.method), Path: path}
	fields, err := o.readFields()
	if err != nil {
		return c, err
	}
	if o.input != "" && len(fields) > 0 {
		return c, usage("lamina api --help", "--input and fields cannot be combined: choose one")
	}
	if c.Method == "" {
		c.Method = http.MethodGet
		if o.input != "" || len(fields) > 0 {
			c.Method = http.MethodPost
		}
	}
	if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}, c.Method) {
		return c, usage("lamina api --method POST PATH", "--method wants GET, HEAD, POST, PUT, PATCH or DELETE, not %q", o.method)
	}
	if c.Header, err = o.readHeaders(); err != nil {
		return c, err
	}
	switch {
	case o.input != "":
		raw, err := o.env.readAll(o.input)
		if err != nil {
			return c, usage("lamina api PATH --input FILE", "could not read the body: %v", err)
		}
		if !json.Valid(raw) {
			return c, usage("lamina api PATH --input FILE", "%s is not JSON; nothing was sent", o.input)
		}
		c.Body = json.RawMessage(raw)
	case len(fields) > 0 && (c.Method == http.MethodGet || c.Method == http.MethodHead):
		c.Query = url.Values{}
		for name, value := range fields {
			text, isText := value.(string)
			if !isText {
				text = string(value.(json.RawMessage))
			}
			c.Query.Set(name, text)
		}
	case len(fields) > 0:
		c.Body = fields
	}
	return c, nil
}

// readFields reads -f and -F: texts, and values that are JSON already.
func (o *apiOptions) readFields() (map[string]any, error) {
	fields := map[string]any{}
	for _, pair := range o.texts {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usage("lamina api PATH -f name=value", "--field wants NAME=VALUE, not %q", pair)
		}
		fields[name] = value
	}
	for _, pair := range o.fields {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || !json.Valid([]byte(value)) {
			return nil, usage("lamina api PATH -F 'limit=3'", "--json-field wants NAME=JSON, not %q; a text goes with -f", pair)
		}
		fields[name] = json.RawMessage(value)
	}
	return fields, nil
}

func (o *apiOptions) readHeaders() (http.Header, error) {
	headers := http.Header{}
	for _, pair := range o.headers {
		name, value, ok := strings.Cut(pair, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || !provider.IsToken(name) || strings.ContainsAny(value, "\r\n\x00") {
			return nil, usage("lamina api PATH -H 'Name: value'", "--header wants NAME:VALUE, not %q", pair)
		}
		headers.Add(name, value)
	}
	return headers, nil
}

func apiRun(ctx context.Context, opts *apiOptions, call api.Call) error {
	env := opts.env
	s, err := env.open()
	if err != nil {
		return err
	}
	if call.Path, err = pathBelow(s.baseURL, call.Path); err != nil {
		return err
	}
	answer, err := env.clientOf(s).Do(ctx, call)
	if err != nil {
		return err
	}
	if opts.include {
		env.printer.Verbatim("%d %s", answer.Status, http.StatusText(answer.Status))
		for _, name := range debugHeaders {
			if value := answer.Header.Get(name); value != "" {
				env.printer.Verbatim("%s: %s", name, value)
			}
		}
	}
	if len(answer.Raw) == 0 {
		env.say("%s answered %d, with nothing in it.", s.provider.Title, answer.Status)
		return nil
	}
	return env.printer.Data(answer.Raw, func(p *output.Page) { writeJSON(p, answer.Raw) })
}

// writeJSON shows JSON to a person.
func writeJSON(p *output.Page, raw json.RawMessage) {
	var indented bytes.Buffer
	if json.Indent(&indented, raw, "", "  ") != nil {
		indented.Write(raw)
	}
	writeVerbatim(p, "", indented.String())
}

// pathBelow returns what is to be appended to a base URL. A whole address is taken if it is below the base: the credential
// belongs nowhere else.
func pathBelow(base, path string) (string, error) {
	switch {
	case path == ".":
		return "", nil
	case strings.HasPrefix(path, base+"/") || strings.HasPrefix(path, base+"?"):
		return path[len(base):], nil
	case strings.Contains(path, "://"):
		return "", &commandError{
			code: codeWrongHost, hint: "lamina api /PATH",
			message: fmt.Sprintf("%s is not below %s, where the credential belongs: nothing was sent", path, base),
		}
	case !strings.HasPrefix(path, "/"):
		path = "/" + path
	}
	if _, err := url.Parse(base + path); err != nil || !auth.SameOrigin(base, base+path) || strings.ContainsAny(path, " \t\r\n") {
		return "", usage("lamina api /v1/account", "%q is no path", path)
	}
	return path, nil
}

package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

// call returns the call that the options describe. Its path is still the one of the command line.
func (o *options) call(ctx context.Context) (api.Call, error) {
	fields, err := o.readFields()
	if err != nil {
		return api.Call{}, err
	}
	if o.file != "" && len(fields) > 0 {
		return api.Call{}, fail.Usage("lamina api --help", "--file and fields cannot be combined: choose one")
	}
	call := api.Call{Path: o.path}
	if call.Method, err = o.chooseMethod(o.file != "" || len(fields) > 0); err != nil {
		return api.Call{}, err
	}
	if call.Header, err = o.readHeaders(); err != nil {
		return api.Call{}, err
	}
	switch {
	case o.file != "":
		call.Body, err = o.readBody(ctx)
	case len(fields) == 0:
	case call.Method == http.MethodGet || call.Method == http.MethodHead:
		call.Query = queryOf(fields)
	default:
		call.Body = fields
	}
	return call, err
}

// chooseMethod returns the HTTP method of the call. Without --method it depends on whether the call has fields or a body.
func (o *options) chooseMethod(hasBody bool) (string, error) {
	method := strings.ToUpper(o.method)
	switch {
	case method == "" && hasBody:
		return http.MethodPost, nil
	case method == "":
		return http.MethodGet, nil
	case !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}, method):
		return "", fail.Usage("lamina api --method POST PATH", "--method must be GET, HEAD, POST, PUT, PATCH or DELETE, not %q", o.method)
	}
	return method, nil
}

// queryOf returns fields as a query: strings as they are, and other values as JSON.
func queryOf(fields map[string]any) url.Values {
	query := url.Values{}
	for name, value := range fields {
		query.Set(name, fmt.Sprintf("%s", value))
	}
	return query
}

// readFields reads the fields: strings, and values that are JSON already (json.RawMessage).
func (o *options) readFields() (map[string]any, error) {
	fields := map[string]any{}
	for _, pair := range o.textFields {
		name, value, err := cmdutil.ParsePair("--field", pair, "lamina api PATH -f name=value")
		if err != nil {
			return nil, err
		}
		fields[name] = value
	}
	for _, pair := range o.jsonFields {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || !json.Valid([]byte(value)) {
			return nil, fail.Usage("lamina api PATH -F 'limit=3'", "--json-field must be NAME=JSON, not %q; for a string, use -f", pair)
		}
		fields[name] = json.RawMessage(value)
	}
	return fields, nil
}

func (o *options) readHeaders() (http.Header, error) {
	headers := http.Header{}
	for _, pair := range o.headers {
		name, value, ok := strings.Cut(pair, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || !provider.IsToken(name) || strings.ContainsAny(value, "\r\n\x00") {
			return nil, fail.Usage("lamina api PATH -H 'Name: value'", "--header must be NAME:VALUE, not %q", pair)
		}
		headers.Add(name, value)
	}
	return headers, nil
}

// readBody reads the JSON of --file.
func (o *options) readBody(ctx context.Context) (json.RawMessage, error) {
	const hint = "lamina api PATH --file FILE"
	raw, err := o.env.ReadFile(ctx, o.file)
	if err != nil {
		return nil, cmp.Or(ctx.Err(), fail.Usage(hint, "could not read the body: %v", err))
	}
	if !json.Valid(raw) {
		return nil, fail.Usage(hint, "%s is not JSON; nothing was sent", o.file)
	}
	return raw, nil
}

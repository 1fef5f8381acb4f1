package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

// call returns the call that the options describe. Its path is still the one of the command line.
func (o *options) call(ctx context.Context) (api.Call, error) {
	fields, err := parseFields(o.fields)
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
		call.Body = bodyOf(fields)
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
	return raw, cmdutil.CheckJSON(hint, o.file, "JSON that can be sent as it is", raw)
}

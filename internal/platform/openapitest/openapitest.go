// Package openapitest judges exchanges with the Lamina API by their description, docs/openapi.yaml. Only tests import it.
package openapitest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// A Description is the description of the API.
type Description struct {
	doc    *openapi3.T
	router routers.Router
}

// Load reads a description and checks that it is valid.
func Load(file string) (*Description, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // tests have other addresses
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	router, err := gorillamux.NewRouter(doc)
	return &Description{doc, router}, err
}

// Operations returns the operations of the description by their method and path, such as GET /v1/apps/{appId}: the value is the operation id.
func (d *Description) Operations() map[string]string {
	all := map[string]string{}
	for path, item := range d.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			all[method+" "+path] = operation.OperationID
		}
	}
	return all
}

// A Response is the response of an exchange.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Check returns how an exchange differs from its description: a response, or a request that was accepted. An address that is not
// described must respond with 404 or 405.
func (d *Description) Check(req *http.Request, resp Response) error {
	if !strings.HasPrefix(req.URL.Path, "/v1/") || req.Method == http.MethodHead {
		return nil
	}
	route, params, err := d.router.FindRoute(req)
	if err != nil {
		if resp.Status == http.StatusNotFound || resp.Status == http.StatusMethodNotAllowed {
			return nil
		}
		return fmt.Errorf("%s %s responds with %d, but is not described", req.Method, req.URL.Path, resp.Status)
	}
	exchange := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true},
	}
	name := fmt.Sprintf("%s (%s %s)", route.Operation.OperationID, req.Method, req.URL.Path)
	if resp.Status < http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(req.Context(), exchange); err != nil {
			return fmt.Errorf("%s accepts a request that differs from its description: %s", name, places(err))
		}
	}
	if err := d.checkResponse(exchange, resp); err != nil {
		return fmt.Errorf("%s: the response %d differs from its description: %s", name, resp.Status, places(err))
	}
	return nil
}

// CheckResponse returns how a response to a request, whose body does not matter, differs from its description.
func (d *Description) CheckResponse(req *http.Request, resp Response) error {
	route, params, err := d.router.FindRoute(req)
	if err != nil {
		return err
	}
	return d.checkResponse(&openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route, Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}, resp)
}

func (d *Description) checkResponse(exchange *openapi3filter.RequestValidationInput, resp Response) error {
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return d.checkEvents(resp.Body)
	}
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: exchange, Status: resp.Status, Header: resp.Header, Options: exchange.Options,
	}
	output.SetBodyBytes(resp.Body)
	return openapi3filter.ValidateResponse(exchange.Request.Context(), output)
}

// checkEvents checks the events of a stream that hold a run.
func (d *Description) checkEvents(stream []byte) error {
	var name string
	for line := range strings.Lines(string(stream)) {
		line = strings.TrimSuffix(line, "\n")
		if event, ok := strings.CutPrefix(line, "event: "); ok {
			name = event
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || name != "progress" && name != "complete" && name != "error" {
			continue
		}
		var run any
		err := json.Unmarshal([]byte(data), &run)
		if err == nil {
			err = d.doc.Components.Schemas["Run"].Value.VisitJSON(run, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors())
		}
		if err != nil {
			return fmt.Errorf("event %s: %s", name, places(err))
		}
	}
	return nil
}

// places returns what an error says, without the schemas and values that it quotes: each problem with its place in the body.
func places(err error) string {
	var several openapi3.MultiError
	if errors.As(err, &several) {
		var all []string
		for _, e := range several {
			all = append(all, places(e))
		}
		return strings.Join(all, "; ")
	}
	text, _, _ := strings.Cut(err.Error(), "\nSchema:")
	var schema *openapi3.SchemaError
	if errors.As(err, &schema) && schema.Reason != "" {
		text = "/" + strings.Join(schema.JSONPointer(), "/") + ": " + schema.Reason
	}
	return strings.Join(strings.Fields(text), " ")
}

// Handler wraps the handler of the API: it passes each difference to report, and the id of each operation that succeeded as described to
// succeeded. Several requests may call these functions at the same time.
func (d *Description) Handler(next http.Handler, report func(error), succeeded func(operationID string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, recorder := new(bytes.Buffer), &recorder{ResponseWriter: w}
		seen := r.Clone(context.WithoutCancel(r.Context()))
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, sent), r.Body}
		next.ServeHTTP(recorder, r)
		if r.Context().Err() != nil {
			return // the client has left before the end of the response
		}
		seen.Body = io.NopCloser(sent)
		status := max(recorder.status, http.StatusOK)
		if err := d.Check(seen, Response{status, w.Header(), recorder.body.Bytes()}); err != nil {
			report(err)
		} else if route, _, err := d.router.FindRoute(seen); err == nil && status < http.StatusBadRequest {
			succeeded(route.Operation.OperationID)
		}
	})
}

// A recorder copies a response.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

// Unwrap returns the writer below, for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

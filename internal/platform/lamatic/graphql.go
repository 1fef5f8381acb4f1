package lamatic

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// schemaText is the schema of the queries that Lamatic's SDKs send. %s stands for the type of checkStatus: Lamatic does
// not document whether it is a scalar or an object.
const schemaText = `
scalar JSON
type FlowResult { status: String! result: JSON }
type RequestStatus { status: String! result: JSON message: String requestId: String }
type Query {
	executeWorkflow(workflowId: String!, payload: JSON): FlowResult
	executeAgent(agentId: String!, payload: JSON!): FlowResult
	checkStatus(requestId: String!): %s
}
type Subscription {
	executeWorkflowWithStream(workflowId: String, payload: JSON!, source: String, command: String): JSON
}
`

// maxGraphQLTokens limits a document, and thereby its nesting. The SDKs send fewer than a hundred tokens.
const maxGraphQLTokens = 4000

// A graphqlRequest is the body of a GraphQL request over HTTP.
type graphqlRequest struct {
	Query         string         `json:"query"`
	Variables     map[string]any `json:"variables"`
	OperationName string         `json:"operationName"`
}

func readGraphQL(w http.ResponseWriter, r *http.Request) (body graphqlRequest, err error) {
	raw, err := wire.ReadBody(w, r)
	if errors.Is(err, wire.ErrBodyTooLarge) {
		return body, &refusal{http.StatusRequestEntityTooLarge, "The body is larger than 1 MiB"}
	}
	if err != nil || json.Unmarshal(raw, &body) != nil {
		return body, &refusal{http.StatusBadRequest, "The body must be a JSON object with query and variables"}
	}
	return body, nil
}

// serveGraphQL answers POST /lamatic/graphql. A mistake in the document, the workflow or its payload is answered in
// errors[] with status 200, as GraphQL servers with the content type application/json do.
func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &refusal{http.StatusMethodNotAllowed, "GraphQL requests are sent with POST"}
	}
	project, err := s.caller(r)
	if err != nil {
		return err
	}
	body, err := readGraphQL(w, r)
	if err != nil {
		return err
	}
	call, errs := newGraphQLCall(body.Query, body.OperationName, body.Variables)
	if errs != nil {
		writeGraphQL(w, nil, errs)
		return nil
	}
	if call.operation.Operation == ast.Subscription {
		s.streamWorkflow(w, r, call)
		return nil
	}
	data, errs := call.execute(func(f *ast.Field, args map[string]any) (any, gqlerror.List) {
		return s.resolve(r, project, f.Name, args)
	})
	writeGraphQL(w, data, errs)
	return nil
}

// writeGraphQL answers with data, errors or both (GraphQL specification, section 7.1). Without data, no operation was
// executed.
func writeGraphQL(w http.ResponseWriter, data graphqlObject, errs gqlerror.List) {
	reply := graphqlObject{}
	if data != nil {
		reply = append(reply, graphqlMember{"data", data})
	}
	if len(errs) > 0 {
		reply = append(reply, graphqlMember{"errors", errs})
	}
	wire.WriteJSON(w, http.StatusOK, reply)
}

// resolve returns the value of a field of the query.
func (s *Server) resolve(r *http.Request, project, name string, args map[string]any) (any, gqlerror.List) {
	text := func(arg string) string { v, _ := args[arg].(string); return v }
	switch name {
	case "executeWorkflow":
		return s.executeWorkflow(r.Context(), project, text("workflowId"), args["payload"])
	case "executeAgent":
		return s.executeAgent(r.Context(), project, text("agentId"), args["payload"])
	case "checkStatus":
		return s.runStatus(r.Context(), project, text("requestId"))
	}
	return nil, gqlerror.List{gqlerror.Errorf("%s is not answered here: introspection is switched off", name)}
}

// A graphqlCall is one operation of a valid document, with its variables.
type graphqlCall struct {
	operation *ast.OperationDefinition
	variables map[string]any
}

// newGraphQLCall parses a document, validates it and chooses the operation to execute.
func newGraphQLCall(query, operationName string, variables map[string]any) (*graphqlCall, gqlerror.List) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, maxGraphQLTokens)
	if err != nil {
		return nil, gqlerror.List{graphqlError(err)}
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: fmt.Sprintf(schemaText, statusType(doc))})
	if err != nil {
		return nil, gqlerror.List{graphqlError(err)}
	}
	if errs := validator.ValidateWithRules(schema, doc, nil); len(errs) > 0 {
		return nil, errs
	}
	op := doc.Operations.ForName(operationName)
	if op == nil || operationName == "" && len(doc.Operations) > 1 {
		return nil, gqlerror.List{gqlerror.Errorf("operationName must name one of the operations of the document")}
	}
	values, err := validator.VariableValues(schema, op, variables)
	if err != nil {
		return nil, gqlerror.List{graphqlError(err)}
	}
	return &graphqlCall{operation: op, variables: values}, nil
}

// statusType returns the type of checkStatus that a document expects: one SDK selects fields of it, the other does not.
func statusType(doc *ast.QueryDocument) string {
	for _, op := range doc.Operations {
		for _, selection := range op.SelectionSet {
			if f, ok := selection.(*ast.Field); ok && f.Name == "checkStatus" && len(f.SelectionSet) > 0 {
				return "RequestStatus"
			}
		}
	}
	return "JSON"
}

func graphqlError(err error) *gqlerror.Error {
	var known *gqlerror.Error
	if errors.As(err, &known) {
		return known
	}
	return gqlerror.Wrap(err)
}

// A graphqlResolver returns the value of a root field. With errors, the value is null.
type graphqlResolver func(f *ast.Field, args map[string]any) (any, gqlerror.List)

// execute resolves the fields of a query in order.
func (c *graphqlCall) execute(resolve graphqlResolver) (graphqlObject, gqlerror.List) {
	data, all := graphqlObject{}, gqlerror.List{}
	for _, f := range c.fields(c.operation.SelectionSet) {
		if f.Name == "__typename" {
			data = append(data, graphqlMember{f.Alias, "Query"})
			continue
		}
		value, errs := resolve(f, f.ArgumentMap(c.variables))
		for _, e := range errs {
			e.Path = ast.Path{ast.PathName(f.Alias)}
			e.Locations = []gqlerror.Location{{Line: f.Position.Line, Column: f.Position.Column}}
		}
		all = append(all, errs...)
		data = append(data, graphqlMember{f.Alias, c.selected(f, value)})
	}
	return data, all
}

// selected returns the members of an object that a field selects. A scalar has no selection and is returned unchanged.
func (c *graphqlCall) selected(f *ast.Field, value any) any {
	object, ok := value.(map[string]any)
	if !ok || len(f.SelectionSet) == 0 {
		return value
	}
	kept := graphqlObject{}
	for _, sub := range c.fields(f.SelectionSet) {
		if sub.Name == "__typename" {
			kept = append(kept, graphqlMember{sub.Alias, f.Definition.Type.Name()})
			continue
		}
		kept = append(kept, graphqlMember{sub.Alias, object[sub.Name]})
	}
	return kept
}

// fields returns the fields of a selection and its fragments, each response name once (GraphQL specification, section
// 6.3.2).
func (c *graphqlCall) fields(set ast.SelectionSet) []*ast.Field {
	var all []*ast.Field
	byName := map[string]*ast.Field{}
	var collect func(ast.SelectionSet)
	collect = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch sel := selection.(type) {
			case *ast.Field:
				if !c.included(sel.Directives) {
					continue
				}
				if first := byName[sel.Alias]; first != nil {
					first.SelectionSet = slices.Concat(first.SelectionSet, sel.SelectionSet)
					continue
				}
				own := *sel
				byName[sel.Alias] = &own
				all = append(all, &own)
			case *ast.InlineFragment:
				if c.included(sel.Directives) {
					collect(sel.SelectionSet)
				}
			case *ast.FragmentSpread:
				if c.included(sel.Directives) {
					collect(sel.Definition.SelectionSet)
				}
			}
		}
	}
	collect(set)
	return all
}

// included applies @skip and @include.
func (c *graphqlCall) included(directives ast.DirectiveList) bool {
	for name, unwanted := range map[string]bool{"skip": true, "include": false} {
		if d := directives.ForName(name); d != nil && d.ArgumentMap(c.variables)["if"] == unwanted {
			return false
		}
	}
	return true
}

// A graphqlObject is a JSON object in the order of the query, as GraphQL requires.
type graphqlObject []graphqlMember

type graphqlMember struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o graphqlObject) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

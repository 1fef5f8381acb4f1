package oauth

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// A refusal is an error in the form of RFC 6749 §4.1.2.1 and §5.2. These sections allow only ASCII without quotes and
// backslashes in the description, so it repeats no input of the client.
type refusal struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func refuse(code, description string) *refusal { return &refusal{code, description} }

// write answers with the error as JSON. invalid_client has status 401 (RFC 6749 §5.2).
func (e *refusal) write(w http.ResponseWriter) {
	status := http.StatusBadRequest
	if e.Code == "invalid_client" {
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Basic realm="lamina"`)
	}
	writeJSON(w, status, e)
}

// writeNotSaved answers when the state could not be written.
func writeNotSaved(w http.ResponseWriter) {
	writeJSON(w, http.StatusInternalServerError, refuse("server_error", "The state could not be saved; try again"))
}

// params are the parameters of a request. A parameter without a value counts as missing (RFC 6749 §3.1).
type params map[string]string

// readParams reads the parameters of a request from its body, a form or a JSON object.
func readParams(w http.ResponseWriter, r *http.Request) (params, *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, refuse("invalid_request", "The request body could not be read or is too large")
	}
	return parseParams(r.Header.Get("Content-Type"), body)
}

// parseParams reads parameters from a form (RFC 6749, Appendix B) or a JSON object. It ignores members of an object that
// are not strings.
func parseParams(contentType string, body []byte) (params, *refusal) {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	switch mediaType {
	case "application/x-www-form-urlencoded":
		return parseForm(string(body))
	case "application/json":
		var object map[string]any
		if err := json.Unmarshal(body, &object); err != nil || object == nil {
			return nil, refuse("invalid_request", "The body is not a JSON object")
		}
		p := params{}
		for name, v := range object {
			if text, ok := v.(string); ok && text != "" {
				p[name] = text
			}
		}
		return p, nil
	}
	return nil, refuse("invalid_request", "Send the parameters as application/x-www-form-urlencoded or application/json")
}

func parseForm(encoded string) (params, *refusal) {
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, refuse("invalid_request", "The parameters are not correctly encoded")
	}
	p := params{}
	for name, v := range values {
		if len(v) > 1 {
			return nil, refuse("invalid_request", "A parameter is given more than once")
		}
		if v[0] != "" {
			p[name] = v[0]
		}
	}
	return p, nil
}

// require refuses a request without one of the named parameters.
func (p params) require(names ...string) *refusal {
	for _, name := range names {
		if p[name] == "" {
			return refuse("invalid_request", "The parameter "+name+" is missing")
		}
	}
	return nil
}

// Inspect returns the client id and the grant type of a request to this server. It leaves the body of the request
// readable.
func Inspect(r *http.Request) (clientID, grantType string) {
	endpoint, ok := strings.CutPrefix(r.URL.Path, "/cli/oauth/")
	if !ok {
		return "", ""
	}
	if r.Method != http.MethodPost {
		return r.URL.Query().Get("client_id"), ""
	}
	head, _ := io.ReadAll(io.LimitReader(r.Body, maxBody+1)) // the handler meets the same read error
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
	p, _ := parseParams(r.Header.Get("Content-Type"), head)
	if endpoint == "token" {
		grantType = p["grant_type"]
	}
	return p["client_id"], grantType
}

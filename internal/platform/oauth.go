package platform

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Buckets of the authorization server. A key that is a secret is its digest (see Server.digest).
const (
	bucketClients       = "oauth-clients"        // client id → client
	bucketConsents      = "oauth-consents"       // digest of the id of the request → consent
	bucketGrants        = "oauth-grants"         // grant id → grant
	bucketCodes         = "oauth-codes"          // digest of the code → authorizationCode
	bucketAccessTokens  = "oauth-access-tokens"  // digest of the token → accessToken
	bucketRefreshTokens = "oauth-refresh-tokens" // digest of the token → refreshToken
	bucketDevices       = "oauth-devices"        // digest of the device code → device
	bucketUserCodes     = "oauth-user-codes"     // digest of the user code → digest of the device code, as JSON
	bucketGuesses       = "oauth-guesses"        // address of a browser → guesses
)

// The kinds of grant that this server gives (RFC 6749 §4.1 and §6, RFC 8628 §3.4).
const (
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
)

// How long a person has to answer, and a client to use the answer.
const (
	consentTTL = 10 * time.Minute
	codeTTL    = 10 * time.Minute
	deviceTTL  = 15 * time.Minute
)

// maxOAuthBody is the largest body, in bytes, that the authorization server reads.
const maxOAuthBody = 64 << 10

// A scope is a permission by its name and in words for a person.
type scope struct{ Name, Words string }

// The scopes that the API asks for.
const (
	scopeRead  = "lamina:creative:read"
	scopeWrite = "lamina:creative:write"
)

// supportedScopes are all scopes there are. A request that names none gets all of them.
var supportedScopes = []scope{
	{scopeRead, "See your apps, runs, results and assets"},
	{scopeWrite, "Start and cancel runs, upload assets, use credits"},
	{"lamina:brand:read", "See your brand profiles and insights"},
}

func (s *Server) routeOAuth(mux *http.ServeMux) {
	mux.HandleFunc("GET /.well-known/oauth-authorization-server/cli/oauth", s.serveMetadata)
	mux.HandleFunc("POST /cli/oauth/register", s.serveRegister)
	mux.HandleFunc("GET /cli/oauth/authorize", s.serveAuthorize)
	mux.HandleFunc("GET /oauth/consent", s.showConsent)
	mux.HandleFunc("POST /oauth/consent", s.answerConsent)
	mux.HandleFunc("POST /cli/oauth/token", s.serveToken)
	mux.HandleFunc("POST /cli/oauth/revoke", s.serveRevoke)
	mux.HandleFunc("POST /cli/oauth/device_authorization", s.serveDeviceAuthorization)
	mux.HandleFunc("GET /device", s.showDevice)
	mux.HandleFunc("POST /device", s.answerDevice)
	mux.HandleFunc("GET /pages/style.css", servePageFile)
	mux.HandleFunc("GET /pages/icon.svg", servePageFile)
	mux.HandleFunc("GET /{$}", s.showHome)
}

// issuer is the authorization server's identifier (RFC 8414 §2).
func (s *Server) issuer() string { return s.opts.BaseURL + "/cli/oauth" }

// serveMetadata answers with the authorization server's metadata (RFC 8414 §3.2).
func (s *Server) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	names := strings.Fields(allScopes())
	writeOAuth(w, http.StatusOK, map[string]any{
		"issuer":                                         s.issuer(),
		"authorization_endpoint":                         s.issuer() + "/authorize",
		"token_endpoint":                                 s.issuer() + "/token",
		"registration_endpoint":                          s.issuer() + "/register",
		"revocation_endpoint":                            s.issuer() + "/revoke",
		"device_authorization_endpoint":                  s.issuer() + "/device_authorization",
		"scopes_supported":                               names,
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          []string{grantCode, grantRefresh, grantDevice},
		"token_endpoint_auth_methods_supported":          []string{"none"},
		"revocation_endpoint_auth_methods_supported":     []string{"none"},
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
		"service_documentation":                          "https://docs.uselamina.ai",
	})
}

// An oauthError is a refusal in the form of RFC 6749 §4.1.2.1 and §5.2. The description is plain ASCII without quotes
// and backslashes, as these sections ask for; so it repeats nothing that the client sent.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func deny(code, description string) *oauthError { return &oauthError{code, description} }

// write answers with the error as JSON. A client that could not be identified gets 401, as RFC 6749 §5.2 asks for.
func (e *oauthError) write(w http.ResponseWriter) {
	status := http.StatusBadRequest
	if e.Code == "invalid_client" {
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Basic realm="lamina"`)
	}
	writeOAuth(w, status, e)
}

// writeOAuth answers with JSON and the headers that RFC 6749 §5.1 asks for.
func writeOAuth(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Pragma", "no-cache")
	writeJSON(w, status, body)
}

// serverError is the answer when the state could not be written.
func serverError(w http.ResponseWriter) {
	writeOAuth(w, http.StatusInternalServerError, deny("server_error", "The state could not be saved; try again"))
}

// params are the parameters of a request. One without a value counts as left out (RFC 6749 §3.1).
type params map[string]string

// readParams reads the parameters of a request from its body, which is a form or a JSON object.
func readParams(w http.ResponseWriter, r *http.Request) (params, *oauthError) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOAuthBody))
	if err != nil {
		return nil, deny("invalid_request", "The request body could not be read or is too large")
	}
	return parseParams(r.Header.Get("Content-Type"), body)
}

// parseParams reads parameters from a form (RFC 6749, Appendix B) or a JSON object. Members of an object that are not
// strings are none of the protocol's parameters, and are ignored.
func parseParams(contentType string, body []byte) (params, *oauthError) {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	switch mediaType {
	case "application/x-www-form-urlencoded":
		return parseForm(string(body))
	case "application/json":
		var object map[string]any
		if err := json.Unmarshal(body, &object); err != nil || object == nil {
			return nil, deny("invalid_request", "The body is not a JSON object")
		}
		p := params{}
		for name, v := range object {
			if text, ok := v.(string); ok && text != "" {
				p[name] = text
			}
		}
		return p, nil
	}
	return nil, deny("invalid_request", "Send the parameters as application/x-www-form-urlencoded or application/json")
}

func parseForm(encoded string) (params, *oauthError) {
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, deny("invalid_request", "The parameters are not correctly encoded")
	}
	p := params{}
	for name, v := range values {
		if len(v) > 1 {
			return nil, deny("invalid_request", "A parameter is given more than once")
		}
		if v[0] != "" {
			p[name] = v[0]
		}
	}
	return p, nil
}

// require refuses a request that lacks one of the named parameters.
func (p params) require(names ...string) *oauthError {
	for _, name := range names {
		if p[name] == "" {
			return deny("invalid_request", "The parameter "+name+" is missing")
		}
	}
	return nil
}

func allScopes() string {
	var names []string
	for _, sc := range supportedScopes {
		names = append(names, sc.Name)
	}
	return strings.Join(names, " ")
}

// narrowScope returns the requested scopes, in the order of supportedScopes, or all allowed ones if none is requested.
// What is not supported or not allowed is refused.
func narrowScope(requested, allowed string) (string, *oauthError) {
	if strings.TrimSpace(requested) == "" {
		return allowed, nil
	}
	wanted, may := strings.Fields(requested), strings.Fields(allowed)
	for _, name := range wanted {
		if !slices.ContainsFunc(supportedScopes, func(sc scope) bool { return sc.Name == name }) {
			return "", deny("invalid_scope", "Unsupported MCP OAuth scope")
		}
		if !slices.Contains(may, name) {
			return "", deny("invalid_scope", "The scope "+name+" goes beyond what was allowed before")
		}
	}
	may = slices.DeleteFunc(may, func(name string) bool { return !slices.Contains(wanted, name) })
	return strings.Join(may, " "), nil
}

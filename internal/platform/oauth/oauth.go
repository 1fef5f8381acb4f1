// Package oauth serves the authorization server of the local platform: OAuth 2.0 with PKCE (RFC 6749, RFC 7636),
// dynamic registration (RFC 7591), revocation (RFC 7009) and the device flow (RFC 8628), with the pages on which a user
// approves a client.
package oauth

import (
	"net/http"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/platform/wire"
	"github.com/uselamina/lamina/internal/platform/wire/page"
)

// Buckets of the authorization server. A digest is that of wire.Secrets.
const (
	bucketClients       = "oauth-clients"        // client id → client
	bucketConsents      = "oauth-consents"       // digest of the request id → consent
	bucketGrants        = "oauth-grants"         // grant id → grant
	bucketCodes         = "oauth-codes"          // digest of the code → authorizationCode
	bucketAccessTokens  = "oauth-access-tokens"  // digest of the token → accessToken
	bucketRefreshTokens = "oauth-refresh-tokens" // digest of the token → refreshToken
	bucketDevices       = "oauth-devices"        // digest of the device code → device
	bucketUserCodes     = "oauth-user-codes"     // digest of the user code → digest of the device code
	bucketGuesses       = "oauth-guesses"        // IP address → guesses
	bucketSwept         = "server"               // "oauth-swept" → time of the last sweep
)

// The grant types of this server (RFC 6749 §4.1 and §6, RFC 8628 §3.4).
const (
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
)

// GrantTypes returns the grant types of this server.
func GrantTypes() []string { return []string{grantCode, grantRefresh, grantDevice} }

// Lifetimes of requests and codes.
const (
	consentTTL = 10 * time.Minute
	codeTTL    = 10 * time.Minute
	deviceTTL  = 15 * time.Minute
)

// maxBody is the largest body of a request, in bytes.
const maxBody = 64 << 10

// Options configure the authorization server.
type Options struct {
	AutoApprove     bool          // approve every request without a user
	AccessTokenTTL  time.Duration // from issue
	RefreshTokenTTL time.Duration // from issue
	DeviceInterval  time.Duration // between polls of the device flow, in whole seconds
}

// A Server is the authorization server.
type Server struct {
	wire.Deps
	opts    Options
	forms   page.Forms
	handler http.Handler
}

// New returns the authorization server.
func New(deps wire.Deps, opts Options) *Server {
	s := &Server{Deps: deps, opts: opts, forms: page.Forms{Secrets: deps.Secrets}}
	mux := http.NewServeMux()
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
	s.handler = mux
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// issuer returns the identifier of the authorization server (RFC 8414 §2).
func (s *Server) issuer() string { return s.BaseURL + "/cli/oauth" }

// serveMetadata answers with the metadata of the authorization server (RFC 8414 §3.2).
func (s *Server) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                         s.issuer(),
		"authorization_endpoint":                         s.issuer() + "/authorize",
		"token_endpoint":                                 s.issuer() + "/token",
		"registration_endpoint":                          s.issuer() + "/register",
		"revocation_endpoint":                            s.issuer() + "/revoke",
		"device_authorization_endpoint":                  s.issuer() + "/device_authorization",
		"scopes_supported":                               strings.Fields(allScopes()),
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          GrantTypes(),
		"token_endpoint_auth_methods_supported":          []string{"none"},
		"revocation_endpoint_auth_methods_supported":     []string{"none"},
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
		"service_documentation":                          "https://docs.uselamina.ai",
	})
}

// writeJSON answers with JSON and the headers of RFC 6749 §5.1.
func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Pragma", "no-cache")
	wire.WriteJSON(w, status, body)
}

package account

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/auth/redirecturi"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/provider"
)

// ownParam reports whether the sign-in sets a parameter of requests to an authorization server itself, and returns the flag that
// changes it; "" if none does.
func ownParam(name string) (flag string, isOwn bool) {
	switch strings.ToLower(name) {
	case "client_id":
		return "--client-id ID", true
	case "redirect_uri":
		return "--redirect-uri URI", true
	case "scope":
		return "--scope SCOPES", true
	case "client_secret":
		return "--with-client-secret", true
	case "client_assertion", "client_assertion_type":
		return "--client-key FILE", true
	case "assertion", "code", "code_challenge", "code_challenge_method", "code_verifier", "device_code", "grant_type", "nonce", "password",
		"refresh_token", "request", "request_uri", "response_mode", "response_type", "state", "token", "token_type_hint", "username":
		return "", true
	}
	return "", false
}

const maxParam = 2000 // bytes

// params returns the further parameters of authorization requests: the remembered ones, replaced by those of --param and
// --prompt. An empty value removes a parameter.
func (s *signIn) params(remembered string) (string, error) {
	params, err := url.ParseQuery(remembered)
	if err != nil {
		params = url.Values{} // the record is damaged: start anew
	}
	typed := url.Values{}
	for _, pair := range s.param {
		name, value, _ := strings.Cut(pair, "=")
		typed.Add(name, value)
	}
	maps.Copy(params, typed)
	for name, values := range params {
		values = slices.DeleteFunc(values, func(value string) bool { return value == "" })
		if params[name] = values; len(values) == 0 {
			delete(params, name)
		}
	}
	for name, values := range params {
		if len(values) > 1 && name != "resource" { // RFC 6749 section 3.1, RFC 8707 section 2
			return "", fail.Usage(issuerUsage+" --param "+name+"=VALUE", "the parameter %s can be given only once", name)
		}
	}
	return params.Encode(), nil
}

const issuerUsage = "lamina login --issuer URL"

// checkParam refuses a parameter that the sign-in sets itself, and one that seems to hold a secret. Its error does not quote the value.
func checkParam(name, value string) error {
	switch flag, isOwn := ownParam(name); {
	case flag != "":
		return fail.Usage(issuerUsage+" "+flag, "--param cannot set %s: use %s", name, flag)
	case isOwn:
		return fail.Usage(issuerUsage, "--param cannot set %s: the sign-in chooses it", name)
	}
	usage := issuerUsage + " --param NAME=VALUE"
	switch {
	case !isParamName(name):
		return fail.Usage(usage, "--param must be NAME=VALUE, where NAME has letters, digits, dots, dashes and underscores")
	case isSecret(name, value):
		return fail.Usage(issuerUsage+" --with-client-secret", "--param %s seems to hold a secret: other processes can see arguments", name)
	case len(value) > maxParam, strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fail.Usage(usage, "the value of --param %s is too long or has control characters", name)
	}
	if u, err := url.Parse(value); name == "resource" && value != "" && (err != nil || !u.IsAbs() || strings.Contains(value, "#")) {
		return fail.Usage(issuerUsage+" --param resource=https://HOST", "--param resource must be an absolute URI without a fragment (RFC 8707)")
	}
	return nil
}

func isParamName(name string) bool {
	isOther := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_.:-", r)
	}
	return name != "" && len(name) <= 100 && !strings.ContainsFunc(name, isOther)
}

// isSecret reports whether a parameter has the name of a secret, or a value in the form of a JWT or of a service's key.
func isSecret(name, value string) bool {
	for _, word := range []string{"secret", "passw", "token", "assertion", "credential", "api_key", "apikey"} {
		if strings.Contains(strings.ToLower(name), word) {
			return true
		}
	}
	_, isKey := provider.Provider{}.OtherOwner(value, provider.All())
	return isKey || strings.HasPrefix(value, "eyJ") && strings.Count(value, ".") == 2
}

// issuerFlag returns the first typed flag that applies only to a sign-in at an issuer; "" if there is none.
func (o *loginOptions) issuerFlag() string {
	for _, flag := range []struct {
		name  string
		typed bool
	}{
		{"--client-id ID", o.clientID != ""},
		{"--scope SCOPE", o.scope != ""},
		{"--prompt VALUE", o.prompt != ""},
		{"--param NAME=VALUE", len(o.param) > 0},
		{"--redirect-uri URI", o.redirectURI != ""},
		{"--with-client-secret", o.withSecret},
		{"--client-key FILE", o.clientKey != ""},
		{"--client-key-audience AUDIENCE", o.audience != ""},
	} {
		if flag.typed {
			return flag.name
		}
	}
	return ""
}

// checkIssuerFlags checks the values of the flags of a sign-in at an issuer.
func (o *loginOptions) checkIssuerFlags(cmd *cobra.Command) error {
	if cmd.Flags().Changed("prompt") {
		o.param = append(o.param, "prompt="+o.prompt)
	}
	for _, pair := range o.param {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return fail.Usage(issuerUsage+" --param NAME=VALUE", "--param must be NAME=VALUE")
		}
		if err := checkParam(name, value); err != nil {
			return err
		}
	}
	if o.redirectURI == "" {
		return nil
	}
	if err := redirecturi.Check(o.redirectURI); err != nil {
		return fail.Usage(issuerUsage+" --redirect-uri http://localhost/PATH", "--redirect-uri: %v", err)
	}
	return nil
}

// Package provider describes the services that lamina signs in to, as data: the address, how a credential is sent, what a key
// looks like, how a key is checked, and what a refusal means. It imports nothing of this module and makes no requests. Users can
// add a service with a file of the same form; see Parse.
package provider

import (
	"cmp"
	"time"
)

// Provider is one service. Its JSON form is that of a file below providers/ in the configuration folder.
type Provider struct {
	// Name is the short name, as in a command or a profile: lower-case letters, digits and dashes.
	Name string `json:"name"`
	// Title is the display name.
	Title string `json:"title"`
	// Aliases are other names that --provider takes.
	Aliases []string `json:"aliases,omitempty"`
	// Source names the documentation that these facts come from.
	Source string `json:"source,omitempty"`

	// BaseURL is the address that paths are appended to, without a trailing slash. It is empty where each customer has an own
	// address.
	BaseURL string `json:"baseUrl,omitempty"`
	// BaseURLEnv are the environment variables that replace BaseURL; the first one that is set applies.
	BaseURLEnv []string `json:"baseUrlEnv,omitempty"`
	// BaseURLHelp says where to find the address, or why it may differ.
	BaseURLHelp string `json:"baseUrlHelp,omitempty"`

	// KeyHeader is the request header that carries the key or the access token, after KeyScheme and a space if the
	// service wants a scheme (RFC 9110 section 11.1).
	KeyHeader string `json:"keyHeader"`
	KeyScheme string `json:"keyScheme,omitempty"`
	// EnvKey is the environment variable that holds a key.
	EnvKey string `json:"envKey"`
	// KeyShapes are the known prefixes of keys. They serve warnings and tell services apart; a key without a known prefix is
	// accepted.
	KeyShapes []KeyShape `json:"keyShapes,omitempty"`
	// RunPagePath and AppPagePath are the paths of the web pages of a run and of an app, up to the id. A described service has none.
	RunPagePath string `json:"-"`
	AppPagePath string `json:"-"`
	// KeysURL is the page where users create keys. KeysHelp describes the way to it.
	KeysURL  string `json:"keysUrl,omitempty"`
	KeysHelp string `json:"keysHelp,omitempty"`

	// Settings are the values that a sign-in needs in addition to the key.
	Settings []Setting `json:"settings,omitempty"`
	// AccountPath is the path of the request that returns the account of a credential; empty where the service has none.
	AccountPath string `json:"-"`
	// Roots are beginnings of the service's paths, as far as neither AccountPath nor the first check shows them.
	Roots []string `json:"-"`
	// Checks are the requests that test a key, cheapest first. The next one is tried where the service does not know the path
	// (404, 405). Without checks, keys cannot be tested.
	Checks []Check `json:"checks,omitempty"`
	// Errors is the form of the body of a refusal.
	Errors Errors `json:"errors"`
	// Rules classify refusals; the first rule that matches applies.
	Rules []Rule `json:"answers,omitempty"`
	// RequestTime is how long a request may take; 0 means 30 seconds.
	RequestTime time.Duration `json:"-"`
	// RateLimit names the response headers that hold the rate limit.
	RateLimit RateLimit `json:"rateLimit"`

	// OAuth is the authorization server; nil where the service has only keys.
	OAuth *OAuth `json:"-"`
}

// KeyShape is one known prefix of a service's keys.
type KeyShape struct {
	Prefix string `json:"prefix"`
	// Class is "live" or "test"; empty where the service does not distinguish them.
	Class string `json:"class,omitempty"`
	// Note is shown to users of keys of this class.
	Note string `json:"note,omitempty"`
}

// Setting is a value that a sign-in needs in addition to the key, such as a project id.
type Setting struct {
	// Name is the name in --set NAME=VALUE.
	Name string `json:"name"`
	// Title is the text of the prompt.
	Title string `json:"title"`
	// Header is the request header that carries the value; empty for a setting that only this program reads.
	Header string `json:"header,omitempty"`
	// Env are the environment variables that hold the value when the key comes from EnvKey; the first one that is set applies.
	Env []string `json:"env,omitempty"`
	// Required settings are prompted for.
	Required bool `json:"required,omitempty"`
	// Values are the allowed values, default first; empty allows every value.
	Values []string `json:"values,omitempty"`
	// Help says where to find the value.
	Help string `json:"help,omitempty"`
}

// Check is a request that tests a key.
type Check struct {
	Method string `json:"method"`
	// Path is appended to the base URL.
	Path string `json:"path"`
	// Body is a JSON text; empty means no body.
	Body string `json:"body,omitempty"`
	// Cost describes the cost or the side effect of the request; empty if there is none.
	Cost string `json:"cost,omitempty"`
	// Proves describes what a success proves; empty means that the key is accepted.
	Proves string `json:"proves,omitempty"`
}

// Errors is the form of a refusal's JSON body. Each list holds paths, tried in order: names and indexes joined by dots. A path
// matches if it leads to a string.
type Errors struct {
	Code            []string `json:"code,omitempty"`
	Message         []string `json:"message,omitempty"`
	RequestID       []string `json:"requestId,omitempty"`
	RequestIDHeader string   `json:"requestIdHeader,omitempty"`
}

// Kind is the cause of a refusal, as far as the service reports it.
type Kind string

// The kinds of refusals.
const (
	Refused     Kind = "refused"      // the key is missing, malformed, unknown or expired
	Revoked     Kind = "revoked"      // the key was revoked
	WrongClass  Kind = "wrong-class"  // a test key where a live key is needed, or the reverse
	Misplaced   Kind = "misplaced"    // the key belongs to another project or organization, or the address is wrong
	Forbidden   Kind = "forbidden"    // the key lacks a permission
	NotFound    Kind = "not-found"    // the resource does not exist
	Invalid     Kind = "invalid"      // the request is malformed
	Quota       Kind = "quota"        // credits, budget or plan are used up; a retry does not help
	RateLimited Kind = "rate-limited" // too many requests; a later retry helps
	Unavailable Kind = "unavailable"  // the service, or one that it depends on, fails
	NotReady    Kind = "not-ready"    // the service has no data to work with yet
)

// Rule classifies refusals with a given status and code.
type Rule struct {
	Status int    `json:"status,omitempty"` // 0 matches every status
	Code   string `json:"code,omitempty"`   // empty matches every code; case-insensitive
	Kind   Kind   `json:"means"`
	// Explanation says what the refusal means, in addition to the service's message.
	Explanation string `json:"says,omitempty"`
	// Hint is what to do about it, where the kind alone does not tell. Commands that sign in are not written here: they depend on
	// the profile and on the source of the credential.
	Hint string `json:"try,omitempty"`
	// Set holds the settings that may be wrong, as NAME=VALUE for --set, where VALUE may be a placeholder.
	Set []string `json:"set,omitempty"`
}

// RateLimit names response headers: how many requests a window allows, how many remain, and when it ends (Unix seconds).
type RateLimit struct {
	Limit     string `json:"limit,omitempty"`
	Remaining string `json:"remaining,omitempty"`
	Reset     string `json:"reset,omitempty"`
}

// OAuth is a service's authorization server for command-line clients. The paths are relative to the base URL and apply where
// the server publishes no metadata (RFC 8414).
type OAuth struct {
	IssuerPath    string
	RegisterPath  string // dynamic client registration (RFC 7591)
	AuthorizePath string
	TokenPath     string
	Scopes        []string
	JSONBodies    bool   // the endpoints take JSON objects instead of the forms of RFC 6749
	IssuedPrefix  string // prefix of everything that the server issues, authorization codes included
	TokenPrefix   string // prefix of its access tokens
	ClientName    string // client_name of the registration (RFC 7591 section 2)
	ClientURI     string
}

// All returns the built-in services, Lamina first.
func All() []Provider {
	return []Provider{Lamina(), Laminr(), Lamatic(), Lightfast(), Laghav()}
}

// Find returns the service of that name or alias.
func Find(name string) (Provider, bool) {
	for _, p := range All() {
		if p.Is(name) {
			return p, true
		}
	}
	return Provider{}, false
}

// Is reports whether name is the name of the service or an alias of it.
func (p Provider) Is(name string) bool {
	if name == p.Name {
		return true
	}
	for _, a := range p.Aliases {
		if name == a {
			return true
		}
	}
	return false
}

// Variables lists the environment variables of the service: those of the key, of the address and of the settings.
func (p Provider) Variables() []string {
	names := append([]string{p.EnvKey}, p.BaseURLEnv...)
	for _, s := range p.Settings {
		names = append(names, s.Env...)
	}
	return names
}

// KeysPlace says where users create keys.
func (p Provider) KeysPlace() string { return cmp.Or(p.KeysURL, p.KeysHelp, p.Title) }

// IsDefault reports whether commands use this service when they name none.
func (p Provider) IsDefault() bool { return p.Name == Lamina().Name }

// DefaultProfile is the profile that a sign-in is saved in when no profile is named.
func (p Provider) DefaultProfile() string {
	if p.IsDefault() {
		return "default"
	}
	return p.Name
}

// Setting returns the setting of that name.
func (p Provider) Setting(name string) (Setting, bool) {
	for _, s := range p.Settings {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}

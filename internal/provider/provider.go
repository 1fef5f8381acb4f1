// Package provider describes the services that lamina signs in to, as plain data: where each one lives, how a credential
// is sent, what a key looks like, how a key is checked and what a refusal looks like. It imports nothing of this module
// and talks to nobody. A person can add a service in a file of the same form; see Parse.
package provider

// Provider is one service. Its JSON form is that of a file below providers/ in the configuration folder.
type Provider struct {
	// Name is the short name, as in a command or a profile: lower-case letters, digits and dashes.
	Name string `json:"name"`
	// Title is the name that people know.
	Title string `json:"title"`
	// Aliases are other names that --provider takes.
	Aliases []string `json:"aliases,omitempty"`
	// Source says where these facts were learnt.
	Source string `json:"source,omitempty"`

	// BaseURL is the address that paths are appended to, without a slash at its end. Empty means that every customer has
	// one of their own.
	BaseURL string `json:"baseUrl,omitempty"`
	// BaseURLEnv are the environment variables that replace BaseURL; the first one that is set counts.
	BaseURLEnv []string `json:"baseUrlEnv,omitempty"`
	// BaseURLHelp says where a person finds the address, or why it may be another one.
	BaseURLHelp string `json:"baseUrlHelp,omitempty"`

	// KeyHeader is the request header that carries the key or the access token, after KeyScheme and a space if the
	// service wants a scheme (RFC 9110 section 11.1).
	KeyHeader string `json:"keyHeader"`
	KeyScheme string `json:"keyScheme,omitempty"`
	// EnvKey is the environment variable that holds a key.
	EnvKey string `json:"envKey"`
	// KeyShapes are how keys are known to start. They are for warnings and for telling services apart; a key that has
	// none of them is not refused.
	KeyShapes []KeyShape `json:"keyShapes,omitempty"`
	// KeysURL is the page on which a person makes keys, and KeysHelp the way to it.
	KeysURL  string `json:"keysUrl,omitempty"`
	KeysHelp string `json:"keysHelp,omitempty"`

	// Settings are what a sign-in needs beside the key.
	Settings []Setting `json:"settings,omitempty"`
	// Checks are the ways to find out whether a key is good, the cheapest first. The next one is tried where the service
	// does not know the address (404, 405). Without any, keys cannot be checked.
	Checks []Check `json:"checks,omitempty"`
	// Errors is the shape of a refusal.
	Errors Errors `json:"errors"`
	// Answers say what refusals mean; the first that fits counts.
	Answers []Answer `json:"answers,omitempty"`
	// RateLimit names the headers that tell of limits.
	RateLimit RateLimit `json:"rateLimit"`

	// OAuth is nil when the service knows only keys.
	OAuth *OAuth `json:"-"`
}

// KeyShape is one way in which keys of a service start.
type KeyShape struct {
	Prefix string `json:"prefix"`
	// Class tells keys for real work ("live") from those for trying ("test"); empty where there are no classes.
	Class string `json:"class,omitempty"`
	// Note is what a person should know of keys of this class.
	Note string `json:"note,omitempty"`
}

// Setting is a value that belongs to a sign-in beside the key, such as the id of a project.
type Setting struct {
	// Name is the one of --set NAME=VALUE.
	Name string `json:"name"`
	// Title is what a person is asked for.
	Title string `json:"title"`
	// Header is the request header that carries the value; empty for a setting that steers this program.
	Header string `json:"header,omitempty"`
	// Env are the environment variables that hold the value, beside a key in EnvKey; the first one that is set counts.
	Env []string `json:"env,omitempty"`
	// Required settings are asked for.
	Required bool `json:"required,omitempty"`
	// Values are the only ones that do, if there are any; the first is the default.
	Values []string `json:"values,omitempty"`
	// Help says where a person finds the value.
	Help string `json:"help,omitempty"`
}

// Check is a request that tells a good key from a bad one.
type Check struct {
	Method string `json:"method"`
	// Path is appended to the base URL.
	Path string `json:"path"`
	// Body is a JSON text to send; empty means none.
	Body string `json:"body,omitempty"`
	// Cost says what the request costs or leaves behind; empty if nothing.
	Cost string `json:"cost,omitempty"`
	// Proves says what a success shows; empty means that the key is accepted.
	Proves string `json:"proves,omitempty"`
}

// Errors is the shape in which a service refuses. Each list holds paths into the JSON body, in the order in which they are
// tried: names and indexes joined by dots. Only a string counts as found.
type Errors struct {
	Code            []string `json:"code,omitempty"`
	Message         []string `json:"message,omitempty"`
	RequestID       []string `json:"requestId,omitempty"`
	RequestIDHeader string   `json:"requestIdHeader,omitempty"`
}

// Meaning is the cause of a refusal, as far as the service tells it.
type Meaning string

// What refusals mean.
const (
	Refused     Meaning = "refused"      // the key is missing, malformed, unknown or expired
	Revoked     Meaning = "revoked"      // the key was withdrawn
	WrongClass  Meaning = "wrong-class"  // the key is good, but for trying only, or only for real work
	Misplaced   Meaning = "misplaced"    // the key is good, but for another project or organization, or the address is wrong
	Forbidden   Meaning = "forbidden"    // the key is good, but may not do this
	NotFound    Meaning = "not-found"    // there is no such thing
	Invalid     Meaning = "invalid"      // the request is wrong
	Quota       Meaning = "quota"        // what was bought is used up; waiting for a minute does not help
	RateLimited Meaning = "rate-limited" // too fast; waiting helps
	Unavailable Meaning = "unavailable"  // the service, or one behind it, fails
	NotReady    Meaning = "not-ready"    // the key is good, but the service has nothing to work with yet
)

// Answer says what a refusal with this status and this code means.
type Answer struct {
	Status int     `json:"status,omitempty"` // 0: any
	Code   string  `json:"code,omitempty"`   // empty: any; letter case does not matter
	Means  Meaning `json:"means"`
	// Says is what a person should know, as a sentence; Try is a command or an act that helps.
	Says string `json:"says,omitempty"`
	Try  string `json:"try,omitempty"`
}

// RateLimit names response headers: how many requests a window allows, how many remain, and when it ends (Unix seconds).
type RateLimit struct {
	Limit     string `json:"limit,omitempty"`
	Remaining string `json:"remaining,omitempty"`
	Reset     string `json:"reset,omitempty"`
}

// OAuth is a service's authorization server for command-line clients. The paths are relative to the base URL; they
// hold where the server publishes no metadata document (RFC 8414).
type OAuth struct {
	IssuerPath    string
	RegisterPath  string // dynamic client registration (RFC 7591)
	AuthorizePath string
	TokenPath     string
	Scopes        []string
	JSONBodies    bool   // requests to these endpoints are JSON objects instead of forms (RFC 6749 asks for forms)
	IssuedPrefix  string // how every string issued by the server starts, codes included
	TokenPrefix   string // how its access tokens start
	ClientName    string // what we register as
	ClientURI     string
}

// All returns every service that this program knows by itself, Lamina first.
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

// IsLamina reports whether this is the service that lamina is made for. Its sign-in, workspaces and API have no equal
// among the others.
func (p Provider) IsLamina() bool { return p.Name == "lamina" }

// DefaultProfile is the profile in which a sign-in is kept when no other is named.
func (p Provider) DefaultProfile() string {
	if p.IsLamina() {
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

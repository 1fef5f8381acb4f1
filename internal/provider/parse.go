package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Parse reads the description of a service from a file. It refuses unknown fields, what Validate refuses, and a description that
// takes the name of a built-in service or a variable that is not its own.
func Parse(raw []byte) (Provider, error) {
	var p Provider
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Provider{}, explainJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Provider{}, errors.New("there is more text after the JSON object")
	}
	return p, errors.Join(p.Validate(), p.checkBuiltIn(), p.CheckVariables(nil))
}

func (p Provider) checkBuiltIn() error {
	for _, own := range All() {
		if p.Name == own.Name {
			return fmt.Errorf("name %q is the name of a built-in service", p.Name)
		}
	}
	return nil
}

// CheckVariables keeps a described service from reading the secrets of other programs and services: its variables begin with its
// own name, and not with that of a built-in service, nor with the longer name of one of the others.
func (p Provider) CheckVariables(others []string) error {
	own := variablePrefix(p.Name)
	for _, builtIn := range All() {
		if p.EnvKey == builtIn.EnvKey {
			return fmt.Errorf("envKey %s is the variable of %s", p.EnvKey, builtIn.Title)
		}
		others = append(others[:len(others):len(others)], builtIn.Name)
	}
	for _, variable := range p.Variables() {
		if !strings.HasPrefix(variable, own) {
			return fmt.Errorf("the variable %s does not begin with %s: a service reads only variables that begin with its name", variable, own)
		}
		for _, other := range others {
			isMoreSpecific := len(other) > len(p.Name) || slices.ContainsFunc(All(), func(b Provider) bool { return b.Name == other })
			if prefix := variablePrefix(other); other != p.Name && isMoreSpecific && strings.HasPrefix(variable, prefix) {
				return fmt.Errorf("the variable %s belongs to the service %s, because it begins with %s", variable, other, prefix)
			}
		}
	}
	return nil
}

// variablePrefix returns the beginning of the environment variables of a service: LARDER_ for larder.
func variablePrefix(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_"
}

func explainJSON(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("%s must not be a JSON %s", kind.Field, kind.Value)
	case errors.As(err, &kind):
		return fmt.Errorf("it must be a JSON object, not a JSON %s", kind.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("it is not JSON: %w at byte %d", err, syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it is empty or ends too early")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// Validate refuses a description that cannot work. The error names the field and what it must be.
func (p Provider) Validate() error {
	switch {
	case !IsName(p.Name):
		return fmt.Errorf("name must be 1 to 32 lower-case letters, digits and dashes, and start with a letter: %q is not", p.Name)
	case strings.TrimSpace(p.Title) == "":
		return errors.New("title is missing: the display name")
	case !isHeader(p.KeyHeader):
		return fmt.Errorf("keyHeader must be the name of a request header, such as Authorization: %q is not", p.KeyHeader)
	case p.KeyScheme != "" && !IsToken(p.KeyScheme):
		return fmt.Errorf("keyScheme must be a word such as Bearer: %q is not", p.KeyScheme)
	case !isVariable(p.EnvKey):
		return fmt.Errorf("envKey must be the name of an environment variable, such as %s_API_KEY: %q is not", strings.ToUpper(p.Name), p.EnvKey)
	}
	if p.BaseURL != "" {
		if err := checkAddress("baseUrl", p.BaseURL); err != nil {
			return err
		}
		if strings.HasSuffix(p.BaseURL, "/") {
			return fmt.Errorf("baseUrl must not end in a slash: %q does", p.BaseURL)
		}
	}
	if p.KeysURL != "" {
		if err := checkAddress("keysUrl", p.KeysURL); err != nil {
			return err
		}
	}
	for i, alias := range p.Aliases {
		if !IsName(strings.ReplaceAll(alias, ".", "-")) {
			return fmt.Errorf("aliases.%d must be a name: %q is not", i, alias)
		}
	}
	for i, env := range p.BaseURLEnv {
		if !isVariable(env) {
			return fmt.Errorf("baseUrlEnv.%d must be the name of an environment variable: %q is not", i, env)
		}
	}
	for i, s := range p.KeyShapes {
		if s.Prefix == "" {
			return fmt.Errorf("keyShapes.%d.prefix is missing", i)
		}
	}
	return errors.Join(p.validateSettings(), p.validateChecks(), p.validateRules())
}

func (p Provider) validateSettings() error {
	seen := map[string]bool{"url": true}
	for i, s := range p.Settings {
		switch {
		case !IsName(s.Name) || seen[s.Name]:
			return fmt.Errorf("settings.%d.name must be a unique name other than url: %q is not", i, s.Name)
		case strings.TrimSpace(s.Title) == "":
			return fmt.Errorf("settings.%d.title is missing: the text of the prompt", i)
		case s.Header != "" && (!isHeader(s.Header) || strings.EqualFold(s.Header, p.KeyHeader)):
			return fmt.Errorf("settings.%d.header must be the name of a request header that carries no key: %q is not", i, s.Header)
		}
		seen[s.Name] = true
		for _, env := range s.Env {
			if !isVariable(env) {
				return fmt.Errorf("settings.%d.env must hold names of environment variables: %q is not", i, env)
			}
		}
	}
	return nil
}

func (p Provider) validateChecks() error {
	for i, c := range p.Checks {
		switch {
		case !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost}, c.Method):
			return fmt.Errorf("checks.%d.method must be GET, HEAD or POST: %q is not", i, c.Method)
		case c.Path != "" && !isPath(c.Path):
			return fmt.Errorf("checks.%d.path must start with one slash, and name no host: %q does not", i, c.Path)
		case c.Body != "" && !json.Valid([]byte(c.Body)):
			return fmt.Errorf("checks.%d.body must be a JSON text", i)
		}
	}
	return nil
}

func (p Provider) validateRules() error {
	known := []Kind{Refused, Revoked, WrongClass, Misplaced, Forbidden, NotFound, Invalid, Quota, RateLimited, Unavailable, NotReady}
	for i, a := range p.Rules {
		if !slices.Contains(known, a.Kind) {
			return fmt.Errorf("answers.%d.means must be one of %v: %q is not", i, known, a.Kind)
		}
		if a.Status != 0 && (a.Status < 300 || a.Status > 599) {
			return fmt.Errorf("answers.%d.status must be a status of a refusal, 300 to 599: %d is not", i, a.Status)
		}
		if a.Status == 0 && a.Code == "" {
			return fmt.Errorf("answers.%d needs a status or a code", i)
		}
	}
	return nil
}

// checkAddress refuses an address that keys must not be sent to: it requires https, or http to this machine.
func checkAddress(field, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || field == "baseUrl" && u.RawQuery != "" {
		return fmt.Errorf("%s must be an address such as https://api.example.com: %q is not", field, raw)
	}
	local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return fmt.Errorf("%s must start with https:// (http is for this machine only): %q does not", field, raw)
	}
	return nil
}

func isPath(s string) bool {
	u, err := url.Parse(s)
	return err == nil && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && u.Host == ""
}

// IsName reports whether s can name a service: lower-case letters, digits and dashes, a letter first.
func IsName(s string) bool {
	for i, r := range s {
		if (r < 'a' || r > 'z') && (i == 0 || (r < '0' || r > '9') && r != '-') {
			return false
		}
	}
	return s != "" && len(s) <= 32
}

func isVariable(s string) bool {
	for i, r := range s {
		if (r < 'A' || r > 'Z') && r != '_' && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// isHeader reports whether s is a header name that may carry a key: headers that control the connection may not.
func isHeader(s string) bool {
	switch strings.ToLower(s) {
	case "", "host", "content-length", "transfer-encoding", "connection", "content-type", "accept", "cookie", "te", "trailer", "upgrade":
		return false
	}
	return IsToken(s)
}

// IsToken reports whether s is a token, as the name of a header is one (RFC 9110 sections 5.1 and 5.6.2).
func IsToken(s string) bool {
	isTokenRune := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !isTokenRune(r) })
}

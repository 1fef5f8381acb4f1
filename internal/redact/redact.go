// Package redact removes secrets from text that is shown to users: error messages, hints and the log of --debug.
//
// A Set holds the secrets of one process. Code that sends a secret records it with Record; code that renders text passes it
// through Set.Text. Text also removes words that have the shape of a key, whether or not they were recorded.
package redact

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Mark replaces a secret.
const Mark = "[redacted]"

// minLength is the length in bytes from which a value counts as a secret; shorter ones occur in ordinary text.
const minLength = 8

// Set is a set of secrets. Make one with New. A nil Set removes nothing. It is safe for concurrent use.
type Set struct {
	shapes func() *regexp.Regexp // nil: no shapes

	mu      sync.RWMutex
	secrets []string // longest first
}

// New returns an empty set. It also removes words that start with one of the prefixes and continue with at least 12 characters
// of a key. It asks for the prefixes when it removes secrets from the first text; nil means none.
func New(prefixesOf func() []string) *Set {
	if prefixesOf == nil {
		return &Set{}
	}
	return &Set{shapes: sync.OnceValue(func() *regexp.Regexp {
		prefixes := prefixesOf()
		quoted := make([]string, len(prefixes))
		for i, p := range prefixes {
			quoted[i] = regexp.QuoteMeta(p)
		}
		return regexp.MustCompile(`\b(?:` + strings.Join(quoted, "|") + `)[A-Za-z0-9_\-]{12,}`)
	})}
}

// Add adds a secret. A value shorter than 8 bytes is ignored.
func (s *Set) Add(secret string) {
	if s == nil || len(secret) < minLength {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.secrets, secret) {
		return
	}
	s.secrets = append(s.secrets, secret)
	slices.SortStableFunc(s.secrets, func(a, b string) int { return len(b) - len(a) })
}

// Text replaces each secret of the set with Mark. It also finds secrets with the escapes of JSON or of URLs, and words that are
// the base64 of a text with a secret. If it finds an escaped secret, it returns the whole text without those escapes.
func (s *Set) Text(text string) string {
	if s == nil || text == "" {
		return text
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	text = s.replace(text)
	for _, decode := range []func(string) string{unescapeJSON, unescapeURL} {
		if decoded := decode(text); s.replace(decoded) != decoded {
			text = s.replace(decoded)
		}
	}
	text = base64Word().ReplaceAllStringFunc(text, func(word string) string {
		if decoded := decodeBase64(word); decoded != "" && s.replace(decoded) != decoded {
			return Mark
		}
		return word
	})
	return text
}

// JSON returns a JSON text whose string values went through Text; names of fields are not changed. A text without secrets, and
// one that is not JSON, is returned as it is.
func (s *Set) JSON(raw json.RawMessage) json.RawMessage {
	if s == nil || len(raw) == 0 {
		return raw
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return raw
	}
	v, changed := s.value(v)
	if !changed {
		return raw
	}
	clean, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return clean
}

// value returns a decoded JSON value without secrets, and whether it had any. It changes lists and objects in place.
func (s *Set) value(v any) (clean any, changed bool) {
	switch v := v.(type) {
	case string:
		clean := s.Text(v)
		return clean, clean != v
	case []any:
		for i := range v {
			item, itemChanged := s.value(v[i])
			v[i], changed = item, changed || itemChanged
		}
	case map[string]any:
		for name := range v {
			item, itemChanged := s.value(v[name])
			v[name], changed = item, changed || itemChanged
		}
	}
	return v, changed
}

func (s *Set) replace(text string) string {
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, Mark)
	}
	if s.shapes != nil {
		text = s.shapes().ReplaceAllString(text, Mark)
	}
	return text
}

// unescapeJSON decodes the escapes of a JSON string (RFC 8259 section 7); in a text that is not one
// as a whole, it decodes only \/ and \uXXXX.
func unescapeJSON(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var decoded string
	if json.Unmarshal([]byte(`"`+strings.ReplaceAll(text, `"`, `\u0022`)+`"`), &decoded) == nil {
		return decoded
	}
	decoded = strings.ReplaceAll(text, `\/`, "/")
	return unicodeEscape().ReplaceAllStringFunc(decoded, func(escape string) string {
		var r string
		if json.Unmarshal([]byte(`"`+escape+`"`), &r) != nil {
			return escape
		}
		return r
	})
}

var unicodeEscape = compileOnce(`\\u[0-9A-Fa-f]{4}`)

// unescapeURL decodes percent-encoded bytes (RFC 3986 section 2.1).
func unescapeURL(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	return percentEscape().ReplaceAllStringFunc(text, func(escape string) string {
		decoded, err := url.PathUnescape(escape)
		if err != nil {
			return escape
		}
		return decoded
	})
}

var percentEscape = compileOnce(`%[0-9A-Fa-f]{2}`)

var base64Word = compileOnce(`[A-Za-z0-9+/_\-]{11,}={0,2}`)

// decodeBase64 returns what a word encodes, in the standard or in the URL alphabet; "" if it is not base64.
func decodeBase64(word string) string {
	word = strings.TrimRight(word, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if decoded, err := encoding.DecodeString(word); err == nil {
			return string(decoded)
		}
	}
	return ""
}

// compileOnce compiles an expression at its first use: a command that shows no error needs none.
func compileOnce(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

type contextKey struct{}

// NewContext returns a context that carries a set for Record.
func NewContext(ctx context.Context, s *Set) context.Context {
	return context.WithValue(ctx, contextKey{}, s)
}

// Record adds a secret to the set in ctx, if there is one. Call it before you send a secret: the response may repeat the secret.
func Record(ctx context.Context, secret string) {
	s, _ := ctx.Value(contextKey{}).(*Set)
	s.Add(secret)
}

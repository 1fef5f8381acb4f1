package auth

import (
	"regexp"
	"slices"
	"strings"
)

// placeholderForms are the forms of text that stands where a key belongs, but is none. Each is the typical result of a mistake in a
// shell, a file of variables or a CI configuration.
var placeholderForms = []struct {
	pattern string // matches the whole text; case-insensitive
	detail  string
}{
	{"(['\"`]).*|.*['\"`]", "it contains quotes; give the key without them"},
	{`export .*|[A-Z_][A-Z0-9_]*=.*[^=].*`, "it looks like an assignment (NAME=value); give only the value"},
	{`bearer .*|(authorization|x-api-key) ?:.*`, "it looks like a header; give only the key"},
	{`.*(\*\*\*|•|…|\.\.\.).*|.*\[?redacted\]?.*`, "it is masked; copy the key where it is shown in full"},
	{`[^a-z0-9]*[x]{4,}|[a-z_-]+_x{4,}|[a-z_-]+-x{4,}`, "it is a placeholder, not a key"},
	{`\$.*|%[a-z0-9_]+%|.*\{\{.*|.*\$\{.*|.*\$\(.*|<.*>?`, "it looks like a variable or a template that was not expanded"},
	{`https?://.*`, "it is an address, not a key"},
	{`[a-z][a-z0-9+.-]*://.*|(vault|arn|ssm|env|file|keychain|secretref):.*`, "it is a reference to a secret in another program, not the secret itself; resolve it first"},
}

// placeholderWords are words that programs write where a value is missing, and that documentation writes for the reader's own.
var placeholderWords = []string{
	"undefined", "null", "none", "nil", "nan", "true", "false", "empty", "unset", "todo", "changeme", "change-me", "change_me", "replaceme", "replace-me", "replace_me",
	"key", "apikey", "api-key", "api_key", "secret", "token", "password", "example", "test", "dummy",
	"your-key", "your_key", "yourkey", "your-api-key", "your_api_key", "yourapikey", "my-api-key", "my_api_key",
}

// describePlaceholder says what a text is that cannot be a key; "" if it may be one. The text is not quoted: it may contain a key.
func describePlaceholder(text string) string {
	if slices.Contains(placeholderWords, strings.ToLower(text)) {
		return "it is a placeholder or a missing value, not a key"
	}
	for _, form := range placeholderForms {
		if regexp.MustCompile(`(?is)^(?:` + form.pattern + `)$`).MatchString(text) {
			return form.detail
		}
	}
	return ""
}

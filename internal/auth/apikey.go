package auth

import (
	"fmt"
	"strings"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// maxKey is the length of the longest API key that is accepted.
const maxKey = 8 << 10

// KeyError means that a text cannot be an API key. It does not quote the text.
type KeyError struct {
	Detail string
}

// Error describes the problem.
func (e *KeyError) Error() string { return "that is not an API key: " + e.Detail }

// CheckAPIKey checks the form of an API key without a request to the service. It returns the key without surrounding white
// space, and a warning if the key looks unusual. Errors: *KeyError.
func CheckAPIKey(p provider.Provider, text string) (key config.Secret, warning string, err error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")) // PowerShell writes a byte order mark into a pipe
	switch {
	case text == "":
		return "", "", &KeyError{"it is empty; create one: " + p.KeysPlace()}
	case len(text) > maxKey:
		return "", "", &KeyError{"it is too long"}
	case describePlaceholder(text) != "":
		return "", "", &KeyError{describePlaceholder(text)}
	case strings.ContainsAny(text, " \t\r\n"):
		return "", "", &KeyError{"it has spaces or several lines; pass only the key"}
	case !isToken(text):
		return "", "", &KeyError{"it has characters that are not allowed in a key"}
	}
	if other, isForeign := p.OtherOwner(text, provider.All()); isForeign {
		return "", "", &KeyError{fmt.Sprintf("it is a key of %s, not of %s, and was not sent", other.Title, p.Title)}
	}
	shape, isKnown := p.Shape(text)
	if len(p.KeyShapes) > 0 && !isKnown {
		warning = fmt.Sprintf("keys of %s start with %s, this one does not", p.Title, p.KeyShapes[0].Prefix)
	}
	if shape.Note != "" {
		warning = shape.Note
	}
	return config.Secret(text), warning, nil
}

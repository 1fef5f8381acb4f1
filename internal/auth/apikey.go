package auth

import (
	"fmt"
	"strings"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// KeyError refuses a text that cannot be an API key. It does not quote it.
type KeyError struct {
	Detail string
}

// Error says what is wrong.
func (e *KeyError) Error() string { return "that is not an API key: " + e.Detail }

// CheckAPIKey looks at the shape of a key that a person or a script gave, without asking the service. A key that merely
// looks unusual is accepted with a warning. Errors: *KeyError.
func CheckAPIKey(p provider.Provider, text string) (key config.Secret, warning string, err error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")) // a pipe from PowerShell starts with a byte order mark
	switch {
	case text == "":
		return "", "", &KeyError{"it is empty; make one at " + p.KeysURL}
	case len(text) > 4<<10:
		return "", "", &KeyError{"it is too long"}
	case strings.ContainsAny(text, " \t\r\n"):
		return "", "", &KeyError{"it has spaces or several lines; give the key alone"}
	case !isToken(text):
		return "", "", &KeyError{"it holds characters that a key never has"}
	}
	if other, foreign := p.Stranger(text, provider.All()); foreign {
		return "", "", &KeyError{fmt.Sprintf("it is a key of %s, not of %s, and was not sent", other.Title, p.Title)}
	}
	shape, known := p.Shape(text)
	if len(p.KeyShapes) > 0 && !known {
		warning = fmt.Sprintf("keys of %s start with %s, this one does not", p.Title, p.KeyShapes[0].Prefix)
	}
	if shape.Note != "" {
		warning = shape.Note
	}
	return config.Secret(text), warning, nil
}

package term

import (
	"strings"

	"rsc.io/qr"
)

// The empty border of a QR code, in modules. The standard requires 4. Above and below, 2 are used, so that the code and the
// lines after it fit on a screen of 24 lines; cameras read such codes.
const (
	quietX = 4
	quietY = 2
)

// QR returns a text as a QR code in half blocks, two modules to a character. It sets black and white explicitly, from the
// fixed part of the palette, because a terminal may have other default colors. It returns false if the code is wider than
// width columns or the text is too long for a QR code.
func QR(text string, width int) (string, bool) {
	code, err := qr.Encode(text, qr.L)
	if err != nil || code.Size+2*quietX > width {
		return "", false
	}
	var b strings.Builder
	for y := -quietY; y < code.Size+quietY; y += 2 {
		b.WriteString("\x1b[38;5;16;48;5;231m")
		for x := -quietX; x < code.Size+quietX; x++ {
			b.WriteString(half(code.Black(x, y), code.Black(x, y+1)))
		}
		b.WriteString("\x1b[0m\n")
	}
	return strings.TrimSuffix(b.String(), "\n"), true
}

// half returns the character for two modules, one above the other.
func half(upperIsDark, lowerIsDark bool) string {
	switch {
	case upperIsDark && lowerIsDark:
		return "█"
	case upperIsDark:
		return "▀"
	case lowerIsDark:
		return "▄"
	}
	return " "
}

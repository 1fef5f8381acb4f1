package main

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// The measures of the picture, in pixels.
const (
	columns    = 96
	textWidth  = 810 // of that many characters
	lineHeight = 19
	margin     = 16
	titleBar   = 34
)

// drawTerminal returns an SVG picture of a terminal with these lines. A line that begins with "$ " is a command.
func drawTerminal(lines []string) []byte {
	var rows []string
	for _, line := range lines {
		rows = append(rows, wrap(line)...)
	}
	width, height := textWidth+2*margin, len(rows)*lineHeight+2*margin+titleBar
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="The output of lamina demo">`+"\n", width, height)
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" rx="8" fill="#16181d"/>`+"\n", width, height)
	for i, color := range []string{"#ff5f57", "#febc2e", "#28c840"} {
		fmt.Fprintf(&svg, `<circle cx="%d" cy="17" r="6" fill="%s"/>`+"\n", margin+6+20*i, color)
	}
	svg.WriteString(`<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" fill="#d6d9e0">` + "\n")
	for i, row := range rows {
		if row == "" {
			continue
		}
		fill := ""
		if strings.HasPrefix(row, "$ ") {
			fill = ` fill="#5fd7e0" font-weight="bold"`
		}
		fmt.Fprintf(&svg, `<text xml:space="preserve" x="%d" y="%d"%s>%s</text>`+"\n", margin, titleBar+margin+i*lineHeight+8, fill, html.EscapeString(row))
	}
	svg.WriteString("</g>\n</svg>\n")
	return []byte(svg.String())
}

// wrap breaks a line at spaces where it is longer than the terminal is wide.
func wrap(line string) []string {
	var rows []string
	for runes := []rune(line); len(runes) > columns; runes = []rune(line) {
		end := columns
		if space := strings.LastIndex(string(runes[:columns]), " "); space > 0 {
			end = utf8.RuneCountInString(string(runes[:columns])[:space]) + 1
		}
		rows, line = append(rows, string(runes[:end])), string(runes[end:])
	}
	return append(rows, line)
}

package session

import "strings"

// An assignment is a line of an environment file, or several lines with a quoted value.
type assignment struct {
	name, value string
	line        int    // from 1
	problem     string // why the value cannot be read; empty if it can
}

// parseEnvFile returns the assignments of an environment file, in the form that dotenv libraries read: NAME=VALUE, with an optional
// export before the name; a value in double quotes with the escapes \n, \r, \t, \", \\ and \$, or in single quotes or backticks
// without escapes, over several lines if need be; or a value without quotes, up to white space before a #. It counts the lines
// that are neither assignments nor comments. A problem of a line is reported in its assignment, because most lines are of other
// programs. parseEnvFile never expands variables.
func parseEnvFile(text string) (assignments []assignment, skipped int) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, isAssignment := cutAssignment(line)
		if !isAssignment {
			if words := strings.Fields(strings.TrimPrefix(line, "export ")); len(words) > 1 {
				assignments = append(assignments, assignment{name: strings.TrimSuffix(words[0], ":"), line: i + 1, problem: "is not followed by an equals sign"})
			} else {
				skipped++ // a name alone stands for the variable of the shell
			}
			continue
		}
		a := assignment{name: name, line: i + 1}
		rest := strings.Join(append([]string{value}, lines[i+1:min(len(lines), i+maxQuotedLines)]...), "\n")
		switch {
		case value == "" || !strings.ContainsRune("\"'`", rune(value[0])):
			a.value = unquoted(value)
		default:
			var length int
			if a.value, length, a.problem = quoted(rest); a.problem == "" {
				i += strings.Count(rest[:length], "\n")
			}
		}
		assignments = append(assignments, a)
	}
	return assignments, skipped
}

// maxQuotedLines is the number of lines that a quoted value may have.
const maxQuotedLines = 500

// cutAssignment splits a line at its first equals sign. A line with another text before it than a name, such as a command of a
// shell, is no assignment.
func cutAssignment(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, "=")
	if rest, isExport := strings.CutPrefix(name, "export"); isExport && rest != strings.TrimLeft(rest, " \t") {
		name = rest
	}
	name = strings.TrimSpace(name)
	isOther := func(r rune) bool {
		return r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}
	return name, strings.TrimSpace(value), ok && name != "" && !strings.ContainsFunc(name, isOther)
}

// unquoted returns a value without its comment.
func unquoted(value string) string {
	for i := range len(value) {
		if value[i] == '#' && (i == 0 || value[i-1] == ' ' || value[i-1] == '\t') {
			return strings.TrimSpace(value[:i])
		}
	}
	return value
}

// escapes are the escapes inside double quotes.
var escapes = map[byte]string{'n': "\n", 'r': "\r", 't': "\t", '"': `"`, '\\': `\`, '$': "$"}

// quoted returns the value at the beginning of a text, which starts with its quote, and the length of the value with its quotes.
func quoted(text string) (value string, length int, problem string) {
	quote := text[0]
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			after, _, _ := strings.Cut(text[i+1:], "\n")
			if after = strings.TrimSpace(after); after != "" && after[0] != '#' {
				return "", 0, "has text after the closing quote"
			}
			return b.String(), i + 1, ""
		case c == '\\' && quote == '"' && i+1 < len(text) && escapes[text[i+1]] != "":
			i++
			b.WriteString(escapes[text[i]])
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, "has no closing quote"
}

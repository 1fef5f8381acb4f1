package cli

import (
	"testing"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/term"
)

func TestBuilders(t *testing.T) {
	streams, _, _ := term.Test("")
	env := &cmdutil.Env{Streams: streams, Getenv: func(string) string { return "" }}
	env.Sessions = newSessions(env)
	for _, row := range builders() {
		if cmd := row.build(env); cmd.Name() != row.name {
			t.Errorf("the row %q builds the command %q", row.name, cmd.Name())
		}
	}
	for _, c := range []struct {
		args []string
		want int
	}{
		{nil, len(builders())},
		{[]string{"--version"}, 0},
		{[]string{"--help"}, len(builders())},
		{[]string{"help", "run"}, len(builders())},
		{[]string{"__complete", "run", ""}, len(builders())},
		{[]string{"postr"}, len(builders())},
		{[]string{"runs", "list"}, 1},
	} {
		if got := len(buildersFor(c.args)); got != c.want {
			t.Errorf("%q: got %d commands, want %d", c.args, got, c.want)
		}
	}
}

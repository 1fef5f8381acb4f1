package child

import (
	"bytes"
	"context"
	"runtime"
	"strings"
	"testing"
)

func TestPipe(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the commands are those of a POSIX shell")
	}
	tests := []struct {
		name, line, stdin string
		wantOut, wantErr  string
	}{
		{"reads stdin", "cat", "body", "body", ""},
		{"does not read stdin", "exit 0", strings.Repeat("x", 1<<20), "", ""},
		{"both streams", "echo a; echo b >&2", "", "a\nb\n", ""},
		{"fails", "exit 3", "", "", "sh failed: exit status 3"},
		{"has the given environment only", "echo $NAME $HOME", "", "value\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := Pipe(t.Context(), []string{"NAME=value", "PATH=/usr/bin:/bin"}, strings.NewReader(tt.stdin), &out, Shell(tt.line)...)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.wantErr || out.String() != tt.wantOut {
				t.Errorf("got %q and %q, want %q and %q", out.String(), got, tt.wantOut, tt.wantErr)
			}
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Pipe(ended, nil, strings.NewReader(""), &bytes.Buffer{}, Shell("sleep 60")...); err == nil {
		t.Error("got no error after the end of the context")
	}
}

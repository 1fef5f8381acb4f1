package term

import (
	"bytes"
	"strings"
)

// Test returns streams for tests, without a terminal. They read from in and write to out and err.
func Test(in string) (s *Streams, out, err *bytes.Buffer) {
	out, err = new(bytes.Buffer), new(bytes.Buffer)
	return &Streams{In: strings.NewReader(in), Out: out, Err: err, Width: func() int { return 80 }}, out, err
}

package output

import (
	"reflect"
	"strings"
	"testing"
)

func TestBlocks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []Block
	}{
		{"paragraphs", "one\ntwo\n\nthree", []Block{{Paragraph: "one two"}, {Paragraph: "three"}}},
		{"terms", "  a    first\n  b c  second", []Block{{List: [][2]string{{"a", "first"}, {"b c", "second"}}}}},
		{"items", "- one\n  more\n- two", []Block{{List: [][2]string{{"-", "one more"}, {"-", "two"}}}}},
		{"code", "  #!/bin/sh\n  exec x\n\n    y", []Block{{Code: []string{"#!/bin/sh", "exec x", "", "  y"}}}},
		{"code with a term", "  a  b\n  c", []Block{{Code: []string{"a  b", "c"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Blocks(tt.text); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzBlocks: no word is lost.
func FuzzBlocks(f *testing.F) {
	for _, seed := range []string{"a\n\nb", "  a  b\n  c", "- x\ny\n- ", "", "\n\n\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var words []string
		for _, b := range Blocks(text) {
			words = append(words, strings.Fields(b.Paragraph+" "+strings.Join(b.Code, " "))...)
			for _, item := range b.List {
				words = append(words, strings.Fields(item[0]+" "+item[1])...)
			}
		}
		if got, want := strings.Join(words, " "), strings.Join(strings.Fields(text), " "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

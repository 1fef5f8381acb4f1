package prompt

import (
	"slices"
	"strings"
	"testing"
)

func TestShorten(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text, want string
		aggressiveness   float64
		skip, rules      []string
	}{
		{"politeness and hedges",
			"Hey I just wanted to ask you if you could possibly help me to understand what the main causes were", "explain what the main causes were",
			0.5, nil, []string{"filler"},
		},
		{"greeting", "Hello there!\nMy name is Kim and I work here. Name the planets.", "Name the planets.", 0.5, nil, []string{"preamble"}},
		{"a greeting with the question in it stays",
			"Hi, list the moons of Mars please. Thanks!", "Hi, list the moons of Mars.", 0.2, nil, []string{"filler", "whitespace"},
		},
		{"intent", "I would like you to name three rivers.", "name three rivers.", 0.5, nil, []string{"intent"}},
		{"in the middle it is no intent", "Ask whether you can you know swim", "Ask whether you can swim", 0.5, nil, []string{"filler"}},
		{"repeats",
			"The build is broken. It fails on Linux. the build IS broken! No. No.", "The build is broken. It fails on Linux. No. No.",
			0.5, nil, []string{"dedup"},
		},
		{"space", "  one \t two\n\n\n\nthree  \n", "one two\n\nthree", 0, nil, []string{"whitespace"}},
		{"lightest", "Please, really  do it", "Please, really do it", 0, nil, []string{"whitespace"}},
		{"skipped", "Please  do it", "Please do it", 1, []string{"filler"}, []string{"whitespace"}},
		{"words in words", "A justice of the very-best", "A justice of the very-best", 1, nil, nil},
		{"never to nothing", "Thanks!", "Thanks!", 1, nil, nil},
		{"code is not prose",
			"Please fix:\n```go\n// please\nx  :=  really\n```\n", "fix:\n```go\nx  :=  really\n```\n", 0.5, nil, []string{"code_comment", "filler"},
		},
		{"docstring",
			"```\ndef f():\n    \"\"\"Says\n    much.\"\"\"\n    return 1  # one\n```", "```\ndef f():\n    return 1  # one\n```", 0.5, nil, []string{"code_comment"},
		},
		{"comment without an end", "```\n/* x\ny\n```", "```\n/* x\ny\n```", 1, nil, nil},
		{"json", `{"b": null, "a": [1, null, 2], "c": {"d": []}, "e": 10000000000000000000}`, `{"a":[1,null,2],"e":10000000000000000000}`, 0.5, nil, []string{"json_slim"}},
		{"log",
			"INFO a\nINFO b\nINFO c\nERROR d\nINFO e\nINFO f\nINFO g\nINFO h", "INFO b\nINFO c\nERROR d\nINFO e\nINFO f", 0.5, nil, []string{"log_slicer", "whitespace"},
		},
		{"beyond ASCII", "Füllwörter sind bitte  egal", "Füllwörter sind bitte egal", 0.5, nil, []string{"whitespace"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, rules := Shorten(tt.text, tt.aggressiveness, tt.skip)
			if got != tt.want || !slices.Equal(rules, tt.rules) {
				t.Errorf("Shorten = %q by %v, want %q by %v", got, rules, tt.want, tt.rules)
			}
		})
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want int
	}{
		{"", 0},
		{"  \n", 0},
		{"word", 1},
		{"words", 2},
		{"a b", 2},
		{"1234", 2},
		{"Hi, you!", 4},
		{"日本", 2},
		{"x1", 2},
	} {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			if got := Tokens(tt.text); got != tt.want {
				t.Errorf("Tokens(%q) = %d, want %d", tt.text, got, tt.want)
			}
		})
	}
}

// The longest prompt is shortened quickly: an algorithm with quadratic time would take minutes here.
func TestLongPrompt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("please word ", 40_000), strings.Repeat("a. ", 100_000), strings.Repeat("```", 100_000), strings.Repeat("ERROR x\n", 40_000),
	} {
		short, _ := Shorten(text, 1, nil)
		Reply(short, 1_000_000)
		Quality(text, short)
	}
}

// Shorten never makes a text longer or empty, and a second call changes no words.
func FuzzShorten(f *testing.F) {
	for _, seed := range []string{"Please, tell me. Please, tell me.", "```\n/* a */\n", `{"a":null}`, "INFO\nERROR\n", "\xff please", "Thanks.\n\nHi"} {
		f.Add(seed, 0.7)
	}
	f.Fuzz(func(t *testing.T, text string, aggressiveness float64) {
		short, rules := Shorten(text, aggressiveness, nil)
		if len(short) > len(text) || Tokens(short) > Tokens(text) {
			t.Errorf("Shorten(%q) = %q, want at most as long", text, short)
		}
		if strings.TrimSpace(text) != "" && strings.TrimSpace(short) == "" {
			t.Errorf("Shorten(%q) = %q, want some text", text, short)
		}
		if len(rules) == 0 && short != text {
			t.Errorf("Shorten(%q) = %q by no rule, want the text unchanged", text, short)
		}
		if joined := strings.Join(sentences(text), ""); joined != text {
			t.Errorf("sentences(%q): got %q when joined, want the text", text, joined)
		}
		Reply(short, 10)
	})
}

func TestReplyIsExtracted(t *testing.T) {
	t.Parallel()
	const text = "Cats sleep. The engine overheats because the engine pump leaks. Dogs bark. The pump was replaced. Birds sing."
	got, whole := Reply(text, 1000)
	if !whole || !strings.Contains(got, "The engine overheats") || strings.Contains(got, "Birds") {
		t.Errorf("Reply = %q, want the sentence about the engine and not all", got)
	}
	if again, _ := Reply(text, 1000); again != got {
		t.Errorf("second Reply = %q, want %q", again, got)
	}
	cut, whole := Reply(text, 6)
	if whole || Tokens(cut) > 6 || !strings.HasPrefix(got, cut) {
		t.Errorf("Reply of 6 tokens = %q, %v; want a beginning of %q", cut, whole, got)
	}
}

func TestQuality(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, original, short string
		want                  int
	}{
		{"half of the words", "alpha beta gamma delta", "alpha beta", 50},
		{"one of two words", "please alpha", "alpha", 50},
		{"only short words", "a b", "", 100},
		{"without a repeat", "same same text", "same text", 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Quality(tt.original, tt.short); got != tt.want {
				t.Errorf("Quality(%q, %q) = %d, want %d", tt.original, tt.short, got, tt.want)
			}
		})
	}
}

func TestLikeness(t *testing.T) {
	t.Parallel()
	a := map[string]int{"one": 1, "two": 1}
	for _, tt := range []struct {
		name  string
		other map[string]int
		want  float64
	}{
		{"the same words", map[string]int{"one": 2, "two": 2}, 1},
		{"one common word", map[string]int{"two": 1, "three": 1}, 0.5},
		{"no common word", map[string]int{"four": 1}, 0},
		{"no words", nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Likeness(a, tt.other); got < tt.want-1e-9 || got > tt.want+1e-9 {
				t.Errorf("Likeness(%v, %v) = %g, want %g", a, tt.other, got, tt.want)
			}
		})
	}
	if got := Likeness(nil, a); got != 0 {
		t.Errorf("Likeness with nothing = %g, want 0", got)
	}
}

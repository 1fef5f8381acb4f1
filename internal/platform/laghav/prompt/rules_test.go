package prompt

import (
	"slices"
	"strings"
	"testing"
)

func TestShorten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, want     string
		aggressiveness float64
		skip, rules    []string
	}{
		"politeness and hedges": {
			"Hey I just wanted to ask you if you could possibly help me to understand what the main causes were", "explain what the main causes were",
			0.5, nil, []string{"filler"},
		},
		"greeting": {"Hello there!\nMy name is Kim and I work here. Name the planets.", "Name the planets.", 0.5, nil, []string{"preamble"}},
		"a greeting with the question in it stays": {
			"Hi, list the moons of Mars please. Thanks!", "Hi, list the moons of Mars.", 0.2, nil, []string{"filler", "whitespace"},
		},
		"intent":                        {"I would like you to name three rivers.", "name three rivers.", 0.5, nil, []string{"intent"}},
		"in the middle it is no intent": {"Ask whether you can you know swim", "Ask whether you can swim", 0.5, nil, []string{"filler"}},
		"repeats": {
			"The build is broken. It fails on Linux. the build IS broken! No. No.", "The build is broken. It fails on Linux. No. No.",
			0.5, nil, []string{"dedup"},
		},
		"space":            {"  one \t two\n\n\n\nthree  \n", "one two\n\nthree", 0, nil, []string{"whitespace"}},
		"lightest":         {"Please, really  do it", "Please, really do it", 0, nil, []string{"whitespace"}},
		"skipped":          {"Please  do it", "Please do it", 1, []string{"filler"}, []string{"whitespace"}},
		"words in words":   {"A justice of the very-best", "A justice of the very-best", 1, nil, nil},
		"never to nothing": {"Thanks!", "Thanks!", 1, nil, nil},
		"code is not prose": {
			"Please fix:\n```go\n// please\nx  :=  really\n```\n", "fix:\n```go\nx  :=  really\n```\n", 0.5, nil, []string{"code_comment", "filler"},
		},
		"docstring": {
			"```\ndef f():\n    \"\"\"Says\n    much.\"\"\"\n    return 1  # one\n```", "```\ndef f():\n    return 1  # one\n```", 0.5, nil, []string{"code_comment"},
		},
		"comment without an end": {"```\n/* x\ny\n```", "```\n/* x\ny\n```", 1, nil, nil},
		"json":                   {`{"b": null, "a": [1, null, 2], "c": {"d": []}, "e": 10000000000000000000}`, `{"a":[1,null,2],"e":10000000000000000000}`, 0.5, nil, []string{"json_slim"}},
		"log": {
			"INFO a\nINFO b\nINFO c\nERROR d\nINFO e\nINFO f\nINFO g\nINFO h", "INFO b\nINFO c\nERROR d\nINFO e\nINFO f", 0.5, nil, []string{"log_slicer", "whitespace"},
		},
		"beyond ASCII": {"Füllwörter sind bitte  egal", "Füllwörter sind bitte egal", 0.5, nil, []string{"whitespace"}},
	} {
		got, rules := Shorten(c.text, c.aggressiveness, c.skip)
		if got != c.want || !slices.Equal(rules, c.rules) {
			t.Errorf("%s: %q by %v, want %q by %v", name, got, rules, c.want, c.rules)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 0, "  \n": 0, "word": 1, "words": 2, "a b": 2, "1234": 2, "Hi, you!": 4, "日本": 2, "x1": 2,
	} {
		if got := Tokens(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
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
			t.Errorf("%q became longer: %q", text, short)
		}
		if strings.TrimSpace(text) != "" && strings.TrimSpace(short) == "" {
			t.Errorf("%q became nothing", text)
		}
		if len(rules) == 0 && short != text {
			t.Errorf("%q became %q by no rule", text, short)
		}
		if joined := strings.Join(sentences(text), ""); joined != text {
			t.Errorf("the sentences of %q are %q", text, joined)
		}
		Reply(short, 10)
	})
}

func TestReplyIsExtracted(t *testing.T) {
	t.Parallel()
	const text = "Cats sleep. The engine overheats because the engine pump leaks. Dogs bark. The pump was replaced. Birds sing."
	got, whole := Reply(text, 1000)
	if !whole || !strings.Contains(got, "The engine overheats") || strings.Contains(got, "Birds") {
		t.Errorf("%q", got)
	}
	if again, _ := Reply(text, 1000); again != got {
		t.Errorf("%q, then %q", got, again)
	}
	cut, whole := Reply(text, 6)
	if whole || Tokens(cut) > 6 || !strings.HasPrefix(got, cut) {
		t.Errorf("cut to 6 tokens: %q %v", cut, whole)
	}
}

func TestQuality(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		original, short string
		want            int
	}{{"alpha beta gamma delta", "alpha beta", 50}, {"please alpha", "alpha", 50}, {"a b", "", 100}, {"same same text", "same text", 100}} {
		if got := Quality(c.original, c.short); got != c.want {
			t.Errorf("%q of %q: %d, want %d", c.short, c.original, got, c.want)
		}
	}
}

func TestLikeness(t *testing.T) {
	t.Parallel()
	a := map[string]int{"one": 1, "two": 1}
	for want, b := range map[float64]map[string]int{1: {"one": 2, "two": 2}, 0.5: {"two": 1, "three": 1}, 0: {"four": 1}} {
		if got := Likeness(a, b); got < want-1e-9 || got > want+1e-9 {
			t.Errorf("%v: %g, want %g", b, got, want)
		}
	}
	if got := Likeness(nil, a); got != 0 {
		t.Errorf("nothing is like something: %g", got)
	}
}

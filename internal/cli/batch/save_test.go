package batch

import "testing"

func TestCheckPattern(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern string
		isValid bool
	}{
		{"", true}, {"b/out/{id}/", true}, {"b/out/{id}", true}, {"out/{runId}.{ext}", true}, {"/abs/{id}/{label}_{index}.{ext}", true},
		{"b/journals/{id}/", true}, {"b/out-{id}/", false}, {"{id}", true},
		{"b/out", false}, {"b/out/{label}", false}, {"b/out/{ID}/", false}, {"b/{foo}/{id}/", false}, {"out/{}/{id}", false},
		{"b/{id}/", false}, {"b/{id}", false}, {"./b/plan.json{id}", false}, {"b/journal/{id}.ndjson", false}, {"b/journal/x/../{id}", false},
	} {
		if err := checkPattern("b", c.pattern); (err == nil) != c.isValid {
			t.Errorf("got %v for %q, want valid %v", err, c.pattern, c.isValid)
		}
	}
}

// Ids that share nothing but characters that names cannot have get names of their own, also if there are many.
func TestFolderName(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, id := range ids(200_000) {
		name := folderName(id)
		if other, isTaken := seen[name]; isTaken {
			t.Fatalf("got the name %q for %q and %q", name, id, other)
		}
		seen[name] = id
	}
}

// ids returns ids of two characters that no name has.
func ids(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = string([]rune{rune(0x4e00 + i/4000), rune(0x4e00 + i%4000)})
	}
	return list
}

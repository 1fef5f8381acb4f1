package wiretest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// A Reply is an answer with its body.
type Reply struct {
	T      *testing.T
	Status int
	Header http.Header
	Body   string
}

// Want fails the test if the status differs.
func (r Reply) Want(status int) Reply {
	r.T.Helper()
	if r.Status != status {
		r.T.Fatalf("got status %d, want %d: %s", r.Status, status, r.Body)
	}
	return r
}

// WantError fails the test unless the reply is a wire.ErrorBody with a status and a code.
func (r Reply) WantError(status int, code string) wire.ErrorBody {
	r.T.Helper()
	r.Want(status)
	e := Decode[wire.ErrorBody](r)
	if e.Code != code || e.RequestID == "" || e.RequestID != r.Header.Get("X-Request-Id") {
		r.T.Errorf("got %s, want code %s and the request id %q", r.Body, code, r.Header.Get("X-Request-Id"))
	}
	return e
}

// Object decodes the body, a JSON object.
func (r Reply) Object() map[string]any {
	r.T.Helper()
	return Decode[map[string]any](r)
}

// Decode decodes the body of a reply.
func Decode[T any](r Reply) T {
	r.T.Helper()
	var v T
	if err := json.Unmarshal([]byte(r.Body), &v); err != nil {
		r.T.Fatalf("body %q: %v", r.Body, err)
	}
	return v
}

// Data decodes the member data of a reply.
func Data[T any](r Reply) T {
	r.T.Helper()
	return Decode[struct{ Data T }](r).Data
}

// WantGolden fails the test if the body differs from testdata/golden/NAME.json.
func (r Reply) WantGolden(name string) {
	r.T.Helper()
	got, want := Decode[any](r), readGolden(r.T, name)
	if !reflect.DeepEqual(got, want) {
		r.T.Errorf("%s: got %s, want %v", name, r.Body, want)
	}
}

// WantShape fails the test if the shape of the body differs from testdata/golden/NAME.json (see ShapeDiff).
func (r Reply) WantShape(name string) {
	r.T.Helper()
	for _, diff := range ShapeDiff(name, Decode[any](r), readGolden(r.T, name)) {
		r.T.Error(diff)
	}
}

func readGolden(t *testing.T, name string) (v any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "golden", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// ShapeDiff returns the differences between the shapes of two JSON values: the names of members, the nesting, the types
// of values and the places of null. It does not compare values. A wanted array with one element stands for an array of
// any length.
func ShapeDiff(at string, got, want any) []string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: got %T, want an object", at, got)}
		}
		return objectDiff(at, object, want)
	case []any:
		array, ok := got.([]any)
		if !ok || len(array) == 0 || len(want) > 1 && len(array) != len(want) {
			return []string{fmt.Sprintf("%s: got %v, want an array of %d", at, got, len(want))}
		}
		var diffs []string
		for i := range array {
			diffs = append(diffs, ShapeDiff(fmt.Sprintf("%s[%d]", at, i), array[i], want[min(i, len(want)-1)])...)
		}
		return diffs
	default:
		if fmt.Sprintf("%T", got) != fmt.Sprintf("%T", want) {
			return []string{fmt.Sprintf("%s: got %T, want %T", at, got, want)}
		}
		return nil
	}
}

func objectDiff(at string, got, want map[string]any) []string {
	var diffs []string
	names := maps.Clone(want)
	maps.Copy(names, got)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		w, isWanted := want[name]
		g, isThere := got[name]
		switch {
		case !isWanted:
			diffs = append(diffs, at+"."+name+": got a member, want none")
		case !isThere:
			diffs = append(diffs, at+"."+name+": got no member, want one")
		default:
			diffs = append(diffs, ShapeDiff(at+"."+name, g, w)...)
		}
	}
	return diffs
}

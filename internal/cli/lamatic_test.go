package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

func TestParseInput(t *testing.T) {
	t.Parallel()
	for pair, want := range map[string][2]any{
		"a=b": {"a", "b"}, "a=": {"a", ""}, "a=b=c": {"a", "b=c"}, " a =b": {"a", "b"}, "a=1": {"a", "1"}, "url=http://x/?y:=1": {"url", "http://x/?y:=1"},
		"a:=1": {"a", json.RawMessage("1")}, `a:=["x", null]`: {"a", json.RawMessage(`["x", null]`)}, `a:="b"`: {"a", json.RawMessage(`"b"`)},
		"a": {}, "=b": {}, ":=1": {}, "a:=": {}, "a:=b": {}, "a:={": {}, "a:=1 2": {},
	} {
		name, value, err := parseInput(pair)
		if want[0] == nil {
			if err == nil {
				t.Errorf("%q passed as %q, %v", pair, name, value)
			}
		} else if err != nil || name != want[0] || !reflect.DeepEqual(value, want[1]) {
			t.Errorf("%q: %q, %v, %v", pair, name, value, err)
		}
	}
}

// FuzzMembers: what is shown of a result is all of it, in its order.
func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"b":{"x":[1]},"a":"text","b":null}`))
	f.Add([]byte(`{"a":`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		pairs, ok := members(raw)
		var object map[string]any
		if !json.Valid(raw) || json.Unmarshal(raw, &object) != nil || object == nil {
			return
		}
		if !ok || len(pairs)%2 != 0 || len(pairs)/2 < len(object) {
			t.Errorf("%q: %q %v", raw, pairs, ok)
		}
	})
}

// FuzzJSONValues: values that stand one after the other are read as they are, and nothing else is.
func FuzzJSONValues(f *testing.F) {
	f.Add([]byte("{\"a\":1}\n\n[2] 3"))
	f.Add([]byte("{}{"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		values, err := jsonValues(raw)
		if err != nil {
			return
		}
		again, err := jsonValues(bytes.Join(rawBytes(values), []byte("\n")))
		if err != nil || !reflect.DeepEqual(values, again) {
			t.Errorf("%q: %q, then %q %v", raw, values, again, err)
		}
	})
}

func rawBytes(values []json.RawMessage) [][]byte {
	var all [][]byte
	for _, v := range values {
		all = append(all, v)
	}
	return all
}

// TestGate: one that is told to wait holds all others back, for the longest time that any was told.
func TestGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g gate
		begun := time.Now()
		if err := g.wait(t.Context()); err != nil || time.Since(begun) != 0 {
			t.Errorf("an open gate: %v after %s", err, time.Since(begun))
		}
		g.hold(3 * time.Second)
		g.hold(time.Second)
		go func() {
			time.Sleep(2 * time.Second)
			g.hold(4 * time.Second) // while another waits
		}()
		if err := g.wait(t.Context()); err != nil || time.Since(begun) != 6*time.Second {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		g.hold(time.Hour)
		if err := g.wait(ctx); err == nil || time.Since(begun) != 7*time.Second {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
	})
}

// TestObeyLimits: an answer that a request is too many closes the gate; other reasons to try again do not.
func TestObeyLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, c, told := &batch{}, &api.Client{}, 0
		c.OnRetry = func(error, time.Duration) { told++ }
		b.obeyLimits(c)
		begun := time.Now()
		for err, want := range map[error]time.Duration{
			&api.UnreachableError{Kind: api.Refused}: 0, &api.Error{Status: 503}: 0, &api.Error{Status: 429, Final: true}: 0,
		} {
			c.OnRetry(err, time.Minute)
			if _ = b.gate.wait(t.Context()); time.Since(begun) != want {
				t.Errorf("%v: %s", err, time.Since(begun))
			}
		}
		c.OnRetry(&api.Error{Status: 429}, time.Minute)
		if _ = b.gate.wait(t.Context()); time.Since(begun) != time.Minute || told != 4 {
			t.Errorf("%s, told %d times", time.Since(begun), told)
		}
	})
}

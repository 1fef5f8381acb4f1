package provider

import (
	"encoding/json"
	"strconv"
	"strings"
)

// A Refusal is what the body of a refusal says, in the service's own words.
type Refusal struct {
	Code      string
	Message   string
	RequestID string
}

// Read takes a refusal out of a body, and reports whether the body has the shape. Of Code and Message one is enough.
func (e Errors) Read(body []byte) (Refusal, bool) {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return Refusal{}, false
	}
	r := Refusal{Code: first(v, e.Code), Message: first(v, e.Message), RequestID: first(v, e.RequestID)}
	if r.Message == "" {
		r.Message = r.Code
	}
	return r, r.Message != ""
}

// first returns the string at the first path that leads to one.
func first(v any, paths []string) string {
	for _, path := range paths {
		if text, ok := at(v, path).(string); ok && text != "" {
			return text
		}
	}
	return ""
}

func at(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch here := v.(type) {
		case map[string]any:
			v = here[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(here) {
				return nil
			}
			v = here[i]
		default:
			return nil
		}
	}
	return v
}

// Classify returns the rule that applies to a refusal. Where no rule of the service matches, the rule holds only the kind that
// the status implies (RFC 9110 section 15).
func (p Provider) Classify(status int, code string) Rule {
	for _, r := range p.Rules {
		if (r.Status == 0 || r.Status == status) && (r.Code == "" || strings.EqualFold(r.Code, code)) {
			return r
		}
	}
	switch {
	case status == 401:
		return Rule{Kind: Refused}
	case status == 402:
		return Rule{Kind: Quota}
	case status == 403:
		return Rule{Kind: Forbidden}
	case status == 404:
		return Rule{Kind: NotFound}
	case status == 429:
		return Rule{Kind: RateLimited}
	case status == 408, status == 425, status >= 500:
		return Rule{Kind: Unavailable}
	}
	return Rule{Kind: Invalid}
}

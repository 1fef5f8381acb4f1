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

// Answer returns what a refusal means. Where the table is silent, the status alone decides.
func (p Provider) Answer(status int, code string) Answer {
	for _, a := range p.Answers {
		if (a.Status == 0 || a.Status == status) && (a.Code == "" || strings.EqualFold(a.Code, code)) {
			return a
		}
	}
	switch {
	case status == 401:
		return Answer{Means: Refused}
	case status == 402:
		return Answer{Means: Quota}
	case status == 403:
		return Answer{Means: Forbidden}
	case status == 404:
		return Answer{Means: NotFound}
	case status == 429:
		return Answer{Means: RateLimited}
	case status >= 500:
		return Answer{Means: Unavailable}
	}
	return Answer{Means: Invalid}
}

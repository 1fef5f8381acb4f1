package apps

import (
	"encoding/json"

	"github.com/uselamina/lamina/internal/api/loose"
)

// asList returns the envelope of a search in the shape of the one of a list: its matches are data. The intent stands beside data, and
// for one release the matches, too, for scripts that read them.
func asList(raw json.RawMessage) (json.RawMessage, error) {
	var envelope, found map[string]json.RawMessage
	if err := json.Unmarshal(raw, &envelope); err != nil {
		return nil, err
	}
	_ = json.Unmarshal(envelope["data"], &found) // may be null, or the list
	for name, value := range found {
		envelope[name] = value
	}
	matches, err := loose.List(envelope["data"], "matches", "items")
	if err != nil {
		matches = []json.RawMessage{}
	}
	if envelope["matches"], err = json.Marshal(matches); err != nil {
		return nil, err
	}
	envelope["data"] = envelope["matches"]
	return json.Marshal(envelope)
}

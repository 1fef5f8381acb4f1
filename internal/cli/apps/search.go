package apps

import "encoding/json"

// asList returns the envelope of a search in the shape of the one of a list: its matches are data. The intent stands beside data, and
// for one release the matches, too, for scripts that read them.
func asList(raw json.RawMessage) (json.RawMessage, error) {
	var envelope, found map[string]json.RawMessage
	if err := json.Unmarshal(raw, &envelope); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(envelope["data"], &found); err != nil {
		return nil, err
	}
	for name, value := range found {
		envelope[name] = value
	}
	if matches := envelope["matches"]; len(matches) == 0 || string(matches) == "null" {
		envelope["matches"] = json.RawMessage("[]")
	}
	envelope["data"] = envelope["matches"]
	return json.Marshal(envelope)
}

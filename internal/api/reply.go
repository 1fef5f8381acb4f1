package api

import (
	"encoding/json"
	"reflect"

	"github.com/uselamina/lamina/internal/api/loose"
)

// readReply decodes an envelope. A list is read item by item, so that an odd one hides no other; a list that is null is empty.
func readReply[T any](raw json.RawMessage) (*Reply[T], error) {
	reply := &Reply[T]{Raw: raw}
	var envelope struct {
		Data       json.RawMessage `json:"data"`
		Pagination *Pagination     `json:"pagination"`
		Timeout    bool            `json:"timeout"`
	}
	isList := reflect.TypeFor[T]().Kind() == reflect.Slice
	if err := loose.Decode(raw, &envelope); err != nil && !isList {
		return nil, err
	}
	reply.Pagination, reply.Timeout = envelope.Pagination, envelope.Timeout
	switch {
	case isList:
		list, err := loose.List(raw, "data", "items")
		if err != nil {
			return nil, err
		}
		loose.Fill(list, &reply.Data)
	case string(envelope.Data) == "null" && mayBeNull(reply.Data):
	case len(envelope.Data) == 0 || string(envelope.Data) == "null":
		return nil, loose.ErrShape
	default:
		if err := loose.Decode(envelope.Data, &reply.Data); err != nil {
			return nil, err
		}
	}
	if old, ok := any(&reply.Data).(interface{ normalize() }); ok {
		old.normalize()
	}
	return reply, nil
}

// mayBeNull reports whether null is a response without results, and not one of another shape.
func mayBeNull(data any) bool {
	switch data.(type) {
	case Discovery, Trends:
		return true
	}
	return false
}

// UnmarshalJSON implements json.Unmarshaler. The matches are a list like that of GET /v1/apps, perhaps without the object around it.
func (d *Discovery) UnmarshalJSON(raw []byte) error {
	var w struct {
		Intent Intent `json:"intent"`
	}
	list, err := loose.List(raw, "matches", "items")
	if decodeErr := loose.Decode(raw, &w); err != nil && decodeErr != nil {
		return decodeErr
	}
	d.Matches, d.Intent = loose.Items[DiscoveredApp](list), w.Intent // no list means no matches
	return nil
}

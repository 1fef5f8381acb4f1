package output

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Envelope returns the JSON of data of this program: an object with the member data, as the API has it.
func Envelope(data any) (json.RawMessage, error) {
	raw, err := encode(data)
	if err != nil {
		return nil, err
	}
	return append(append([]byte(`{"data":`), raw...), '}'), nil
}

// EnvelopeWithOldFields returns Envelope of data, which must encode as an object. The fields of data are repeated before the member data,
// where earlier versions wrote them.
func EnvelopeWithOldFields(data any) (json.RawMessage, error) {
	raw, err := encode(data)
	if err != nil {
		return nil, err
	}
	fields, isObject := bytes.CutSuffix(raw, []byte("}"))
	if !isObject || len(fields) < 2 {
		return nil, fmt.Errorf("could not encode the output: %s is no object with fields", raw)
	}
	return bytes.Join([][]byte{fields, []byte(`,"data":`), raw, []byte("}")}, nil), nil
}

// encode returns v as JSON in which URLs stay readable.
func encode(v any) ([]byte, error) {
	buf := new(bytes.Buffer)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("could not encode the output: %w", err)
	}
	return bytes.TrimSpace(buf.Bytes()), nil
}

package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"

	"github.com/uselamina/lamina/internal/api/loose"
	"github.com/uselamina/lamina/internal/jsontext"
)

// A TextError means that a text of a request is not UTF-8. encoding/json would change it without an error. Nothing was sent.
type TextError struct {
	Field string // the path of the text in the body, such as inputs.text; may be empty
	Err   error
}

// Error names the field and the place.
func (e *TextError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("the text of the request: %v; nothing was sent", e.Err)
	}
	return fmt.Sprintf("%s: %v; nothing was sent", e.Field, e.Err)
}

// Unwrap returns the cause.
func (e *TextError) Unwrap() error { return e.Err }

// encodeBody returns the body of a call as JSON, unless a text in it would be changed. Errors: *TextError.
func encodeBody(req Call) ([]byte, error) {
	if err := checkTexts("", reflect.ValueOf(req.Body)); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(req.Body)
	if err != nil {
		return nil, fmt.Errorf("could not encode the request: %w", err)
	}
	return raw, nil
}

// checkQuery checks the values of a query, which a server would decode with a loss. Errors: *TextError.
func checkQuery(query url.Values) error {
	for name, values := range query {
		for _, value := range values {
			if err := jsontext.CheckText(value); err != nil {
				return &TextError{Field: name, Err: err}
			}
		}
	}
	return nil
}

// checkTexts checks all texts of a value that will be encoded as JSON. It does not look into values that are JSON already.
func checkTexts(path string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		if err := jsontext.CheckText(v.String()); err != nil {
			return &TextError{Field: path, Err: err}
		}
	case reflect.Pointer, reflect.Interface:
		return checkTexts(path, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				if err := checkTexts(joinPath(path, loose.FieldName(field)), v.Field(i)); err != nil {
					return err
				}
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if err := checkTexts(path, key); err != nil {
				return err
			}
			if err := checkTexts(joinPath(path, fmt.Sprint(key)), v.MapIndex(key)); err != nil {
				return err
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 { // JSON already, or base64
			return nil
		}
		for i := range v.Len() {
			if err := checkTexts(fmt.Sprintf("%s[%d]", path, i), v.Index(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// joinPath returns the path of a field of the object at a path.
func joinPath(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

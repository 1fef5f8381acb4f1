package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
)

// MaxBody is the largest JSON body of a request, in bytes.
const MaxBody = 1 << 20

var (
	// ErrBodyTooLarge means that the body of a request is larger than MaxBody.
	ErrBodyTooLarge = errors.New("the body is larger than 1 MiB")
	// ErrBodyIncomplete means that the body of a request ended early.
	ErrBodyIncomplete = errors.New("the body could not be read to its end")
	// ErrBodyLate means that the body of a request did not arrive in time. It is an ErrBodyIncomplete.
	ErrBodyLate = fmt.Errorf("%w in time", ErrBodyIncomplete)
)

// ReadBody returns the body of a request. It fails with ErrBodyTooLarge, ErrBodyIncomplete or ErrBodyLate.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, ErrBodyTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, ErrBodyLate
	case err != nil:
		return nil, ErrBodyIncomplete
	}
	return raw, nil
}

// WrongType returns the field and the JSON type of an *json.UnmarshalTypeError. The field is "body" for the value as
// a whole.
func WrongType(err error) (field, kind string, ok bool) {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return "", "", false
	}
	if wrong.Field == "" {
		return "body", wrong.Value, true
	}
	return wrong.Field, wrong.Value, true
}

// DecodeBody reads a JSON body into v. An empty body leaves v as it is. It fails with an *Error.
func DecodeBody(w http.ResponseWriter, r *http.Request, v any) error {
	raw, err := ReadBody(w, r)
	switch {
	case errors.Is(err, ErrBodyTooLarge):
		return &Error{
			Status: http.StatusRequestEntityTooLarge, Code: "VALIDATION_ERROR", Message: "The body is larger than 1 MiB",
		}
	case errors.Is(err, ErrBodyLate):
		return &Error{Status: http.StatusRequestTimeout, Code: "VALIDATION_ERROR", Message: "The body did not arrive in time"}
	case err != nil:
		return Invalid("The body could not be read to its end")
	case len(raw) == 0:
		return nil
	}
	err = json.Unmarshal(raw, v)
	if field, kind, ok := WrongType(err); ok {
		return Invalid("Invalid body", Problem{Field: field, Message: "must not be a JSON " + kind})
	}
	if err != nil {
		return Invalid("The body is not valid JSON", Problem{Field: "body", Message: "is not valid JSON"})
	}
	return nil
}

// DecodeStrict reads a JSON body into v and refuses unknown fields. It fails with an *Error.
func DecodeStrict(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, MaxBody))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && d.More() {
		err = errors.New("there is more than one JSON value")
	}
	if err != nil {
		return Invalid(fmt.Sprintf("The body cannot be used: %v", err))
	}
	return nil
}

// SameOrigin returns a handler that refuses requests which a browser sends for a page of another origin. It also
// requires the content type application/json: a browser sends that type to another origin only after a preflight
// request. A request without a body needs no content type, unless it is a POST.
func SameOrigin(next Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if http.NewCrossOriginProtection().Check(r) != nil {
			return Forbidden("Pages of other origins may not control the platform")
		}
		mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if mediaType != "application/json" && (r.Method == http.MethodPost || r.ContentLength != 0) {
			return &Error{
				Status: http.StatusUnsupportedMediaType, Code: "VALIDATION_ERROR", Message: "Send the body as application/json",
			}
		}
		return next(w, r)
	}
}

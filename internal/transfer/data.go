package transfer

import (
	"cmp"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
)

// errData means that the data: URL of an output is invalid.
var errData = errors.New("the output has a data: URL that cannot be read")

// isData reports whether an address is a data: URL.
func isData(address string) bool {
	return len(address) >= 5 && strings.EqualFold(address[:5], "data:")
}

// decodeData returns the media type and the content of a data: URL (RFC 2397). otherwise is the media type of a URL that names none.
func decodeData(address, otherwise string) (name string, content []byte, err error) {
	head, data, hasData := strings.Cut(address[len("data:"):], ",")
	if !hasData {
		return "", nil, errData
	}
	text, err := url.PathUnescape(data)
	if err != nil {
		return "", nil, errData
	}
	name, isBase64 := cutBase64(head)
	name = cmp.Or(mediaType(name), otherwise, "text/plain")
	if !isBase64 {
		return name, []byte(text), nil
	}
	// Either alphabet, with or without padding and line breaks.
	text = strings.NewReplacer("-", "+", "_", "/", "\r", "", "\n", "", " ", "", "\t", "").Replace(text)
	content, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return "", nil, errData
	}
	return name, content, nil
}

// cutBase64 removes the mark of base64 from the head of a data: URL.
func cutBase64(head string) (name string, isBase64 bool) {
	at := strings.LastIndex(head, ";")
	if at < 0 || !strings.EqualFold(strings.TrimSpace(head[at+1:]), "base64") {
		return head, false
	}
	return head[:at], true
}

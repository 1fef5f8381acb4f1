package transfer

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// A TypeError means that the host sent something else than the output, such as the web page of a login or of an error.
type TypeError struct {
	URL  string // without its query
	Got  string // a media type
	Want string // a media type, or its first part
}

// Error names the URL, what came and what was wanted.
func (e *TypeError) Error() string {
	got := e.Got
	if isPage(e.Got) {
		got = "a web page (" + e.Got + ")"
	}
	return fmt.Sprintf("%s sent %s instead of %s", e.URL, got, e.Want)
}

// extensions are those of the media types that apps return. The table of package mime depends on the machine.
var extensions = map[string]string{
	"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "image/svg+xml": "svg", "image/avif": "avif",
	"image/bmp": "bmp", "image/tiff": "tiff", "image/heic": "heic",
	"video/mp4": "mp4", "video/webm": "webm", "video/quicktime": "mov", "video/x-matroska": "mkv",
	"audio/mpeg": "mp3", "audio/wav": "wav", "audio/ogg": "ogg", "audio/mp4": "m4a", "audio/flac": "flac", "audio/aac": "aac",
	"text/plain": "txt", "text/markdown": "md", "text/csv": "csv", "text/html": "html", "text/vtt": "vtt",
	"application/json": "json", "application/pdf": "pdf", "application/zip": "zip", "model/gltf-binary": "glb",
}

// synonyms are other names of media types, and other extensions for them.
var synonyms = map[string]string{
	"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png", "image/x-ms-bmp": "image/bmp",
	"audio/mp3": "audio/mpeg", "audio/wave": "audio/wav", "audio/x-wav": "audio/wav", "audio/vnd.wave": "audio/wav",
	"audio/x-m4a": "audio/mp4", "audio/x-flac": "audio/flac", "video/x-m4v": "video/mp4", "application/ogg": "audio/ogg",
	"application/x-zip-compressed": "application/zip", "application/xhtml+xml": "text/html",
	"jpeg": "image/jpeg", "jpe": "image/jpeg", "tif": "image/tiff", "m4v": "video/mp4", "oga": "audio/ogg", "htm": "text/html",
	"markdown": "text/markdown",
}

// mediaType returns the media type of a Content-Type header in its usual spelling, without parameters.
func mediaType(header string) string {
	name, _, err := mime.ParseMediaType(header)
	if err != nil {
		name, _, _ = strings.Cut(header, ";")
		name = strings.ToLower(strings.TrimSpace(name))
	}
	if usual, ok := synonyms[name]; ok && strings.Contains(usual, "/") {
		return usual
	}
	return name
}

// typeOf returns the media type of an extension; "" if it is unknown.
func typeOf(ext string) string {
	if name, ok := synonyms[ext]; ok {
		return name
	}
	for name, usual := range extensions {
		if usual == ext {
			return name
		}
	}
	return ""
}

// urlExt returns the extension in the path of the URL, without a dot; "" if there is none.
func (o Output) urlExt() string {
	u, err := url.Parse(o.URL)
	if err != nil {
		return ""
	}
	if ext := strings.ToLower(strings.TrimPrefix(path.Ext(u.Path), ".")); isPlain(ext) {
		return ext
	}
	return ""
}

// ext returns the file extension: Ext, that of the media type, that of the URL, or bin. The URL decides between the extensions of one
// media type, and on that of plain text, as which many hosts send other text.
func (o Output) ext() string {
	if isPlain(o.Ext) {
		return o.Ext
	}
	kind, fromURL := mediaType(o.MimeType), o.urlExt()
	ext, isKnown := extensions[kind]
	switch {
	case isKnown && (fromURL == "" || typeOf(fromURL) != kind && kind != "text/plain"):
		return ext
	case fromURL != "":
		return fromURL
	case o.URL == "" && o.Text != "":
		return "txt"
	}
	return "bin"
}

// wanted returns the media type that the output should have, or its first part; "" if nothing says so.
func (o Output) wanted() string {
	if name := mediaType(o.MimeType); !isGeneric(name) {
		return name
	}
	switch o.Kind {
	case "image", "video", "audio":
		return o.Kind
	}
	return typeOf(o.urlExt())
}

// isGeneric reports whether a media type says nothing of the content.
func isGeneric(name string) bool {
	return name == "" || strings.HasSuffix(name, "/octet-stream") || name == "application/binary" || name == "application/x-download"
}

func isPage(name string) bool { return name == "text/html" }

// isWrong reports whether content of a media type cannot be the output: a web page, or JSON, XML or text where a picture, a video or a
// sound is wanted. Hosts send these for errors, with status 200.
func (o Output) isWrong(got string) bool {
	switch got {
	case "text/html":
		return o.wanted() != "" && !isPage(o.wanted())
	case "application/json", "application/problem+json":
		return o.isMedia()
	case "application/xml", "text/xml", "text/plain":
		return o.isMedia() && o.wanted() != "image/svg+xml" && o.urlExt() != "svg"
	}
	return false
}

// isMedia reports whether the output should be a picture, a video or a sound.
func (o Output) isMedia() bool { return isMediaType(o.wanted()) }

func isMediaType(name string) bool {
	kind, _, _ := strings.Cut(name, "/")
	return kind == "image" || kind == "video" || kind == "audio"
}

// wrongType returns the error of content with another media type than the wanted one.
func (t *download) wrongType(got string) error {
	return &TypeError{URL: withoutQuery(t.url), Got: got, Want: t.wanted()}
}

// identify returns the media type of a complete download, from its header, its first bytes, or the description of the output. It
// returns a *TypeError if the content is a web page, or a text instead of a picture, a video or a sound.
func (t *download) identify(head []byte) (string, error) {
	if startsPage(head) && t.isWrong("text/html") {
		return "", t.wrongType("text/html")
	}
	byContent := mediaType(http.DetectContentType(head))
	_, isKnown := extensions[t.mediaType]
	switch {
	case t.mediaType == "text/plain" && isMediaType(byContent):
		return byContent, nil
	case t.mediaType == "text/plain" && byContent == "text/plain" && t.isWrong("text/plain"):
		return "", t.wrongType("text/plain")
	case isKnown && (t.mediaType != "text/plain" || t.MimeType == ""):
		return t.mediaType, nil
	case t.MimeType == "" && isGeneric(t.mediaType) && t.urlExt() == "":
		return byContent, nil
	}
	return t.MimeType, nil
}

// startsPage reports whether content starts as a web page does.
func startsPage(head []byte) bool {
	head = bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))))
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body"} {
		if bytes.HasPrefix(head, []byte(tag)) {
			return true
		}
	}
	return false
}

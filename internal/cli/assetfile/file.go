// Package assetfile uploads files of this machine as assets of Lamina. The commands of several nouns use it.
package assetfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Kinds returns the media types that Lamina takes.
func Kinds() []string { return []string{"image", "video", "audio"} }

// A File is a file that can be uploaded.
type File struct {
	Path        string
	Name        string // for the service, with the extension of its content
	Kind        string // image, video or audio
	ContentType string // of the content, as far as it is known
	Size        int64

	modified time.Time
}

// Inspect checks that a file can be uploaded. kind, if not empty, replaces what its content says; name, if not empty, replaces its
// name. An error does not contain the path.
func Inspect(path, kind, name string) (*File, error) {
	info, err := os.Stat(path) //nolint:gosec // the user chose the path
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("does not exist")
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %w", withoutPath(err))
	case info.IsDir():
		return nil, errors.New("is a folder: name the files in it")
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	case info.Size() == 0:
		return nil, errors.New("is empty")
	}
	contentType, err := sniff(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", withoutPath(err))
	}
	f := &File{Path: path, Name: name, Kind: kind, ContentType: contentType, Size: info.Size(), modified: info.ModTime()}
	if kind == "" {
		f.Kind, _, _ = strings.Cut(contentType, "/")
		if !slices.Contains(Kinds(), f.Kind) {
			return nil, fmt.Errorf("is %s, and Lamina takes images, videos and audio", orUnknown(contentType))
		}
	}
	if name == "" {
		f.Name = nameFor(filepath.Base(path), contentType)
	}
	return f, nil
}

func orUnknown(contentType string) string {
	if contentType == unknownType {
		return "of an unknown type"
	}
	return contentType
}

// withoutPath returns the part of an error that follows the path of the file.
func withoutPath(err error) error {
	var system *os.PathError
	if errors.As(err, &system) {
		return system.Err
	}
	return err
}

const unknownType = "application/octet-stream"

// sniff returns the media type of a file: what its first bytes say, or else its extension. A container, whose first bytes do not say
// what it holds, has the type of its extension if that uses the container.
func sniff(file string) (string, error) {
	f, err := os.Open(file) //nolint:gosec // the user chose the path
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	head = head[:n]
	byContent := contentOf(head)
	byName := typeOf(filepath.Ext(file))
	isVague := byContent == unknownType || byContent == "text/plain" || byName == svgType && strings.HasPrefix(byContent, "text/")
	if byName != "" && (isVague || slices.Contains(containers()[byContent], byName)) {
		return byName, nil
	}
	return byContent, nil
}

// contentOf returns the media type that the first bytes of a file say. It knows what http.DetectContentType does not.
func contentOf(head []byte) string {
	text := string(head)
	if len(text) >= 12 && text[4:8] == "ftyp" {
		switch brand := text[8:12]; brand {
		case "avif", "avis":
			return "image/avif"
		case "heic", "heix", "hevc", "heim", "heis", "mif1", "msf1":
			return "image/heic"
		case "qt  ":
			return "video/quicktime"
		case "M4A ", "M4B ":
			return "audio/mp4"
		}
		return "video/mp4"
	}
	for _, known := range []struct{ prefix, contentType string }{
		{"fLaC", "audio/flac"}, {"II*\x00", "image/tiff"}, {"MM\x00*", "image/tiff"},
		{"\xff\xfb", "audio/mpeg"}, {"\xff\xf3", "audio/mpeg"}, {"\xff\xf2", "audio/mpeg"}, {"\xff\xf1", "audio/aac"}, {"\xff\xf9", "audio/aac"},
	} {
		if strings.HasPrefix(text, known.prefix) {
			return known.contentType
		}
	}
	contentType, _, _ := strings.Cut(http.DetectContentType(head), ";")
	switch contentType {
	case "application/ogg":
		return "audio/ogg"
	case "audio/wave":
		return "audio/wav"
	case "video/avi":
		return "video/x-msvideo"
	}
	return contentType
}

// containers returns the media types that begin with the same bytes as one that contentOf returns.
func containers() map[string][]string {
	return map[string][]string{
		"video/mp4":  {"audio/mp4", "video/quicktime", "image/heic", "image/avif"},
		"video/webm": {"video/x-matroska"},
		"audio/ogg":  {"video/ogg"},
	}
}

const svgType = "image/svg+xml"

// An extension is a file extension with its media type.
type extension struct{ ext, contentType string }

// extensions returns the known extensions, the usual one of each media type first.
func extensions() []extension {
	return []extension{
		{".png", "image/png"}, {".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"}, {".gif", "image/gif"}, {".webp", "image/webp"},
		{".bmp", "image/bmp"}, {".avif", "image/avif"}, {".heic", "image/heic"}, {".heif", "image/heic"}, {".svg", svgType},
		{".tiff", "image/tiff"}, {".tif", "image/tiff"},
		{".mp4", "video/mp4"}, {".m4v", "video/mp4"}, {".mov", "video/quicktime"}, {".webm", "video/webm"}, {".mkv", "video/x-matroska"},
		{".avi", "video/x-msvideo"}, {".ogv", "video/ogg"},
		{".mp3", "audio/mpeg"}, {".wav", "audio/wav"}, {".ogg", "audio/ogg"}, {".oga", "audio/ogg"}, {".opus", "audio/ogg"},
		{".flac", "audio/flac"}, {".m4a", "audio/mp4"}, {".m4b", "audio/mp4"}, {".aac", "audio/aac"},
	}
}

// typeOf returns the media type of an extension; "" if it is unknown.
func typeOf(ext string) string {
	for _, e := range extensions() {
		if strings.EqualFold(e.ext, ext) {
			return e.contentType
		}
	}
	return ""
}

// KindOf returns image, video or audio by the extension of a name; "" if it is unknown.
func KindOf(name string) string {
	kind, _, _ := strings.Cut(typeOf(path.Ext(name)), "/")
	return kind
}

// nameFor returns a file name with an extension of a media type, because the service derives the media type from the name.
func nameFor(name, contentType string) string {
	ext := filepath.Ext(name)
	switch known := typeOf(ext); known {
	case contentType:
		return name
	case "":
	default:
		name = strings.TrimSuffix(name, ext)
	}
	for _, e := range extensions() {
		if e.contentType == contentType {
			return name + e.ext
		}
	}
	return name
}

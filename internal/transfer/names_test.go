package transfer

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func noDir(string) bool { return false }

func TestNames(t *testing.T) {
	t.Parallel()
	picture := Output{Index: 0, Label: "Hero Image", URL: "https://cdn.example/x/abc.PNG?sig=1"}
	text := Output{Index: 1, Label: "Caption", Ext: "txt"}
	tests := []struct {
		name, where string
		outputs     []Output
		dirs        []string
		want        string
	}{
		{"folder by its slash", "out/", []Output{picture, text}, nil, "out/hero-image_0.png out/caption_1.txt"},
		{"folder without an extension", "out", []Output{picture}, nil, "out/hero-image_0.png"},
		{"existing folder", "v1.0", []Output{picture}, []string{"v1.0"}, "v1.0/hero-image_0.png"},
		{"this folder", ".", []Output{picture}, []string{"."}, "hero-image_0.png"},
		{"parent folder", "..", []Output{picture}, []string{".."}, "../hero-image_0.png"},
		{"file", "pic.jpg", []Output{picture}, nil, "pic.jpg"},
		{"file in a folder with a dot", "a.b/pic.jpg", []Output{picture, text}, nil, "a.b/pic_0.jpg a.b/pic_1.jpg"},
		{"file for several", "pic.jpg", []Output{picture, text}, nil, "pic_0.jpg pic_1.jpg"},
		{"template", "out/{runId}-{label}-{index}.{ext}", []Output{picture, text}, nil, "out/r-1-hero-image-0.png out/r-1-caption-1.txt"},
		{"template of a folder", "out/{runId}/", []Output{picture, text}, nil, "out/r-1/hero-image_0.png out/r-1/caption_1.txt"},
		{"template without a field of the output", "{runId}.png", []Output{picture, text}, nil, "r-1_0.png r-1_1.png"},
		{"unknown field", "{size}.png", []Output{picture}, nil, "{size}.png"},
		{"one brace", "{.png", []Output{picture}, nil, "{.png"},
		{"same label", "{label}.{ext}", []Output{picture, {Index: 1, Label: "hero_image", URL: picture.URL}, text}, nil, "hero-image_0.png hero-image_1.png caption.txt"},
		{"same label, other extension", "{label}.{ext}", []Output{{Label: "a", Ext: "txt"}, {Index: 1, Label: "a", Ext: "json"}}, nil, "a.txt a.json"},
		{"gaps in the index", "out/", []Output{text, {Index: 7, Label: "Caption", Ext: "txt"}}, nil, "out/caption_1.txt out/caption_7.txt"},
		{"fields of a template in a label", "{label}.{ext}", []Output{{Label: "{runId}/{ext}", Ext: "txt"}}, nil, "runid-ext.txt"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Names(tt.where, "R_1", tt.outputs, func(p string) bool { return slices.Contains(tt.dirs, p) })
			if joined := filepath.ToSlash(strings.Join(got, " ")); joined != tt.want {
				t.Errorf("got %s, want %s", joined, tt.want)
			}
		})
	}
}

func TestLiteral(t *testing.T) {
	t.Parallel()
	tests := []struct{ where, want string }{
		{"a.png", "a.png"}, {"x/a.png", "x/a.png"}, {"out/", ""}, {"out", ""}, {"{label}.png", ""}, {"{runId}/", ""}, {"dir.d", ""},
	}
	for _, tt := range tests {
		t.Run(tt.where, func(t *testing.T) {
			t.Parallel()
			if got := Literal(tt.where, func(p string) bool { return p == "dir.d" }); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, label, want string }{
		{"path", "../../etc/passwd", "etc-passwd"},
		{"Windows path", `..\..\boot.ini`, "boot-ini"},
		{"parent", "..", "output"},
		{"dot", ".", "output"},
		{"empty", "", "output"},
		{"slash", "/", "output"},
		{"NUL byte", "a\x00b", "a-b"},
		{"drive", "C:con", "c-con"},
		{"device", "CON", "output-con"},
		{"device in lower case", "nul", "output-nul"},
		{"numbered device", "Lpt1", "output-lpt1"},
		{"not a device", "COM10", "com10"},
		{"longer than a device", "console", "console"},
		{"option", "-rf", "rf"},
		{"direction", "a\u202egnp.exe", "a-gnp-exe"},
		{"other script", "日本語", "output"},
		{"umlauts", "Grüße", "gr-e"},
		{"invalid UTF-8", "\xff\xfe", "output"},
		{"lines", "a\nb", "a-b"},
		{"home", "~", "output"},
		{"spaces", "a  b\t", "a-b"},
		{"long", strings.Repeat("x", 300), strings.Repeat("x", 50)},
		{"long with a space at the cut", strings.Repeat("x", 49) + " y", strings.Repeat("x", 49)},
		{"long with spaces", strings.Repeat("ab ", 40), strings.Repeat("ab-", 16) + "ab"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Names("{label}.{ext}", "", []Output{{Label: tt.label, Ext: "png"}}, noDir)[0]; got != tt.want+".png" {
				t.Errorf("label: got %s, want %s.png", got, tt.want)
			}
			want := strings.Replace(tt.want, "output", "run", 1) + ".png"
			if got := Names("{runId}.png", tt.label, []Output{{}}, noDir)[0]; got != want {
				t.Errorf("run id: got %s, want %s", got, want)
			}
		})
	}
}

func TestExtensions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		output Output
		want   string
	}{
		{Output{Ext: "json", URL: "https://e.com/a.png"}, "json"},
		{Output{Ext: "../../x", URL: "https://e.com/a.png"}, "png"},
		{Output{Ext: "a/b"}, "bin"},
		{Output{URL: "https://e.com/a.tar.GZ?x=.png#.jpg"}, "gz"},
		{Output{URL: "https://e.com/a.%2e%2e%2fx", MimeType: "image/webp"}, "webp"},
		{Output{URL: "https://e.com/a.png%00", MimeType: "Image/PNG; charset=x"}, "png"},
		{Output{URL: "https://e.com/a.toolong", MimeType: "video/mp4"}, "mp4"},
		{Output{URL: "https://e.com/a.", MimeType: "../x"}, "bin"},
		{Output{URL: "https://e.com/v1.0/a", MimeType: "audio/mpeg"}, "mp3"},
		{Output{URL: ":", MimeType: ""}, "bin"},
	}
	for _, tt := range tests {
		t.Run(tt.output.Ext+" "+tt.output.URL, func(t *testing.T) {
			t.Parallel()
			if got := tt.output.ext(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestOutputString(t *testing.T) {
	t.Parallel()
	if got, want := (Output{Index: 3, Label: "A b"}).String(), "a-b_3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzNames: for all values of a service, the paths are distinct, inside the chosen folder and valid on every system.
func FuzzNames(f *testing.F) {
	f.Add("Hero", "../../x", "https://e.com/a.png", "image/png", "run", 0)
	f.Add("CON", "NUL", "a.%2f%2e", "x/y", "..", 2)
	f.Add("a\x00", "", "", "", "\xff", 3)
	plain := regexp.MustCompile(`^[a-z0-9._-]{1,160}$`)
	reserved := regexp.MustCompile(`^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)
	f.Fuzz(func(t *testing.T, label, ext, url, mime, runID string, shape int) {
		wheres := []string{"out/", "out/{label}.{ext}", "out/{runId}_{label}", "out/{runId}/", "out/{ext}/{index}", "out/{label}{index}.{ext}", "out/x.png"}
		where := wheres[(shape%len(wheres)+len(wheres))%len(wheres)]
		outputs := []Output{
			{Index: 0, Label: label, URL: url, MimeType: mime, Ext: ext},
			{Index: 1, Label: ext, URL: label, MimeType: url, Ext: mime},
			{Index: 2, Label: label, URL: url, MimeType: mime, Ext: ext},
			{Index: 10, Label: label + "1", URL: mime, Ext: label},
			{Index: 3, Part: 1, Label: label, URL: url, MimeType: mime},
			{Index: 3, Part: 2, Label: label, URL: url, MimeType: mime},
		}
		paths := Names(where, runID, outputs, noDir)
		for i, path := range paths {
			if slices.Contains(paths[:i], path) {
				t.Errorf("got %q twice", path)
			}
			if filepath.Clean(path) != filepath.FromSlash(path) {
				t.Errorf("got %q, want a clean path", path)
			}
			inside, ok := strings.CutPrefix(filepath.ToSlash(path), "out/")
			if !ok {
				t.Errorf("got %q, want a path in out", path)
			}
			for _, part := range strings.Split(inside, "/") {
				if !plain.MatchString(part) || strings.Trim(part, ".") == "" || reserved.MatchString(part) {
					t.Errorf("got the part %q of %q, want a plain name", part, path)
				}
			}
		}
	})
}

func TestFree(t *testing.T) {
	t.Parallel()
	existing := []string{"a/x.png", "a/x-2.png", "b"}
	tests := []struct{ path, want string }{{"a/x.png", "a/x-3.png"}, {"a/y.png", "a/y.png"}, {"b", "b-2"}}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			if got := Free(tt.path, func(p string) bool { return slices.Contains(existing, p) }); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

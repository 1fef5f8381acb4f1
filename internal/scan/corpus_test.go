package scan_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/scan"
)

const (
	lower    = "abcdefghijklmnopqrstuvwxyz"
	upper    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	decimals = "0123456789"
)

// alphabets are the alphabets of random keys.
var alphabets = map[string]string{
	"base62": lower + upper + decimals, "base64url": lower + upper + decimals + "_-", "base36": lower + decimals, "hex": decimals + "abcdef",
}

// contexts are the places in which keys are found. %s stands for the key.
var contexts = []string{
	"%s", "KEY=%s", `export KEY="%s"`, `{"apiKey": "%s"}`, "key: '%s'", "Authorization: Bearer %s", "x-api-key:%s", "https://h.example/?key=%s&a=b",
	`"KEY=1\n%s\n"`, `text\t%s`, "a%%3D%s", `\u003d%s`, `\x3d%s`, "prefix-%s", "OLD_%s", "<td>%s</td>", "ENV KEY %s", "curl -H 'x: %s'", "(%s)", "`%s`",
}

// innocent are lines without a key.
var innocent = []string{
	"lma_client_v2_helpers", "lma_client_v2_helpers(lma_request_v3_options)", "lma_mcp_at_least_2_of_these_words", "lf_utf8decode_helper_v2",
	"lf_sk_this_is_function_number_7", "sk_live_streaming_server_2_of_3", "lma_ClientV2HelpersFactory3", "sk-lf-release-2026-11-28-notes",
	"lgh_live_your_key_here_please", "lgh_live_xxxxxxxxxxxxxxxxxxx1", "lma_<your key>", "lma_${SECRET_NAME_OF_KEY_1}", "lma_abc123def456ghi789",
	"lgh_test_placeholder_key_0123", "sk_live_abc123xyz789", "lma_aaaaaaaaaaaaaaaaaaa1", "lma_REDACTED_REDACTED_1", "lma_example_key_number_12345",
	"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "3f0e7d1c-1111-4000-8000-000000000001", "xlma_Q7f2kT9xLm4Zr8Wd", "plasma_Q7f2kT9xLm4Zr8Wd",
	"/srv/lma_builds/release_2026/config_v2.yaml", "https://docs.example/lma_getting_started_with_v2", "LAMATIC_API_KEY", `os.Getenv("LAMATIC_API_KEY")`,
	"LAMATIC_API_KEY=$OTHER_VARIABLE_NAME_2", "LAMATIC_API_KEY: ${{ secrets.LAMATIC_API_KEY_2 }}", "LAMATIC_API_KEY=your_key_goes_here_1", "lma_", "lgh_live_short1",
	"lma_http2_server_tls13_config", "lma_sha256sum_of_base64url_v1", "import lma_v2_runtime_bindings as lma2",
}

// TestCorpus measures how many keys are missed and how many other texts are reported.
func TestCorpus(t *testing.T) {
	t.Parallel()
	finder, random := scan.NewFinder(provider.All()), rand.New(rand.NewPCG(1, 2))
	key := func(alphabet string, n int) string {
		for {
			text := make([]byte, n)
			for i := range text {
				text[i] = alphabet[random.IntN(len(alphabet))]
			}
			if s := string(text); strings.ContainsAny(s, decimals) && strings.ContainsAny(s, lower) {
				return s
			}
		}
	}
	total, missed := 0, 0
	check := func(line, service string) {
		total++
		hits := finder.Line([]byte(line))
		if len(hits) != 1 || hits[0].Service != service {
			missed++
			if missed < 10 {
				t.Logf("missed: %s", line)
			}
		}
	}
	for _, p := range provider.All() {
		for _, shape := range p.KeyShapes {
			for _, alphabet := range []string{"base62", "base64url", "base36", "hex"} {
				for i := range 500 {
					text := shape.Prefix + key(alphabets[alphabet], 20+random.IntN(24))
					check(fmt.Sprintf(contexts[i%len(contexts)], text), p.Name)
				}
			}
			for range 200 {
				check("data: "+base64.StdEncoding.EncodeToString([]byte(shape.Prefix+key(alphabets["base62"], 32))), p.Name)
			}
		}
		if len(p.KeyShapes) == 0 {
			for i := range 500 {
				check(fmt.Sprintf([]string{"%s=%s", "  %s: %s", "ENV %s %s", `"%s": "%s"`}[i%4], p.EnvKey, key(alphabets["base62"], 32)), p.Name)
			}
		}
	}
	reported := 0
	for _, line := range innocent {
		if hits := finder.Line([]byte(line)); len(hits) > 0 {
			reported++
			t.Logf("reported: %s as %+v", line, hits)
		}
	}
	t.Logf("keys: %d, missed: %d; other texts: %d, reported: %d", total, missed, len(innocent), reported)
	if missed > total/2000 || reported > 0 {
		t.Errorf("got %d of %d keys missed and %d of %d other texts reported, want at most one in two thousand and none", missed, total, reported, len(innocent))
	}
}

// A key that crosses the end of a window is found once, in the right line.
func TestLongLines(t *testing.T) {
	t.Parallel()
	finder, dir := scan.NewFinder(provider.All()), t.TempDir()
	for _, before := range []int{512<<10 - 40, 512<<10 - 10, 512<<10 - 1, 512 << 10, 512<<10 + 8, 1<<20 - 16, 1<<20 - 20} {
		write(t, dir, "long.txt", "one\n"+strings.Repeat("x", before-1)+" lgh_live_"+body+body+" "+strings.Repeat("y ", 400<<10)+"\nlma_"+body+"\n")
		report := finder.Named(dir + "/long.txt")
		if got := places(report); !strings.HasSuffix(got, "long.txt:3") || len(report.Findings) != 2 {
			t.Fatalf("%d: got %q, want a key in line 2 and one in line 3", before, got)
		}
		if f := report.Findings[0]; f.Line != 2 || f.Column != before+1 {
			t.Errorf("%d: got line %d, column %d, want line 2, column %d", before, f.Line, f.Column, before+1)
		}
	}
}

func TestUTF16(t *testing.T) {
	t.Parallel()
	text := "first\r\nсекрет ちlma_" + body + "\r\n"
	for _, order := range []struct {
		name string
		bom  string
		add  func([]byte, uint16) []byte
	}{
		{"little endian", "\xff\xfe", binary.LittleEndian.AppendUint16},
		{"big endian", "\xfe\xff", binary.BigEndian.AppendUint16},
	} {
		t.Run(order.name, func(t *testing.T) {
			t.Parallel()
			raw := []byte(order.bom)
			for _, unit := range utf16.Encode([]rune(text)) {
				raw = order.add(raw, unit)
			}
			report := scan.NewFinder(provider.All()).Stdin(bytes.NewReader(raw), "stdin")
			if places(report) != "stdin:2" {
				t.Errorf("got %q, %v, want stdin:2", places(report), report.Unread)
			}
			raw = nil
			for _, unit := range utf16.Encode([]rune("key=lma_" + body)) { // without a mark
				raw = order.add(raw, unit)
			}
			report = scan.NewFinder(provider.All()).Stdin(bytes.NewReader(raw), "stdin")
			if places(report) != "stdin:1" {
				t.Errorf("without a mark: got %q, %v, want stdin:1", places(report), report.Unread)
			}
		})
	}
}

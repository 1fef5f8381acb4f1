//go:build unix

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// gif is the smallest GIF.
const gif = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// TestTerminalContentAnswers answers the questions of a brief at a terminal: a wrong file, a file, a number, a name.
func TestTerminalContentAnswers(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	u := newUser(t, dev.BaseURL, "LAMINA_API_KEY="+dev.APIKey, "NO_COLOR=1")
	for name, text := range map[string]string{"mug.gif": gif, "notes.txt": "Hello"} {
		if err := os.WriteFile(filepath.Join(u.home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	screen := u.atTerminal(t, 160, "content", "create", "product", "shots", "--input", "background=white", "--wait")
	screen.expect(t, `Product Shots needs 2 answers`)
	screen.expect(t, `image  The address of a picture`)
	screen.expect(t, `name of a file to upload:`)
	screen.types(t, "notes.txt"+enter)
	screen.expect(t, `"notes.txt" is text/plain, and Lamina takes images, videos and audio`)
	screen.types(t, enter)
	screen.expect(t, `There is no default`)
	screen.expect(t, `name of a file to upload:`)
	screen.types(t, "mug.gif"+enter)
	screen.expect(t, `mug.gif\b`)
	screen.expect(t, `1  Square(?s).*4  Banner`)
	screen.expect(t, `press Enter for the default \(all\):`)
	screen.types(t, "7"+enter)
	screen.expect(t, `There is no choice "7"`)
	screen.types(t, "2"+enter)
	screen.expect(t, `press Enter if these are all:`)
	screen.types(t, "story"+enter)
	screen.expect(t, `if these are all:`)
	screen.types(t, enter)
	screen.expect(t, `product-shots  completed`)
	screen.exits(t, 0)
	if text := screen.String(); strings.Contains(text, "Square  http") || !strings.Contains(text, "Portrait  http") || !strings.Contains(text, "Story     http") {
		t.Errorf("got %s, want the outputs Portrait and Story", text)
	}
}

// TestTerminalContentClarifies answers a question about the brief, and a choice between apps.
func TestTerminalContentClarifies(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	u := newUser(t, dev.BaseURL, "LAMINA_API_KEY="+dev.APIKey, "NO_COLOR=1")
	screen := u.atTerminal(t, 160, "content", "create", "a picture of mugs")
	screen.expect(t, `Which app do you mean: Poster, Product Shots, Palette or Slideshow\?`)
	screen.types(t, "the poster"+enter)
	screen.expect(t, `Started Poster`)
	screen.exits(t, 0)

	screen = u.atTerminal(t, 160, "content", "auto-generate", "a picture of mugs")
	screen.expect(t, `Several apps fit the brief equally well`)
	screen.expect(t, `Type a number or a name`)
	screen.types(t, "1"+enter)
	screen.expect(t, `Started Poster`)
	screen.exits(t, 0)

	screen = u.atTerminal(t, 160, "content", "auto-generate", "product shots")
	screen.expect(t, `Type a number or a name`)
	screen.types(t, "product-shots"+enter)
	screen.expect(t, `name of a file to upload:`)
	screen.types(t, ctrlC)
	screen.exits(t, 130)
	if runs := u.output(t, "runs", "list", "--app", "product-shots", "--jq", ".pagination.total"); strings.TrimSpace(runs) != "0" {
		t.Errorf("got %s runs after Ctrl-C, want none", runs)
	}

	screen = u.atTerminal(t, 160, "content", "create", "a picture")
	screen.expect(t, `Which app do you mean`)
	screen.types(t, enter)
	screen.expect(t, `try: lamina content create 'a picture' …`)
	screen.exits(t, 9)
}

// TestContentUploadsWithoutKey gives a file at a terminal. The storage host gets the bytes without the key, and the run their address.
func TestContentUploadsWithoutKey(t *testing.T) {
	t.Parallel()
	const app = "3f0e7d1c-0000-4000-8000-000000000001"
	var stored, started atomic.Value
	storage := newHandler(t, func(_ http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("X-Api-Key") + r.Header.Get("Authorization"); got != "" {
			t.Errorf("got the key %q at the storage host, want none", got)
		}
		raw, _ := io.ReadAll(r.Body)
		stored.Store(r.Header.Get("Content-Type") + " " + string(raw))
	})
	base := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		var reply string
		switch r.URL.Path {
		case "/v1/content/create":
			reply = `{"status":"needs_input","mode":"app","selectedApp":{"appId":"` + app + `","name":"Frame"},"draftedInputs":{"note":"Hi"},"askUser":[{"name":"photo","question":"Which photo?"}],"warnings":[]}`
		case "/v1/apps/" + app:
			reply = `{"appId":"` + app + `","name":"Frame","description":null,"parameters":[{"id":"1","name":"photo","type":"url","required":true},{"id":"2","name":"note","type":"text","required":true}]}`
		case "/v1/assets/upload-urls":
			reply = `{"uploads":[{"filename":"mug.gif","mediaType":"image","contentTypeHint":"image/gif","uploadUrl":"` + storage + `/put?sig=1","assetUrl":"https://cdn.example.com/mug.gif","assetId":null,"expiresAt":null}]}`
		case "/v1/apps/" + app + "/runs":
			raw, _ := io.ReadAll(r.Body)
			started.Store(string(raw))
			reply = `{"runId":"run-1","workflowId":"` + app + `","workflowName":"Frame","status":"queued"}`
		default:
			t.Errorf("got the request %s %s", r.Method, r.URL)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"data":%s}`, reply)
	})
	u := newUser(t, base, "LAMINA_API_KEY=lma_"+"sample", "NO_COLOR=1")
	if err := os.WriteFile(filepath.Join(u.home, "mug.gif"), []byte(gif), 0o600); err != nil {
		t.Fatal(err)
	}
	screen := u.atTerminal(t, 120, "content", "create", "frame this", "--debug")
	screen.expect(t, `name of a file to upload:`)
	screen.types(t, "mug.gif"+enter)
	screen.expect(t, `lamina runs wait run-1`)
	screen.exits(t, 0)
	if got := stored.Load(); got != "image/gif "+gif {
		t.Errorf("got %q at the storage host, want the file with its type", got)
	}
	if got := started.Load(); got != `{"inputs":{"note":"Hi","photo":"https://cdn.example.com/mug.gif"}}` {
		t.Errorf("got the run %s, want the drafted input and the address of the file", got)
	}
	if strings.Contains(screen.String(), "sig=1") {
		t.Errorf("got the signed address in the output:\n%s", screen.String())
	}
}

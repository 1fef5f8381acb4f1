package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cli"
)

// The shapes of what commands write with --json.
const (
	inData    = "an object with the member data"
	asItCame  = "the response of a service other than Lamina, or one of Lamina without an envelope, as it came"
	inLines   = "a stream: a line for each item"
	noJSON    = "text in every format"
	untilStop = "a first line, then nothing until the command is stopped"
)

// A jsonCall is a command line, the input on stdin, and the shape of its JSON.
type jsonCall struct {
	shape string
	args  string
	stdin string
}

// jsonCalls returns a call of every command, in an order in which each succeeds.
func jsonCalls(dev *devServer, run string) []jsonCall {
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})) // accepts deliveries until the tests end
	laghavKey := dev.Services["laghav"].APIKey + "\n"
	return []jsonCall{
		{inData, "version", ""},
		{inData, "explain 4", ""},
		{inData, "docs", ""},
		{inData, "docs scripts", ""},
		{inData, "init", ""},
		{inData, "explain", ""},
		{inData, "login --with-api-key", dev.APIKey + "\n"},
		{inData, "auth login --with-api-key --profile other", dev.APIKey + "\n"},
		{inData, "login --provider laghav --with-api-key", laghavKey},
		{inData, "login --device --profile later", ""},
		{inData, "whoami", ""},
		{inData, "auth status", ""},
		{inData, "auth token", ""},
		{inData, "auth move --storage file", ""},
		{inData, "auth rotate --provider laghav", ""},
		{inData, "auth scan empty.txt", ""},
		{inData, "config set output text", ""},
		{inData, "config get output", ""},
		{inData, "config list", ""},
		{inData, "config unset output", ""},
		{inData, "browse poster --no-browser", ""},
		{inData, "upgrade", ""},
		{inData, "completion install --shell fish", ""},
		{inData, "profile list", ""},
		{inData, "profile use other", ""},
		{inData, "profile remove other", ""},
		{inData, "apps list", ""},
		{inData, "apps get poster", ""},
		{inData, "apps estimate poster", ""},
		{inData, "apps workflow poster", ""},
		{inData, "usage", ""},
		{inData, "assets upload tiny.gif", ""},
		{inData, "assets list", ""},
		{inData, "brands list", ""},
		{inData, "campaigns list", ""},
		{inData, "publishing channels", ""},
		{inData, "publishing publish --account-id chn_atelier_linkedin --caption Hello --yes", ""},
		{inData, "publishing transfer-asset " + dev.BaseURL + "/dev/keys --media-type image --filename copy.png", ""},
		{inData, "publishing history", ""},
		{inData, "run poster --input text=Hello --wait --download ./out/", ""},
		{inData, "batch plan poster - --out batch", `{"text": "Hello"}`},
		{inData, "batch export batch --for slurm", ""},
		{inData, "batch run batch", ""},
		{inData, "batch status batch", ""},
		{inData, "batch watch batch", ""},
		{inData, "batch results batch", ""},
		{inData, "batch report batch", ""},
		{inData, "batch retry batch --failed", ""},
		{inData, "batch cancel batch", ""},
		{inData, "runs list", ""},
		{inData, "runs get " + run, ""},
		{inData, "runs wait " + run, ""},
		{inData, "runs wait " + run + " " + run, ""},
		{inData, "runs cancel " + run, ""},
		{inData, "runs download " + run + " ./again/", ""},
		{inLines, "runs watch " + run, ""},
		{inLines, "webhook listen", ""},
		{inData, "webhook list", ""},
		{inData, "webhook replay kept --to " + receiver.URL, ""},
		{inData, "webhook trigger " + receiver.URL, ""},
		{inData, "webhook verify delivery.txt --key key.json --at 1800000000", ""},
		{inData, "webhook status", ""},
		{inData, "webhook clear", ""},
		{asItCame, "webhook signing-key", ""},
		{inData, "content create a neon poster for monday", ""},
		{inData, "content plan a neon poster for monday", ""},
		{inData, "content brief sell mugs", ""},
		{inData, "content score", ""},
		{inData, "content batch poster:one poster:two", ""},
		{inData, "content auto-generate a neon poster for monday", ""},
		{inData, "content preview a neon poster for monday", ""},
		{inData, "content run --app poster --input text=Hello", ""},
		{inData, "templates list", ""},
		{inData, "templates get tpl_sale_poster", ""},
		{inData, "intelligence brand-context", ""},
		{inData, "intelligence predict mugs --platform instagram --modality image", ""},
		{inData, "intelligence recommendations", ""},
		{inData, "intelligence trends", ""},
		{inData, "runs feedback " + run + " Neon", ""},
		{inData, "models list", ""},
		{inData, "models describe hills-1", ""},
		{inData, "generate image --model hills-1 Dawn", ""},
		{inData, "generate video --model drift-1 Dawn", ""},
		{inData, "doctor", ""},
		{inData, "demo --no-input", ""},
		{untilStop, "dev", ""},
		{asItCame, "api /v1/account", ""},
		{inData, "laminr upload stub.pdf", ""},
		{asItCame, "laminr files", ""},
		{asItCame, "lamatic run summarize --input text=Hello", ""},
		{inLines, "lamatic batch summarize payloads.ndjson", ""},
		{asItCame, "lamatic status", ""},
		{asItCame, "lightfast search refreshing", ""},
		{asItCame, "lightfast contents", ""},
		{asItCame, "lightfast similar", ""},
		{asItCame, "laghav complete Hello", ""},
		{asItCame, "laghav playground Hello", ""},
		{asItCame, "laghav keys list", ""},
		{asItCame, "laghav keys create Second", ""},
		{inData, "laghav keys create Third --save --profile third", ""},
		{asItCame, "laghav keys revoke", ""},
		{asItCame, "laghav apps list", ""},
		{asItCame, "laghav apps create Shop", ""},
		{inData, "laghav apps create Bar --save --profile bar", ""},
		{asItCame, "laghav budgets list", ""},
		{asItCame, "laghav budgets create Team", ""},
		{noJSON, "completion bash", ""},
		{noJSON, "help", ""},
		{inData, "logout", ""},
		{inData, "auth logout --profile later", ""},
	}
}

// TestEveryCommandWritesData runs every command with --json. What is of this program, or of Lamina, is below the member data.
func TestEveryCommandWritesData(t *testing.T) {
	t.Parallel()
	dev := newDev(t, "--auto-approve")
	u := newUser(t, dev.BaseURL, "CI=")
	for name, service := range dev.Services {
		if name != "laghav" {
			u.env = append(u.env, strings.ToUpper(name)+"_API_KEY="+service.APIKey)
		}
		u.env = append(u.env, strings.ToUpper(name)+"_BASE_URL="+service.BaseURL)
	}
	u.env = append(u.env, "LAMATIC_PROJECT_ID=prj_sample")
	for name, text := range map[string]string{"empty.txt": "", "tiny.gif": "GIF89a", "stub.pdf": "%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n", "payloads.ndjson": "{\"text\":\"Hi\"}\n"} {
		if err := os.WriteFile(filepath.Join(u.home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeDelivery(t, u)
	started := u
	started.env = append(slices.Clone(u.env), "LAMINA_API_KEY="+dev.APIKey)
	run := strings.TrimSpace(started.output(t, "run", "poster", "--input", "text=Hello", "--wait", "--jq", ".data.runId"))

	called := map[string]bool{}
	for _, call := range jsonCalls(dev, run) {
		args := strings.Fields(call.args)
		cmd, _, err := cli.Tree().Find(args)
		if err != nil {
			t.Errorf("%s: %v", call.args, err)
			continue
		}
		called[cmd.CommandPath()] = true
		if call.shape == inData {
			t.Run(call.args, func(t *testing.T) {
				status, stdout, stderr := u.runWithInput(t, call.stdin, append(args, "--json")...)
				if status != 0 {
					t.Fatalf("got exit status %d: %s", status, stderr)
				}
				checkEnvelope(t, stdout)
			})
		}
	}
	for _, cmd := range leaves(cli.Tree()) {
		if !called[cmd.CommandPath()] {
			t.Errorf("%s: add the command to jsonCalls, with the shape of its JSON", cmd.CommandPath())
		}
	}
}

// checkEnvelope checks that a text is one object with the member data, and that its other members repeat those of data or are siblings
// of the API's envelope.
func checkEnvelope(t *testing.T, text string) {
	t.Helper()
	var envelope map[string]any
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	if err := decoder.Decode(&envelope); err != nil || decoder.More() {
		t.Fatalf("got %q, want one JSON object: %v", text, err)
	}
	data, hasData := envelope["data"]
	if !hasData {
		t.Fatalf("got %s, want the member data", text)
	}
	fields, _ := data.(map[string]any)
	for name, value := range envelope {
		if isSibling := slices.Contains([]string{"data", "pagination", "files"}, name); !isSibling && !reflect.DeepEqual(value, fields[name]) {
			t.Errorf("got %s = %v beside data, want it below data too: %s", name, value, fmt.Sprint(fields[name]))
		}
	}
}

// leaves returns the commands that can be run, without hidden ones.
func leaves(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, c := range cmd.Commands() {
		switch {
		case c.HasSubCommands():
			all = append(all, leaves(c)...)
		case !c.Hidden:
			all = append(all, c)
		}
	}
	return all
}

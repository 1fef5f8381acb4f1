package main

import (
	"cmp"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// TestContentCommandsRun runs the command that a plan ends with in a shell. The drafted text arrives as it was.
func TestContentCommandsRun(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs a shell")
	}
	dev := newDev(t)
	u := newUser(t, dev.BaseURL, "LAMINA_API_KEY="+dev.APIKey, "LAMINA_OUTPUT=text")
	for _, text := range []string{"It's 5 o'clock; $HOME & `more`, and", "two\nlines", "@handle", "a=b:=c", "100% für dich", "--flag", "tail,", `back\slash`} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			plan := strings.TrimSpace(u.output(t, "content", "plan", `a neon poster that says "`+text+`"`))
			command := plan[strings.LastIndex(plan, "\n")+1:]
			if strings.Contains(command, "…") {
				t.Fatalf("got the command %q, want a complete one", command)
			}
			shell := exec.Command("sh", "-c", command+" --wait --quiet --jq .data.outputs[0].contentDescription")
			shell.Dir, shell.Env = u.home, u.env
			got, err := shell.Output()
			want := "A poster in the style Neon that says: " + strings.Join(strings.Fields(text), " ")
			if err != nil || strings.TrimSpace(string(got)) != want {
				t.Errorf("%s: got %q and %v, want %q", command, got, err, want)
			}
		})
	}
}

// TestContentOfOtherGenerations reads the responses of services that this program knows from other sources than the local platform.
func TestContentOfOtherGenerations(t *testing.T) {
	t.Parallel()
	const app = "3f0e7d1c-0000-4000-8000-000000000001"
	for _, tt := range []struct {
		name, data string
		status     int
		want       []string
		args       string // after content; "create x" by default
	}{
		{"the older create", `{"runId":"run-1","workflowId":"` + app + `","workflowName":"Poster","status":"queued"}`, 0, []string{"Started Poster", "lamina runs wait run-1"}, ""},
		{"an execution", `{"executionId":"run-1","status":"queued"}`, 0, []string{"Started a run", "lamina runs wait run-1"}, ""},
		{"a recipe", `{"status":"ran","mode":"recipe","runId":"run-1","modality":"image","picks":[],"numVariants":3,"submittedCount":2,"failedCount":1}`, 0,
			[]string{"2 of 3 variants were started", "lamina runs wait run-1"}, ""},
		{"the older questions", `{"status":"needs_input","selectedApp":{"appId":"` + app + `","name":"Poster"},"drafted":{"style":"Neon"},"askUser":[{"key":"text","type":"text","purpose":"What it says","askUser":"What does it say?"}]}`, 9,
			[]string{"Poster needs 1 answer", "text: What does it say?", "lamina run " + app + " --input style=Neon --input text=…"}, ""},
		{"clarifications as texts", `{"status":"needs_clarification","clarifications":["Which one?"]}`, 9, []string{"Which one?"}, ""},
		{"errors as objects", `{"status":"unmatched","reason":"none","errors":[{"field":"brief","message":"too short"},"too vague"]}`, 5, []string{"no app fits the brief: none", "brief: too short", "too vague"}, ""},
		{"a status of the future", `{"status":"postponed"}`, 8, []string{`the response has an unknown status, or lacks what belongs to it: "postponed"`}, ""},
		{"fields of other types", `{"status":"ran","runId":"run-1","selectedApp":null,"draftedInputs":[],"warnings":"none"}`, 0, []string{"lamina runs wait run-1"}, ""},
		{"a run without an id", `{"status":"ran","runId":{}}`, 8, []string{"the response names no run", "try: lamina runs list"}, ""},
		{"questions without an app", `{"status":"needs_input","askUser":[{"key":"text","askUser":"What?"}]}`, 9, []string{"text: What?", "lamina content create x --input text=…"}, ""},
		{"a preview without an app", `{"mode":"app","selectedApp":null,"form":[null]}`, 8, []string{`lacks what belongs to it: "app"`}, "preview x"},
		{"candidates without an app", `{"status":"needs_choice","candidates":[null,{"name":"X"},{"appId":"a","name":"A","description":"B.","missingRequiredInputs":["c"]}]}`, 9,
			[]string{"several apps fit the brief; nothing was started\n  a: A. B. Needs: c\n", "lamina run a --input c=…"}, "auto-generate x"},
		{"a draft that names a file", `{"status":"plan","selectedApp":{"appId":"a"},"draftedInputs":{"image":` + strconv.Quote("@"+os.Args[0]) + `}}`, 0,
			[]string{"lamina run a --input image=…"}, "plan x"},
		{"a batch without items", `{"items":null}`, 8, []string{"the response names no item, so runs may have started", "try: lamina runs list"}, "batch x"},
		{"a concept without a prompt", `{"concepts":[{"concept":"C"},{"title":"T","prompt":"-p"}]}`, 0, []string{"(without a title)", "lamina content create C", "lamina content create ' -p'"}, "brief x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := newHandler(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"data":` + tt.data + `}`))
			})
			u := newUser(t, base, "LAMINA_API_KEY=lma_"+"sample", "LAMINA_OUTPUT=text")
			args := append([]string{"content"}, strings.Fields(cmp.Or(tt.args, "create x"))...)
			run := u.start(t, args...)
			run.exits(t, tt.status)
			mustContain(t, run.stdout.String()+run.stderr.String(), tt.want...)
			machine := u.start(t, append(args, "--json")...)
			machine.exits(t, tt.status)
			mustContain(t, machine.stdout.String(), `"data": {`)
		})
	}
}

// TestStartsWithoutAnID: a run was started and may cost credits, but the response does not have its id.
func TestStartsWithoutAnID(t *testing.T) {
	t.Parallel()
	base := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, object{"data": object{"id": "m", "appId": "a", "modality": "image", "status": "failed", "errorMessage": "No."}})
	})
	u := newUser(t, base, "LAMINA_API_KEY=lma_"+"sample", "LAMINA_OUTPUT=text")
	for args, hint := range map[string]string{"run a": "lamina runs list", "generate image -m m": "lamina api /v1/assets"} {
		mustContain(t, u.fails(t, 8, strings.Fields(args)...), "the response names no run; the run may have started", "try: "+hint+"\n")
	}
	mustContain(t, u.fails(t, 3, "runs", "feedback", "r1", "x"), "error: the run failed: No.", "try: lamina runs get r1")
	if got := u.output(t, "models", "describe", "m"); !strings.Contains(got, "lamina generate image --model m") {
		t.Errorf("got %q, want a command", got)
	}
}

// TestContentIsStartedOnce: a request that may have started a run is not repeated, whatever the service answers.
func TestContentIsStartedOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, args, code string
		respond          http.HandlerFunc
	}{
		{"create, lost", "content create x", "unknown_outcome", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{"create, failed", "content create x", "server_error", func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusServiceUnavailable, object{"error": "down", "code": "RESOURCE_UNAVAILABLE", "retryable": true})
		}},
		{"batch, lost", "content batch x", "unknown_outcome", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{"auto-generate, lost", "content auto-generate x", "unknown_outcome", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{"run, lost", "content run --recipe {}", "unknown_outcome", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var count atomic.Int32
			base := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
				count.Add(1)
				tt.respond(w, r)
			})
			u := newUser(t, base, "LAMINA_API_KEY=lma_"+"sample")
			mustContain(t, u.fails(t, 8, strings.Fields(tt.args)...), `"code":"`+tt.code+`"`)
			if got := count.Load(); got != 1 {
				t.Errorf("got %d requests, want 1", got)
			}
		})
	}
}

// TestContentCommandsKeepTheProfile: the command of each outcome acts on the account of the command before it.
func TestContentCommandsKeepTheProfile(t *testing.T) {
	t.Parallel()
	dev := newDev(t)
	u := newUser(t, dev.BaseURL, "LAMINA_OUTPUT=text")
	if status, _, stderr := u.runWithInput(t, dev.APIKey+"\n", "login", "--with-api-key", "--profile", "work"); status != 0 {
		t.Fatal(stderr)
	}
	for _, tt := range []struct {
		args   string
		status int
		want   string
	}{
		{"create a poster: Hello,", 0, "lamina runs wait "},
		{"create a picture,", 9, "lamina content create 'a picture,' … --profile work"},
		{"create product shots", 9, "--input image=… --only … --profile work"},
		{"create a symphony", 5, "lamina apps list --profile work"},
		{"plan a poster: Hello", 0, "--input text=Hello --profile work"},
		{"preview a poster: Hello", 0, "--input text=Hello --profile work"},
		{"auto-generate a picture", 9, "lamina content auto-generate 'a picture' --app "},
		{"brief Hello --count 1", 0, "--modality image --profile work"},
		{"batch poster:Hello", 0, "lamina runs wait "},
	} {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			run := u.start(t, append(append([]string{"content"}, strings.Fields(tt.args)...), "--profile", "work")...)
			run.exits(t, tt.status)
			var next string
			for line := range strings.Lines(run.stdout.String() + run.stderr.String()) {
				if _, command, ok := strings.Cut(line, "lamina "); ok {
					next = "lamina " + strings.TrimSpace(command)
				}
			}
			if !strings.Contains(next, tt.want) || strings.Count(next, "--profile work") != 1 {
				t.Errorf("got %q, want %q and --profile work once", next, tt.want)
			}
		})
	}
}

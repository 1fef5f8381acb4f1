package main

import (
	"net/http"
	"os/exec"
	"strings"
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
	}{
		{"the older create", `{"runId":"run-1","workflowId":"` + app + `","workflowName":"Poster","status":"queued"}`, 0, []string{"Started Poster", "lamina runs wait run-1"}},
		{"an execution", `{"executionId":"run-1","status":"queued"}`, 0, []string{"Started a run", "lamina runs wait run-1"}},
		{"a recipe", `{"status":"ran","mode":"recipe","runId":"run-1","modality":"image","picks":[],"numVariants":3,"submittedCount":2,"failedCount":1}`, 0,
			[]string{"2 of 3 variants were started", "lamina runs wait run-1"}},
		{"the older questions", `{"status":"needs_input","selectedApp":{"appId":"` + app + `","name":"Poster"},"drafted":{"style":"Neon"},"askUser":[{"key":"text","type":"text","purpose":"What it says","askUser":"What does it say?"}]}`, 9,
			[]string{"Poster needs 1 answer", "text: What does it say?", "lamina run " + app + " --input style=Neon --input text=…"}},
		{"clarifications as texts", `{"status":"needs_clarification","clarifications":["Which one?"]}`, 9, []string{"Which one?"}},
		{"errors as objects", `{"status":"unmatched","reason":"none","errors":[{"field":"brief","message":"too short"},"too vague"]}`, 5, []string{"no app fits the brief: none", "brief: too short", "too vague"}},
		{"a status of the future", `{"status":"postponed"}`, 8, []string{`the service answered with the unknown status "postponed"`}},
		{"fields of other types", `{"status":"ran","runId":"run-1","selectedApp":null,"draftedInputs":[],"warnings":"none"}`, 0, []string{"lamina runs wait run-1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := newHandler(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"data":` + tt.data + `}`))
			})
			u := newUser(t, base, "LAMINA_API_KEY=lma_"+"sample", "LAMINA_OUTPUT=text")
			run := u.start(t, "content", "create", "x")
			run.exits(t, tt.status)
			mustContain(t, run.stdout.String()+run.stderr.String(), tt.want...)
			machine := u.start(t, "content", "create", "x", "--json")
			machine.exits(t, tt.status)
			mustContain(t, machine.stdout.String(), `"data": {`)
		})
	}
}

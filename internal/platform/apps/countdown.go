package apps

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
)

// The longest countdown, in seconds.
const longestCountdown = 3600

func countdown() App {
	return App{
		ID:   "5a6c8d2f-91e7-4320-bf4b-d80e37a1c905",
		Slug: "countdown",
		Name: "Countdown",
		Description: "Counts down, then completes or fails, as you choose. It is for tests: of long runs, of cancelling, " +
			"and of what your program does when a run fails.",
		Icon:     "⏱️",
		Modality: "text",
		Keywords: []string{"countdown", "test", "wait", "timer", "long", "slow", "fail", "failure", "cancel", "debug"},
		Capabilities: api.Capabilities{
			Produces:            []string{"text"},
			Strengths:           []string{"Takes as long as you say", "Fails when you want it to"},
			BestFor:             []string{"Testing a program that uses Lamina"},
			Limitations:         []string{"Makes nothing of use by itself"},
			OutputFormats:       []string{"txt"},
			GenerationStepCount: 1,
			NodeTypes:           []string{"input", "timer", "output"},
		},
		Parameters: parameters{
			textInput("countdown", "seconds", "Seconds", "How long to count: a whole number from 0 to 3600.").withDefault("10"),
			optionsInput("countdown", "ending", "Ending", "How the run ends.", "Complete", []string{"Complete", "Fail"}),
		}.wire(),
		Outputs: []Output{
			{Label: "Halfway", Type: "text", MimeType: "text/plain"},
			{Label: "Log", Type: "text", MimeType: "text/plain"},
		},
		Steps: []Step{
			{ID: "length", Type: "input", Label: "Seconds", For: Shared},
			{ID: "timer", Type: "timer", Label: "Count down", Credits: 0.5, For: Shared, After: []string{"length"}},
			{ID: "halfway", Type: "output", Label: "Halfway", For: 0, After: []string{"timer"}},
			{ID: "log", Type: "output", Label: "Log", For: 1, After: []string{"timer"}},
		},
		Make: makeCountdown,
	}
}

func makeCountdown(ctx context.Context, job Job) error {
	seconds, err := strconv.Atoi(strings.TrimSpace(job.Inputs.Text("seconds")))
	if err != nil || seconds < 0 || seconds > longestCountdown {
		return failf("Seconds must be a whole number from 0 to %d, not %q", longestCountdown, job.Inputs.Text("seconds"))
	}
	var log strings.Builder
	for remaining := seconds; remaining > 0; remaining-- {
		if err := job.Progress(ctx, float64(seconds-remaining)/float64(seconds)); err != nil {
			return err
		}
		fmt.Fprintf(&log, "%d\n", remaining)
		if remaining == (seconds+1)/2 && job.Wants(0) {
			if err := job.Deliver(0, Result{Text: fmt.Sprintf("%d of %d seconds are left.", remaining, seconds)}); err != nil {
				return err
			}
		}
		if err := job.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	if job.Inputs.Text("ending") == "Fail" {
		return failf("The countdown failed at its end, as its input \"ending\" asked for")
	}
	if seconds == 0 && job.Wants(0) {
		if err := job.Deliver(0, Result{Text: "There was nothing to count."}); err != nil {
			return err
		}
	}
	if !job.Wants(1) {
		return nil
	}
	return job.Deliver(1, Result{Text: log.String() + "0", Description: "The seconds as they were counted"})
}

package fail

// Explanation says more about an error code than an error message has room for. `lamina explain` prints it.
type Explanation struct {
	Code    string   `json:"code"`
	Exit    int      `json:"exitCode"`
	Meaning string   `json:"meaning"`
	Causes  []string `json:"causes"`
	Fixes   []string `json:"mend"` // commands are in backquotes
}

// FindExplanation returns the explanation of a code by its name.
func FindExplanation(name string) (Explanation, bool) {
	for _, x := range Explanations() {
		if x.Code == name {
			return x, true
		}
	}
	return Explanation{}, false
}

// ExitMeaning returns what an exit status means; ok is false if no command ends with it.
func ExitMeaning(status int) (meaning string, ok bool) {
	meaning, ok = map[int]string{
		ExitOK:           "The command is done.",
		ExitFailure:      "The command failed; the error says why.",
		ExitUsage:        "The command line or its inputs are wrong: an unknown command or flag, a missing argument, malformed input. Nothing was sent.",
		ExitRun:          "The run itself failed or was cancelled.",
		ExitAuth:         "A sign-in is needed: you are not signed in, the session has expired, or the key was refused.",
		ExitNotFound:     "There is no such app, run or endpoint.",
		ExitLimit:        "A rate limit or a quota was reached, or the credits are used up.",
		ExitStillRunning: "The waiting time is over; the run continues.",
		ExitService:      "The service could not be reached, or it failed.",
		ExitAnswers:      "The service has questions; nothing was started. The data on stdout has them, and the hint is the command to complete.",
		ExitCannotRun:    "The command of `lamina dev -- COMMAND` cannot be executed.",
		ExitNoCommand:    "The command of `lamina dev -- COMMAND` was not found.",
		ExitInterrupted:  "The command was interrupted by Ctrl-C, SIGTERM or SIGHUP.",
	}[status]
	return meaning, ok
}

func explain(c Code, meaning string, causes, fixes []string) Explanation {
	return Explanation{Code: c.Name, Exit: c.Exit, Meaning: meaning, Causes: causes, Fixes: fixes}
}

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

func explain(c Code, meaning string, causes, fixes []string) Explanation {
	return Explanation{Code: c.Name, Exit: c.Exit, Meaning: meaning, Causes: causes, Fixes: fixes}
}

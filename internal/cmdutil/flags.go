package cmdutil

import (
	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/output"
)

// Diagnoses is the annotation of a command that reports invalid variables itself, instead of failing because of them.
const Diagnoses = "diagnoses"

// Flags are the global flags that concern neither credentials nor services.
type Flags struct {
	Output  string
	JSON    bool
	JQ      string
	Quiet   bool
	Debug   bool
	NoInput bool
	Color   string
}

// Add declares the flags.
func (f *Flags) Add(set *pflag.FlagSet) {
	set.StringVarP(&f.Output, "output", "o", "", "write data in this `FORMAT`: text, json, ndjson or auto")
	set.BoolVar(&f.JSON, "json", false, "write data as JSON; short for -o json")
	set.StringVar(&f.JQ, "jq", "", "filter the JSON with this jq `EXPRESSION`")
	set.BoolVar(&f.Quiet, "quiet", false, "print only data and errors")
	set.BoolVar(&f.Debug, "debug", false, "log the HTTP exchange to stderr, without secrets")
	set.BoolVar(&f.NoInput, "no-input", false, "never prompt, and never open a browser")
	set.StringVar(&f.Color, "color", "", "use colour `WHEN`: auto, always or never")
	set.Lookup("color").DefValue = "auto"
}

// Machine reports whether JSON was asked for explicitly.
func (f *Flags) Machine() bool {
	return f.JSON || f.JQ != "" || f.Output == string(output.JSON) || f.Output == string(output.NDJSON)
}

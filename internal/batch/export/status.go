package export

import (
	"strconv"
	"strings"
)

// A Reaction is what an engine does after the process of a shard has exited.
type Reaction string

// The reactions of engines.
const (
	Done   Reaction = "done"
	Resume Reaction = "resume" // start the shard again: it continues
	Fail   Reaction = "fail"   // another start would have the same outcome
)

// A Status is an exit status of `lamina batch run`, and what an engine does then.
type Status struct {
	Code     int
	Reaction Reaction
	Meaning  string
}

// Statuses returns every exit status that the files of engines know. All files, and the table of the guide, follow it.
func Statuses() []Status {
	return []Status{
		{0, Done, "all items of the shard completed"},
		{1, Resume, "outputs could not be saved, or another process runs the shard"},
		{2, Fail, "wrong usage, or the folder changed or cannot be used"},
		{3, Fail, "items failed, were cancelled or are held"},
		{4, Fail, "a sign-in is needed: the key is missing, wrong or revoked"},
		{5, Fail, "the app does not exist"},
		{6, Resume, "the limit of credits, or a quota, is reached"},
		{7, Resume, "the time limit was reached, or SIGTERM arrived"},
		{8, Resume, "the service failed, or could not be reached"},
		{137, Resume, "SIGKILL, for example from the kernel when memory ran out"},
	}
}

// list returns the statuses with a reaction, as text.
func list(r Reaction, between string) string {
	var codes []string
	for _, s := range Statuses() {
		if s.Reaction == r {
			codes = append(codes, strconv.Itoa(s.Code))
		}
	}
	return strings.Join(codes, between)
}

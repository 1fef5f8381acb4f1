package child

import "os"

// passedOn returns the signals that RunAttached receives, so that they do not end this process first.
func passedOn() []os.Signal { return []os.Signal{os.Interrupt} }

// isFromTerminal reports true: the console sends Ctrl-C to all of its processes.
func isFromTerminal(os.Signal) bool { return true }

// statusOf returns the exit status of a program.
func statusOf(state *os.ProcessState) int { return state.ExitCode() }

package control

import (
	"slices"
	"strconv"
	"strings"
)

// A Request is a received request, for the pages of the platform.
type Request = receivedRequest

// A Fault is a planned fault, for the pages of the platform.
type Fault = faultPlan

// NewestRequests returns up to most received requests, newest first.
func (s *Server) NewestRequests(most int) []Request {
	all := s.requests.list()
	all = all[max(0, len(all)-most):]
	slices.Reverse(all)
	return all
}

// Faults returns the planned faults in the order of planning.
func (s *Server) Faults() []Fault { return s.faults.list() }

// Effect describes what a fault does, in a few words.
func (p *faultPlan) Effect() string {
	effect := ""
	switch {
	case p.Cut != "":
		effect = "cut " + p.Cut
	case p.Garbage:
		effect = "broken JSON"
	case p.HTML:
		effect = "a web page"
	case p.Status != 0:
		effect = "status " + strconv.Itoa(p.Status)
	case p.Body != nil:
		effect = "another body"
	}
	if p.Delay == "" {
		return effect
	}
	return strings.TrimSuffix("delay "+p.Delay+", "+effect, ", ")
}

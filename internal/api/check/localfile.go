package check

import "errors"

// A LocalFile is the value of an input that takes a URL, before its file is uploaded: a user wrote @FILE. Inputs returns it in
// place of the URL.
type LocalFile struct {
	Path   string
	Accept []string // image, video, audio; empty means any
}

// MarshalJSON fails: a name of this machine must never be sent in place of a URL.
func (f LocalFile) MarshalJSON() ([]byte, error) {
	return nil, errors.New("the file " + f.Path + " was not uploaded")
}

//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package term

// hideTyping leaves it to the reading of the password.
func hideTyping(int) (show func()) { return func() {} }

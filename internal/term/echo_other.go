//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package term

// hideTyping does nothing: on these systems, reading a password turns off the echo.
func hideTyping(int) (show func()) { return func() {} }

// Package local holds the commands that work on this machine: the local platform, the demo that uses it, and doctor.
package local

//go:build race

package main

// raceDetector is true if the tests were built with the race detector.
const raceDetector = true

// Package apps holds the small apps of the local platform. They really work: from inputs they make pictures and text.
// An app is pure: the same inputs give the same bytes, and what it needs from outside (the bytes of an address, time
// to pass, a place for its results) it is handed in a Job. It knows no server.
package apps

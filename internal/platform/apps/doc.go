// Package apps has the apps of the local platform, which create pictures and texts from inputs. An app is deterministic:
// the same inputs give the same bytes. A Job provides what it needs from outside: the bytes at an address, waiting, and the
// delivery of results. An app knows no server.
package apps

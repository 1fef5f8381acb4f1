// Package config stores what lamina remembers between commands, in one folder (~/.lamina): the document config.json with
// its profiles and credentials, lock files, and small private files of other packages.
//
// The version 1 format of config.json is shared with the Node client. That client may run on the same machine, takes no
// lock, and rewrites the file in place. Every write in this package therefore reads the file again, keeps the fields it does
// not know, and detects a change of the file by another program.
package config

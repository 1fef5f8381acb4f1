// Package config stores what lamina remembers between commands, in one folder (~/.lamina): the document with its profiles and
// credentials, lock files, and small private files of other packages.
//
// The document is in two files. config.json is shared with the Node client, and has only what that client knows: the credential of
// the default profile, if it is one of Lamina's own authorization server. That client may run on the same machine, takes no lock, and
// rewrites the file in place, sometimes from scratch. profiles.json has everything else. Every write in this package therefore
// reads both files again, keeps the fields it does not know, and detects a change of config.json by another program.
package config

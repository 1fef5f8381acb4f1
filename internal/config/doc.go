// Package config keeps what lamina remembers between commands, in one folder (~/.lamina): the config.json document with
// its profiles and credentials, the locks beside it, and the atomic write that never leaves half a file.
//
// The version 1 shape of config.json is shared with the Node client, which may be installed on the same machine, takes
// no lock, and rewrites the file in place. So every write here reads again first, keeps every field it does not know,
// and notices when the file changed meanwhile.
package config

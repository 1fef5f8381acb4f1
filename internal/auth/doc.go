// Package auth signs the user in and keeps the session valid. It has two sign-in methods: a loopback redirect with PKCE (RFC
// 8252, RFC 7636), where the user may also paste the authorization response, and a device code (RFC 8628). It also checks the
// form of API keys, registers clients (RFC 7591), revokes sessions (RFC 7009), and adds the credential to requests.
//
// The package prints nothing and prompts for nothing: its callers pass functions that show a URL, open a browser or read a
// line. It never sends a credential to another origin than the one that issued it. No error and no log line contains a
// secret, and no error names a command: an error carries the fields from which the caller composes the command.
package auth

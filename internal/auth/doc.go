// Package auth signs a person in and keeps the session alive: the loopback redirect with PKCE (RFC 8252, RFC 7636) with a
// paste beside it, the device code (RFC 8628), API keys, client registration (RFC 7591), revocation (RFC 7009), and the
// token source that every request asks.
//
// It prints nothing and asks nothing: it is handed functions that show a URL, open a browser, read a line. It never
// sends a credential to another origin than the one that issued it, and no error or log line holds a secret.
package auth

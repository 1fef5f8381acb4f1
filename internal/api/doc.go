// Package api is the typed client of the Lamina API (/v1): one method through which every request passes, and one
// file per resource. It knows nothing of sign-in: it is given an http.Client that adds credentials.
package api

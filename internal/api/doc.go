// Package api is the typed client of the Lamina API (/v1). All requests pass through one method of Client; each resource has a
// file. The package does not know credentials: Client.HTTP adds them.
package api

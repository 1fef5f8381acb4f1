// Package webhook signs and verifies the deliveries that Lamina makes when a run ends.
//
// A delivery is a POST of JSON, {"data": run}, with four headers of its own: the signature (Ed25519, in hex), the time
// of signing (Unix seconds), the id of the run (also the idempotency key: a repeated delivery carries the same one) and
// the id of the user who started the run. What is signed is the timestamp as it stands in its header, a full stop, and
// the body byte for byte, so a body must be verified before it is decoded. Each attempt is signed afresh.
//
// No header names the key. A receiver fetches the keys from GET /v1/webhooks/signing-key, where each is a JWK of type
// OKP (RFC 8037), and tries every one of them.
package webhook

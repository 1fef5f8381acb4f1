// Package webhook signs and verifies webhook deliveries, which Lamina sends when a run ends.
//
// A delivery is a POST of JSON, {"data": run}, with four headers: the signature (Ed25519, in hex), the time of signing (Unix
// seconds), the id of the run and the id of the user who started the run. The id of the run is also the idempotency key: all
// attempts for a run have the same one. The signed message is the value of the timestamp header, a full stop and the bytes of
// the body, so a receiver must verify a body before it decodes it. Each attempt has its own signature.
//
// No header identifies the key. A receiver fetches the keys from GET /v1/webhooks/signing-key, where each is a JWK of type OKP
// (RFC 8037), and tries all of them.
package webhook

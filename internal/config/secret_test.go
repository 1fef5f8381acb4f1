package config_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/uselamina/lamina/internal/config"
)

func TestSecretIsRedacted(t *testing.T) {
	t.Parallel()
	const canary = "lma_canary_3f9"
	secret := config.Secret(canary)
	credential := config.Credential{Kind: config.OAuth, Token: secret, RefreshToken: secret}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%T%v"} {
		fmt.Fprintf(&out, verb+"\n", secret)
		fmt.Fprintf(&out, verb+"\n", credential)
		fmt.Fprintf(&out, verb+"\n", &credential)
		fmt.Fprintf(&out, verb+"\n", []config.Secret{secret})
	}
	fmt.Fprintln(&out, secret.String(), secret.GoString(), fmt.Errorf("wrapped: %v", secret))
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", secret, "credential", credential)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", secret, "credential", credential)
	for _, value := range []any{secret, credential, &credential, []any{secret}} {
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	if b, err := xml.Marshal(secret); err == nil {
		out.Write(b)
	}
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), "canary"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("got the secret as %q in:\n%s", form, out.String())
		}
	}
	if secret.Reveal() != canary {
		t.Errorf("Reveal() = %q, want %q", secret.Reveal(), canary)
	}
	if got := config.Secret("").String(); got != "" {
		t.Errorf("empty secret: got %q, want an empty string", got)
	}
}

package webhook

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/webhook"
	"github.com/uselamina/lamina/internal/webhook/listen"
)

// trustOptions say with which keys deliveries are verified.
type trustOptions struct {
	file  string
	local bool
}

func (t *trustOptions) add(f *pflag.FlagSet) {
	f.StringVar(&t.file, "key", "", "verify with the keys in this `FILE` (from lamina webhook signing-key), without asking the service")
	f.BoolVar(&t.local, "trust-local", false, "accept what lamina webhook trigger signs with the key of this machine, too")
}

// keys returns the keys, and loads those of the service unless a file is named.
func (t *trustOptions) keys(ctx context.Context, env *cmdutil.Env, dir string) (*listen.Keys, error) {
	k := &listen.Keys{Now: env.Now}
	if t.local {
		key, err := localKey(ctx, env)
		if err != nil {
			return nil, err
		}
		k.Trusted = append(k.Trusted, key.Public().(ed25519.PublicKey))
	}
	if t.file != "" {
		trusted, err := readKeys(ctx, env, t.file)
		k.Trusted = append(k.Trusted, trusted...)
		return k, err
	}
	client, err := env.Sessions.Client()
	if err != nil && t.local {
		env.Note("only the key of this machine is accepted: %s", env.Sessions.Describe(err).Message)
		return k, nil
	}
	if err != nil {
		return nil, err
	}
	k.File = filepath.Join(dir, keysFile)
	k.Fetch = func(ctx context.Context) ([]byte, error) {
		_, raw, err := client.SigningKeys(ctx)
		return raw, err
	}
	isOld, err := k.Load(ctx)
	if isOld {
		env.Note("using the signing keys of an earlier time: %s", env.Sessions.Describe(err).Message)
		err = nil
	}
	return k, keysError(err)
}

// keysError describes a response of the service that has no usable key.
func keysError(err error) error {
	if unusable := (*listen.UnusableError)(nil); errors.As(err, &unusable) {
		return &fail.Error{Code: fail.Unexpected, Message: err.Error(), Hint: "lamina webhook signing-key --json", Err: err}
	}
	return err
}

// readKeys reads the public keys in a file.
func readKeys(ctx context.Context, env *cmdutil.Env, file string) ([]ed25519.PublicKey, error) {
	const hint = "lamina webhook signing-key --json > key.json"
	raw, err := env.ReadFile(ctx, file)
	if err != nil {
		return nil, cmp.Or(ctx.Err(), fail.Usage(hint, "could not read the keys: %v", err))
	}
	keys, err := webhook.ParseKeys(raw)
	if err != nil {
		return nil, fail.Usage(hint, "%s: %v", file, fmt.Errorf("not a set of signing keys: %w", err))
	}
	return keys, nil
}

package webhook

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/output"
)

func newSigningKey(env *cmdutil.Env) *cobra.Command {
	var local bool
	cmd := &cobra.Command{
		Use:   "signing-key",
		Short: "Show the public keys that deliveries are signed with",
		Long: "Show the public keys that deliveries are signed with, as JWKs (RFC 8037). With --local, show the key of this machine, which signs\n" +
			"samples, and polled runs that are sent on. The JSON is the response of the service as it came: {\"keys\": […]}.",
		Example: "lamina webhook signing-key\nlamina webhook signing-key --json > key.json\nlamina webhook signing-key --local --json > local.json",
		Args:    cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, raw, err := signingKeys(cmd.Context(), env, local)
			if err != nil {
				return err
			}
			return env.Printer.Data(raw, func(p *output.Page) {
				var rows [][]string
				for _, k := range keys.Keys {
					rows = append(rows, []string{k.Kid, k.Kty + " " + k.Crv, k.X})
				}
				p.Table([]string{"KEY", "TYPE", "X"}, rows)
			})
		},
	}
	cmd.Flags().BoolVar(&local, "local", false, "the key of this machine; nothing is sent")
	return cmd
}

func signingKeys(ctx context.Context, env *cmdutil.Env, local bool) (api.SigningKeys, json.RawMessage, error) {
	if local {
		key, err := localKey(ctx, env)
		if err != nil {
			return api.SigningKeys{}, nil, err
		}
		keys := publicKeys(key)
		raw, err := json.Marshal(keys)
		return keys, raw, err
	}
	client, err := env.Sessions.Client()
	if err != nil {
		return api.SigningKeys{}, nil, err
	}
	return client.SigningKeys(ctx)
}

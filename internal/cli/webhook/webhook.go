// Package webhook holds the commands that receive, keep, verify and send webhook deliveries.
package webhook

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/webhook/forward"
	"github.com/uselamina/lamina/internal/webhook/inbox"
)

// New returns the command webhook.
func New(env *cmdutil.Env) *cobra.Command {
	noun := cmdutil.NewNoun("webhook", "Receive the ends of runs on this machine, and test receivers", newListen(env), newList(env), newReplay(env),
		newVerify(env), newTrigger(env), newSigningKey(env), newStatus(env), newClear(env))
	noun.Aliases = []string{"webhooks"}
	return noun
}

// The defaults of the Node client's listener.
const (
	defaultHost = "127.0.0.1"
	defaultPort = 8788
	defaultPath = "/lamina/webhook"
)

// Files in the folder of an inbox, besides the deliveries.
const (
	keysFile    = "keys.json"    // the keys that the service published
	cursorFile  = "cursor.json"  // of --poll
	targetsFile = "targets.json" // the addresses of the last --forward-to
)

// openFolder returns the folder of the account's inbox, and creates it if it is missing.
func openFolder(env *cmdutil.Env) (string, error) {
	name, err := env.Sessions.InboxName()
	if err != nil {
		return "", err
	}
	return env.Sessions.Store().Folder("webhooks", name)
}

// readFolder returns the folder of the account's inbox, which may be missing.
func readFolder(env *cmdutil.Env) (string, error) {
	name, err := env.Sessions.InboxName()
	if err != nil {
		return "", err
	}
	home := env.Sessions.Store().Dir // "" if there is no home folder
	dir := filepath.Join(home, "webhooks", name)
	if _, err := os.Stat(dir); home != "" && errors.Is(err, fs.ErrNotExist) {
		return dir, nil
	}
	return openFolder(env)
}

// openInbox opens the inbox in a folder for adding.
func openInbox(dir string) (*inbox.Inbox, error) {
	box, err := inbox.Open(dir, inbox.Options{})
	return box, inboxError(err)
}

// inboxError describes an inbox that another process uses.
func inboxError(err error) error {
	if !errors.Is(err, inbox.ErrBusy) {
		return err
	}
	return &fail.Error{
		Code: fail.Busy, Message: "another lamina webhook command uses the inbox of this account", Err: err,
		Hint: "end that command, or use the inbox of another profile with --profile NAME",
	}
}

// localKeyFile is the file with the seed of the key that signs samples.
const localKeyFile = "webhook-local-key"

// localKey returns the private key with which this machine signs samples and polled runs. It creates the key if there is none.
func localKey(ctx context.Context, env *cmdutil.Env) (ed25519.PrivateKey, error) {
	store := env.Sessions.Store()
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // never fails
	raw, err := store.ReadOrWriteFile(ctx, localKeyFile, []byte(base64.StdEncoding.EncodeToString(seed)+"\n"))
	if err != nil {
		return nil, err
	}
	seed, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, &fail.Error{
			Code: fail.ConfigUnusable, Message: localKeyFile + " in " + store.Dir + " is not a key",
			Hint: "remove the file; a new key is created when it is needed",
		}
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// newSender returns what sends deliveries to the addresses that the user named.
func newSender(env *cmdutil.Env) (*forward.Sender, error) {
	client, err := env.Sessions.StorageClient()
	if err != nil {
		return nil, err
	}
	return &forward.Sender{
		HTTP: client, UserAgent: env.UserAgent(),
		OnRetry: func(url string, err error, after time.Duration) {
			env.Say("%s: %v; trying again in %s", short(url), err, after.Round(100*time.Millisecond))
		},
	}, nil
}

// checkTarget refuses an address to which no delivery is sent: http is for this machine only.
func checkTarget(flag, target string) error {
	if _, err := safeurl.Check(target); err != nil {
		return fail.Usage("use an address of this machine, such as http://127.0.0.1:3000/hook, or one with https", "%s: %v", flag, err)
	}
	return nil
}

// shortAll returns addresses without their queries.
func shortAll(targets []string) []string {
	all := []string{}
	for _, target := range targets {
		all = append(all, short(target))
	}
	return all
}

// short returns an address for output, without its query, which may be secret.
func short(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "the receiver"
	}
	return safeurl.Short(u)
}

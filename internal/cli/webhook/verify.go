package webhook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/term"
	"github.com/uselamina/lamina/internal/webhook"
	"github.com/uselamina/lamina/internal/webhook/listen"
)

// maxFile is the largest file of a delivery, in bytes.
const maxFile = 8 << 20

type verifyOptions struct {
	env     *cmdutil.Env
	message string // the file with the headers and the body
	headers string
	body    string
	at      string
	trust   trustOptions
	now     time.Time
}

// verified is the result of a successful verification.
type verified struct {
	Valid    bool      `json:"valid"`
	RunID    string    `json:"runId"`
	Status   string    `json:"status"`
	SignedAt time.Time `json:"signedAt"`
}

func newVerify(env *cmdutil.Env) *cobra.Command {
	opts := &verifyOptions{env: env}
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Check the signature of a saved delivery",
		Long: "Check the signature of a saved delivery. FILE has its headers, an empty line and its body; - is stdin. Or name a file for each.\n" +
			"Headers are lines of the form NAME: VALUE, or a JSON object. The body must have the bytes that arrived. With --key, nothing is\n" +
			"sent.",
		Example: "lamina webhook verify request.txt --key key.json\n" +
			"lamina webhook verify --headers headers.json --body body.json --at 2026-11-27T10:00:00Z\n" +
			"cat body.json | lamina webhook verify --headers headers.json --body -",
		Args: cmdutil.OptionalArg("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				opts.message = args[0]
			}
			if err := opts.validate(); err != nil {
				return err
			}
			return verify(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.headers, "headers", "", "read the headers from this `FILE`; - is stdin")
	f.StringVar(&opts.body, "body", "", "read the body from this `FILE`; - is stdin")
	f.StringVar(&opts.at, "at", "", "check the age of the signature at this `TIME`, RFC 3339 or Unix seconds (default: now)")
	opts.trust.add(f)
	return cmd
}

func (o *verifyOptions) validate() error {
	const hint = "lamina webhook verify --headers headers.txt --body body.json"
	switch {
	case o.message == "" && (o.headers == "" || o.body == ""):
		return fail.Usage(hint, "name a file with the headers and the body, or one of each with --headers and --body")
	case o.message != "" && (o.headers != "" || o.body != ""):
		return fail.Usage(hint, "FILE has the headers and the body: it cannot be combined with --headers and --body")
	case o.fromStdin() > 1:
		return fail.Usage("lamina webhook verify -", "stdin can be only one of the headers, the body and the keys")
	}
	if o.now = o.env.Now(); o.at == "" {
		return nil
	}
	if seconds, err := strconv.ParseInt(o.at, 10, 64); err == nil {
		o.now = time.Unix(seconds, 0)
		return nil
	}
	now, err := time.Parse(time.RFC3339, o.at)
	if err != nil {
		return fail.Usage("", "--at must look like 2026-01-31T08:00:00Z or 1769846400, not %q", o.at)
	}
	o.now = now
	return nil
}

// fromStdin returns how many of the inputs are stdin.
func (o *verifyOptions) fromStdin() (count int) {
	for _, file := range []string{o.message, o.headers, o.body, o.trust.file} {
		if file == "-" {
			count++
		}
	}
	return count
}

func verify(ctx context.Context, opts *verifyOptions) error {
	env := opts.env
	header, body, err := opts.read(ctx)
	if err != nil {
		return err
	}
	dir := ""
	if opts.trust.file == "" {
		if dir, err = readFolder(env); err != nil {
			return err
		}
	}
	keys, err := opts.trust.keys(ctx, env, dir)
	if err != nil {
		return err
	}
	event, err := keys.Open(ctx, header, body, opts.now)
	if unavailable := (*listen.UnavailableError)(nil); errors.As(err, &unavailable) {
		return unavailable.Err
	}
	if err != nil {
		e := &fail.Error{Code: fail.InvalidDelivery, Message: err.Error(), Err: err}
		e.Hint = opts.hint(ctx, keys, header, body, err)
		return e
	}
	seconds, _ := strconv.ParseInt(header.Get(webhook.HeaderTimestamp), 10, 64) // verified before
	result := verified{true, event.RunID, event.Status, time.Unix(seconds, 0).UTC()}
	return env.Print(result, func(p *output.Page) {
		p.Line("The signature is valid.")
		p.Fields("run", result.RunID, "status", result.Status, "signed", output.Moment(result.SignedAt))
	})
}

// hint returns what to do about a delivery that cannot be verified.
func (o *verifyOptions) hint(ctx context.Context, keys *listen.Keys, header http.Header, body []byte, err error) string {
	if stale := (*webhook.StaleError)(nil); errors.As(err, &stale) {
		return "for a delivery that was saved earlier, check it at its time, with --at " + stale.SignedAt.Format(time.RFC3339)
	}
	if !errors.Is(err, webhook.ErrSignature) {
		return ""
	}
	if _, err := keys.Open(ctx, header, bytes.TrimRight(body, "\r\n"), o.now); !errors.Is(err, webhook.ErrSignature) {
		return "the file ends with a line break that did not arrive: save the body without it, such as with printf %s"
	}
	return "check that the body is as it arrived, and the keys: " + o.env.Command("webhook", "signing-key")
}

// read returns the headers and the body of the delivery.
func (o *verifyOptions) read(ctx context.Context) (header http.Header, body []byte, err error) {
	if o.message != "" {
		raw, err := readBytes(ctx, o.env, o.message)
		if err != nil {
			return nil, nil, err
		}
		header, body, err = webhook.ParseMessage(raw)
		return header, body, unusable(o.message, err)
	}
	raw, err := o.env.ReadFile(ctx, o.headers)
	if err != nil {
		return nil, nil, cmp.Or(ctx.Err(), fail.Usage("", "could not read the headers: %v", err))
	}
	if header, err = webhook.ParseHeader(raw); err != nil {
		return nil, nil, unusable(o.headers, err)
	}
	body, err = readBytes(ctx, o.env, o.body)
	return header, body, err
}

func unusable(file string, err error) error {
	if err == nil {
		return nil
	}
	return fail.Usage("lamina webhook verify --help", "%s is not a saved delivery: %v", file, err)
}

// readBytes reads a file of a delivery, or stdin, without a change: a signature is one of bytes.
func readBytes(ctx context.Context, env *cmdutil.Env, file string) ([]byte, error) {
	raw, err := term.Await(ctx, func() ([]byte, error) {
		if file == "-" {
			return io.ReadAll(io.LimitReader(env.Streams.In, maxFile+1))
		}
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, maxFile+1))
	})
	if err == nil && len(raw) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", file, maxFile>>20)
	}
	if err != nil {
		return nil, cmp.Or(ctx.Err(), fail.Usage("", "could not read the delivery: %v", err))
	}
	return raw, nil
}

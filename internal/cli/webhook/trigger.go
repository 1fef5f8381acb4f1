package webhook

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/provider"
	"github.com/uselamina/lamina/internal/session"
	"github.com/uselamina/lamina/internal/webhook"
	"github.com/uselamina/lamina/internal/webhook/forward"
)

type triggerOptions struct {
	env          *cmdutil.Env
	target       string
	status       string
	body         string
	late         bool
	twice        bool
	badSignature bool
	platform     bool
}

// triggered is the result of a sample.
type triggered struct {
	RunID    string `json:"runId"`
	To       string `json:"to"`
	SignedBy string `json:"signedBy"` // local or platform
	Statuses []int  `json:"statuses"` // of the responses
}

func newTrigger(env *cmdutil.Env) *cobra.Command {
	opts := &triggerOptions{env: env}
	cmd := &cobra.Command{
		Use:   "trigger [URL]",
		Short: "Send a sample delivery to a receiver on this machine",
		Long: "Send a sample delivery to a receiver on this machine: by default to lamina webhook listen --trust-local. It is signed with the\n" +
			"key of this machine, which 'lamina webhook signing-key --local' prints, or with the key of lamina dev. A receiver must refuse\n" +
			"--late and --bad-signature, and must accept --twice: the command fails if it does otherwise.",
		Example: "lamina webhook trigger http://127.0.0.1:3000/hook\n" +
			"lamina webhook trigger --status failed --twice\n" +
			"lamina webhook trigger --platform --bad-signature http://127.0.0.1:3000/hook",
		Args: cmdutil.OptionalArg("URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.target = fmt.Sprintf("http://%s:%d%s", defaultHost, defaultPort, defaultPath)
			if len(args) > 0 {
				opts.target = args[0]
			}
			if err := opts.validate(cmd); err != nil {
				return err
			}
			return trigger(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.status, "status", string(api.Completed), "the `STATE` of the run: completed, failed or cancelled")
	f.StringVar(&opts.body, "body", "", "send the body in this `FILE` instead of a sample")
	f.BoolVar(&opts.late, "late", false, "sign it with a time 10 minutes ago")
	f.BoolVar(&opts.twice, "twice", false, "send it twice, as after a lost response")
	f.BoolVar(&opts.badSignature, "bad-signature", false, "change the body after it is signed")
	f.BoolVar(&opts.platform, "platform", false, "sign it with the key of the local platform (lamina dev)")
	_ = cmd.RegisterFlagCompletionFunc("status", complete.Words("completed", "failed", "cancelled"))
	return cmd
}

func (o *triggerOptions) validate(cmd *cobra.Command) error {
	if err := cmdutil.AtMostOne(cmd, "status", "body"); err != nil {
		return err
	}
	if err := checkTarget("URL", o.target); err != nil {
		return err
	}
	if u, err := url.Parse(o.target); err != nil || !safeurl.IsLoopback(u.Hostname()) {
		return fail.Usage("lamina webhook trigger http://127.0.0.1:3000/hook", "a sample is sent to this machine only (127.0.0.1, [::1] or localhost), not to %s", short(o.target))
	}
	if !api.Status(o.status).Final() {
		return fail.Usage("", "--status must be completed, failed or cancelled, not %q", o.status)
	}
	return nil
}

func trigger(ctx context.Context, opts *triggerOptions) error {
	env := opts.env
	body, id, err := opts.sample(ctx)
	if err != nil {
		return err
	}
	at := env.Now()
	if opts.late {
		at = at.Add(-2 * webhook.Tolerance)
	}
	message, signedBy, err := opts.signed(ctx, at, id, body)
	if err != nil {
		return err
	}
	if opts.badSignature {
		message.Body = append(append([]byte{}, body...), '\n') // the same JSON
	}
	sender, err := newSender(env)
	if err != nil {
		return err
	}
	result := triggered{RunID: id, To: short(opts.target), SignedBy: signedBy}
	for range opts.count() {
		status, _, err := sender.Once(ctx, opts.target, message)
		if err != nil {
			return &fail.Error{
				Code: fail.DeliveryFailed, Err: err, Message: fmt.Sprintf("could not send the sample to %s: %v", short(opts.target), err),
				Hint: opts.receiver(),
			}
		}
		result.Statuses = append(result.Statuses, status)
	}
	if err := opts.judge(result); err != nil {
		return err
	}
	return env.Print(result, func(p *output.Page) {
		p.Line("Sent a sample to %s, which answered %s.", result.To, strings.Trim(fmt.Sprint(result.Statuses), "[]"))
		p.Fields("run", id, "signed by", "the key of "+map[string]string{"local": "this machine", "platform": "the local platform"}[signedBy])
	})
}

// receiver returns the command that receives at the address of the sample.
func (o *triggerOptions) receiver() string {
	u, err := url.Parse(o.target)
	if err != nil || u.Scheme != "http" || u.Port() == "" {
		return "start the receiver"
	}
	args := []string{"webhook", "listen", "--trust-local"}
	if u.Port() != strconv.Itoa(defaultPort) {
		args = append(args, "--port", u.Port())
	}
	if u.Path != defaultPath {
		args = append(args, "--path", cmp.Or(u.Path, "/"))
	}
	return fail.CommandLine(args...) + " (starts a receiver there)"
}

func (o *triggerOptions) count() int {
	if o.twice {
		return 2
	}
	return 1
}

// judge returns an error if the receiver accepted what it must refuse, or the reverse.
func (o *triggerOptions) judge(result triggered) error {
	for n, status := range result.Statuses {
		isAccepted := status >= 200 && status <= 299
		e := &fail.Error{Code: fail.DeliveryFailed, RunID: result.RunID}
		switch {
		case isAccepted && o.badSignature:
			e.Message = fmt.Sprintf("the receiver accepted a body that was changed after it was signed (%d)", status)
			e.Hint = "verify the bytes of the body before you use them: https://github.com/uselamina/lamina/blob/main/docs/webhooks.md"
		case isAccepted && o.late:
			e.Message = fmt.Sprintf("the receiver accepted a delivery that was signed 10 minutes ago (%d): it can be replayed", status)
			e.Hint = "refuse a timestamp that is more than 5 minutes from now"
		case !isAccepted && !o.badSignature && !o.late && n > 0:
			e.Message = fmt.Sprintf("the receiver did not accept a repeated delivery (%d): the service would send it again", status)
			e.Hint = "answer 2xx to a delivery whose run you have seen"
		case status == http.StatusNotFound && !o.badSignature && !o.late:
			e.Message = fmt.Sprintf("the receiver has no address %s (404)", short(o.target))
			e.Hint = "check the path of the URL; that of lamina webhook listen is " + defaultPath
		case !isAccepted && !o.badSignature && !o.late:
			e.Message = fmt.Sprintf("the receiver did not accept the sample (%d)", status)
			e.Hint = "let it trust the key of this machine: lamina webhook signing-key --local, or lamina webhook listen --trust-local"
		default:
			continue
		}
		return e
	}
	return nil
}

// signed returns a signed message, and which key signed it.
func (o *triggerOptions) signed(ctx context.Context, at time.Time, id string, body []byte) (forward.Message, string, error) {
	if o.platform {
		message, err := o.signedByPlatform(ctx, at, id, body)
		return message, "platform", err
	}
	key, err := localKey(ctx, o.env)
	if err != nil {
		return forward.Message{}, "", err
	}
	return forward.Signed(key, at, id, body), "local", nil
}

// signedByPlatform lets the local platform sign a body. Its key never leaves it.
func (o *triggerOptions) signedByPlatform(ctx context.Context, at time.Time, id string, body []byte) (forward.Message, error) {
	client, err := o.env.Sessions.AnonymousClient(provider.Lamina())
	if err != nil {
		return forward.Message{}, err
	}
	if !session.IsLoopback(client.BaseURL) {
		return forward.Message{}, fail.Usage("lamina dev", "--platform needs the local platform, and %s is none", client.BaseURL)
	}
	call := api.Call{Method: http.MethodPost, Path: "/dev/webhooks/sign", Body: map[string]any{"timestamp": at.Unix(), "body": body}, Repeatable: true}
	got, err := client.Do(ctx, call)
	if err != nil {
		return forward.Message{}, err
	}
	var reply struct {
		Data struct{ Signature, Timestamp string } `json:"data"`
	}
	if err := got.Decode(call, &reply); err != nil {
		return forward.Message{}, err
	}
	return forward.WithSignature(reply.Data.Signature, reply.Data.Timestamp, id, body), nil
}

// sample returns the body of a delivery, and the id of its run.
func (o *triggerOptions) sample(ctx context.Context) (body []byte, id string, err error) {
	if o.body != "" {
		raw, err := readBytes(ctx, o.env, o.body)
		if err != nil {
			return nil, "", err
		}
		event, err := webhook.ParseEvent(raw)
		if err != nil {
			return nil, "", fail.Usage(`it should look like {"data": {"runId": "run-1", "status": "completed"}}`, "%s: %v", o.body, err)
		}
		return raw, event.RunID, nil
	}
	ended := o.env.Now().UTC().Truncate(time.Second)
	started := ended.Add(-2 * time.Second)
	run := api.Run{
		RunID: "sample-" + strings.ToLower(rand.Text()[:12]), WorkflowID: "sample", Status: api.Status(o.status), Outputs: []api.Output{},
		StartedAt: &started, CompletedAt: &ended, CreatedAt: started,
	}
	switch run.Status {
	case api.Completed:
		run.Outputs = []api.Output{{ID: "output-1", Label: "Text", Type: "text", Value: json.RawMessage(`"Hello"`), Status: "completed"}}
	default:
		reason := "a sample of a run that was " + o.status
		run.ErrorMessage = &reason
	}
	body, err = json.Marshal(map[string]any{"data": run})
	return body, run.RunID, err
}

// publicKeys returns the public key of this machine in the form of the API.
func publicKeys(key ed25519.PrivateKey) api.SigningKeys {
	jwk := webhook.NewJWK("local", key.Public().(ed25519.PublicKey))
	return api.SigningKeys{Keys: []api.SigningKey{api.SigningKey(jwk)}}
}

package publishing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cli/assetfile"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

type publishOptions struct {
	env *cmdutil.Env
	req api.Publish
	yes bool

	files []localFile
}

// A localFile is a file of this machine in place of a URL.
type localFile struct {
	file *assetfile.File
	url  *string // the field of the request
}

func newPublish(env *cmdutil.Env) *cobra.Command {
	opts := &publishOptions{env: env}
	cmd := &cobra.Command{
		Use:   "publish",
		Short: "Post an image, a video or a text to channels",
		Long: "Post an image, a video or a text to channels. On a terminal, the command asks before it posts; elsewhere --yes is required.\n\n" +
			"A URL may be @FILE: then the file is uploaded first. A post is never sent twice: if the answer is lost, the command says so, and\n" +
			"'lamina publishing history' shows what was published.",
		Example: "lamina publishing publish --account-id chn_atelier_linkedin --caption \"We are open\"\n" +
			"lamina publishing publish --account-id chn_atelier_instagram --image-url @photo.jpg --caption \"Spring\" --yes",
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.validate(); err != nil {
				return err
			}
			return publish(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&opts.req.AccountIDs, "account-id", nil, "post to the channel with this `ID`; repeat the flag for more channels")
	f.StringVar(&opts.req.ImageURL, "image-url", "", "post the image at this `URL`, or in a file: @FILE")
	f.StringVar(&opts.req.VideoURL, "video-url", "", "post the video at this `URL`, or in a file: @FILE")
	f.StringVar(&opts.req.Caption, "caption", "", "post this `TEXT`")
	f.BoolVar(&opts.yes, "yes", false, "do not ask for a confirmation")
	_ = cmd.RegisterFlagCompletionFunc("account-id", complete.Channels(env))
	_ = cmd.RegisterFlagCompletionFunc("image-url", complete.URLs)
	_ = cmd.RegisterFlagCompletionFunc("video-url", complete.URLs)
	return cmd
}

func (o *publishOptions) validate() error {
	ids := slices.Compact(slices.Sorted(slices.Values(o.req.AccountIDs)))
	switch {
	case len(ids) == 0:
		return fail.Usage("lamina publishing channels", "name a channel with --account-id; nothing was posted")
	case len(ids) < len(o.req.AccountIDs):
		return fail.Usage("", "a channel is named twice; nothing was posted")
	case slices.Contains(ids, ""):
		return fail.Usage("lamina publishing channels", "--account-id must not be empty; nothing was posted")
	case o.req.ImageURL == "" && o.req.VideoURL == "" && strings.TrimSpace(o.req.Caption) == "":
		return fail.Usage("", "there is nothing to post: use --image-url, --video-url or --caption")
	}
	for _, media := range []struct {
		flag, kind string
		url        *string
	}{{"--image-url", "image", &o.req.ImageURL}, {"--video-url", "video", &o.req.VideoURL}} {
		if err := o.checkMedia(media.flag, media.kind, media.url); err != nil {
			return err
		}
	}
	return nil
}

// checkMedia checks the URL of a flag, or the file that stands in its place.
func (o *publishOptions) checkMedia(flag, kind string, value *string) error {
	path, isFile := strings.CutPrefix(*value, "@")
	switch {
	case *value == "":
		return nil
	case *value == "@":
		return fail.Usage("", "%s: name a file after the @", flag)
	case !isFile:
		return checkURL(flag, *value)
	}
	file, err := assetfile.Inspect(path, "", "")
	if err == nil && file.Kind != kind {
		err = fmt.Errorf("is %s, not %s", file.ContentType, kind)
	}
	if err != nil {
		return fail.Usage("", "%s: %s %v; nothing was posted", flag, path, err)
	}
	o.files = append(o.files, localFile{file: file, url: value})
	return nil
}

// checkURL checks that the value of a flag or an argument is a URL.
func checkURL(name, value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fail.Usage("lamina assets upload FILE", "%s must be an http or https URL, not %q; a file of this machine must be uploaded first", name, value)
	}
	return nil
}

// pathOf returns the path of a URL.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path
}

func publish(ctx context.Context, opts *publishOptions) error {
	env := opts.env
	client, err := env.Sessions.Client()
	if err != nil {
		return err
	}
	again := env.Command(append(slices.Clone(env.Args), "--yes")...)
	if err := env.Confirm(ctx, opts.question(ctx, client), opts.yes, again); err != nil {
		return err
	}
	if err := opts.upload(ctx); err != nil {
		return err
	}
	reply, err := client.Publish(ctx, opts.req)
	if err != nil {
		return fail.Lost(err, "publishing", "the post may be out: check before you publish it again", "lamina publishing history")
	}
	results := reply.Data.Results
	if failed := failures(results); len(failed) < len(results) || len(results) == 0 {
		err = env.Printer.Data(reply.Raw, func(p *output.Page) { writeResults(p, results, env.Command("publishing", "history")) })
		if err != nil {
			return err
		}
	}
	return publishError(results)
}

// question asks whether to post. The channels are named, if the service names them; only a user who is asked needs that.
func (o *publishOptions) question(ctx context.Context, client *api.Client) string {
	names := slices.Clone(o.req.AccountIDs)
	if !o.yes && o.env.MayPrompt() {
		if reply, err := client.Channels(ctx); err == nil {
			complete.CacheChannels(o.env, reply.Data)
			for _, c := range reply.Data {
				if i := slices.Index(names, string(c.ID)); i >= 0 {
					names[i] = fmt.Sprintf("%s on %s", c.AccountName, c.Platform)
				}
			}
		}
	}
	what := []string{}
	for _, part := range []string{o.req.ImageURL, o.req.VideoURL} {
		if part != "" {
			what = append(what, part)
		}
	}
	if o.req.Caption != "" {
		what = append(what, output.Quote(output.Cut(o.req.Caption, 80)))
	}
	return fmt.Sprintf("Post %s to %s?", strings.Join(what, " and "), strings.Join(names, ", "))
}

// upload uploads the files that stand in place of URLs.
func (o *publishOptions) upload(ctx context.Context) error {
	if len(o.files) == 0 {
		return nil
	}
	var files []*assetfile.File
	for _, f := range o.files {
		files = append(files, f.file)
	}
	urls, err := assetfile.URLs(ctx, o.env, files)
	if err != nil {
		return err
	}
	for i, f := range o.files {
		*f.url = urls[i]
	}
	return nil
}

func failures(results []api.PublishResult) (failed []api.PublishResult) {
	for _, r := range results {
		if r.Failed() {
			failed = append(failed, r)
		}
	}
	return failed
}

func writeResults(p *output.Page, results []api.PublishResult, history string) {
	if len(results) == 0 {
		p.Line("The service took the post, and names no channel. See what was published with: %s", history)
	}
	for _, r := range results {
		name := strings.TrimSpace(fmt.Sprintf("%s %s", cmp.Or(r.AccountName, r.AccountID), r.Platform))
		if r.Failed() {
			p.Line("%s %s: %s", p.Bad("Not posted"), name, cmp.Or(r.Error, r.Status))
			continue
		}
		p.Line("%s %s", p.Good("Posted"), name)
		if r.PostURL != "" {
			p.Line("  %s", p.Bold(string(r.PostURL)))
		}
	}
}

// publishError returns the error for the channels that did not take the post; nil if all did.
func publishError(results []api.PublishResult) error {
	failed := failures(results)
	if len(failed) == 0 {
		return nil
	}
	var details []api.Detail
	for _, r := range failed {
		field := string(cmp.Or(r.AccountName, r.AccountID))
		if r.Platform != "" {
			field += " on " + string(r.Platform)
		}
		details = append(details, api.Detail{Field: field, Message: string(cmp.Or(r.Error, "was not posted"))})
	}
	return &fail.Error{
		Code: fail.PublishFailed, Message: fmt.Sprintf("%d of %d channels did not take the post", len(failed), len(results)),
		Details: details, Hint: "lamina publishing history", Err: errors.New("not all channels took the post"),
	}
}

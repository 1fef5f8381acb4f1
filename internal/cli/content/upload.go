package content

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// upload uploads a file as an asset and returns its URL. The storage host gets no credential.
func upload(ctx context.Context, env *cmdutil.Env, client *api.Client, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	media, err := mediaOf(f)
	if err != nil {
		return "", err
	}
	call := api.Call{
		Method: http.MethodPost, Path: "/v1/assets/upload-urls",
		Body: api.UploadFiles{Files: []api.UploadFile{{Filename: filepath.Base(path), MediaType: media}}},
	}
	got, err := client.Do(ctx, call)
	if err != nil {
		return "", err
	}
	var reply struct{ Data api.UploadURLs }
	if err := got.Decode(call, &reply); err != nil {
		return "", err
	}
	if len(reply.Data.Uploads) != 1 {
		return "", got.Unexpected(call, "the response has no upload address", nil)
	}
	return reply.Data.Uploads[0].AssetURL, put(ctx, env, f, reply.Data.Uploads[0])
}

// mediaOf returns image, video or audio by the content of a file.
func mediaOf(f *os.File) (string, error) {
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if n == 0 {
		return "", fail.Usage("choose another file", "%s cannot be uploaded: %v", output.Quote(f.Name()), err)
	}
	media, _, _ := strings.Cut(http.DetectContentType(head[:n]), "/")
	switch media {
	case "image", "video", "audio":
		_, err = f.Seek(0, io.SeekStart)
		return media, err
	}
	return "", fail.Usage("choose another file", "%s is neither a picture nor a video nor a sound", output.Quote(f.Name()))
}

// put sends the bytes of a file to its presigned address.
func put(ctx context.Context, env *cmdutil.Env, f *os.File, to api.Upload) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	storage, err := env.Sessions.StorageClient()
	if err != nil {
		return err
	}
	storage.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to.UploadURL, f)
	if err != nil {
		return fmt.Errorf("could not create the request: %w", err)
	}
	req.ContentLength = info.Size()
	req.Header.Set("Content-Type", to.ContentTypeHint)
	resp, err := storage.Do(req)
	if err != nil {
		return api.Unreachable(ctx, req.URL.Scheme+"://"+req.URL.Host, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return &fail.Error{Code: fail.UploadFailed, Message: fmt.Sprintf("the storage at %s refused %s: %s", req.URL.Host, output.Quote(f.Name()), resp.Status), Hint: "try it again"}
	}
	env.Say("Uploaded %s", f.Name())
	return nil
}

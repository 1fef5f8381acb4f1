package fail

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/transfer"
)

// describeUpload describes an upload that the host of a presigned URL did not take. Nobody but that host knows why, so its words
// are repeated.
func (c Context) describeUpload(err error) (Failure, bool) {
	var source *transfer.SourceError
	var refused *transfer.UploadError
	switch {
	case errors.As(err, &source):
		return newFailure(UploadFailed, "could not read the file: "+source.Error(), ""), true
	case !errors.As(err, &refused):
		return Failure{}, false
	case refused.Status == 0:
		return c.describe(api.Unreachable(context.Background(), refused.Host, refused.Err)), true
	case refused.Status == http.StatusTooManyRequests:
		f := newFailure(RateLimited, refused.Error(), "")
		if refused.After > 0 {
			f.Message += " (retry in " + refused.After.Round(time.Second).String() + ")"
		}
		return f.retryable(), true
	case refused.Status >= 500:
		return newFailure(ServerError, refused.Error(), "").retryable(), true
	}
	return newFailure(UploadFailed, refused.Error(), ""), true
}

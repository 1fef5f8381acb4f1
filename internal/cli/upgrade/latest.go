package upgrade

import (
	"context"
	"net/http"
	"path"
	"regexp"

	"github.com/uselamina/lamina/internal/fail"
)

// latest returns the version of the latest release: the page redirects to the one of its tag. The request has no credential and no name
// of this program.
func latest(ctx context.Context, client *http.Client, page string) (version string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, page, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", "")
	once := *client
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := once.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err == nil {
		found := regexp.MustCompile(`^v(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$`).FindStringSubmatch(path.Base(to.Path))
		if found != nil {
			return found[1], nil
		}
	}
	return "", &fail.Error{
		Code: fail.Unexpected, Message: "the page of the releases does not name the latest one (" + resp.Status + ")",
		Hint: "open " + page, Err: err,
	}
}

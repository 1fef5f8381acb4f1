package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A Document is a response of any media type. The caller must close Body.
type Document struct {
	Status int
	Header http.Header
	// Body is the response as it came. A read fails with an *UnreachableError if the response is cut off.
	Body io.ReadCloser
	// Refusal is the error of a status that is not a success; Body is the text of the refusal then.
	Refusal error
}

// Fetch sends a call, and repeats it as Do does, but judges neither the media type nor the body. The time limit of the call is for the
// time until the header of the response, and every pause after it. The errors are those of Do, without refusals.
func (c *Client) Fetch(ctx context.Context, req Call) (*Document, error) {
	var got *Document
	err := c.retried(ctx, req, func() (err error) {
		if got, err = c.fetchOnce(ctx, req); err != nil {
			return err
		}
		return got.Refusal
	})
	if got != nil && got.Refusal != nil && errors.Is(err, got.Refusal) {
		return got, nil
	}
	return got, err
}

func (c *Client) fetchOnce(ctx context.Context, req Call) (*Document, error) {
	pause := c.timeLimit(req)
	ctx, cancel := context.WithCancelCause(ctx)
	watchdog := time.AfterFunc(pause, func() { cancel(errSilence) })
	resp, err := c.exchange(ctx, req) //nolint:bodyclose // the body of the Document closes it
	if err != nil {
		watchdog.Stop()
		cancel(nil)
		return nil, err
	}
	pause = max(pause, silenceTimeout)
	watchdog.Reset(pause)
	body := &documentBody{
		Reader: &watchedReader{resp.Body, func() { watchdog.Reset(pause) }},
		cut: func(err error) error {
			return cutOff(ctx, c.BaseURL, fmt.Errorf("the response was cut off: %w", err))
		},
		close: func() error {
			watchdog.Stop()
			defer cancel(nil)
			return resp.Body.Close()
		},
	}
	got := &Document{Status: resp.StatusCode, Header: resp.Header, Body: body}
	if resp.StatusCode >= 300 {
		defer body.Close()
		got.Body, got.Refusal = c.readRefusal(req, resp, body)
	}
	return got, nil
}

// readRefusal reads the body of a refusal, which it returns with the error. The status decides, whatever the body is.
func (c *Client) readRefusal(req Call, resp *http.Response, body io.Reader) (io.ReadCloser, error) {
	raw, _ := io.ReadAll(io.LimitReader(body, maxBody)) // what arrived of a body that is cut off is better than nothing
	copied := io.NopCloser(bytes.NewReader(raw))
	if resp.StatusCode < 400 {
		resp.Body = io.NopCloser(bytes.NewReader(raw))
		return copied, c.refusal(req, resp)
	}
	e, _ := c.ReadRefusal(req, resp.StatusCode, resp.Header, raw)
	return copied, e
}

// A documentBody is the body of a Document.
type documentBody struct {
	io.Reader
	cut   func(error) error
	close func() error
}

// Read reads a part of the body.
func (b *documentBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // io.Reader demands io.EOF itself
		err = b.cut(err)
	}
	return n, err
}

// Close ends the request.
func (b *documentBody) Close() error { return b.close() }

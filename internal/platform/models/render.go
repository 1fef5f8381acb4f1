package models

import (
	"context"
	"image"

	"github.com/uselamina/lamina/internal/platform/apps"
)

// picture draws a picture and returns it as a PNG file.
func picture(ctx context.Context, job apps.Job, size image.Point, description string, draw func() (*image.RGBA, error)) (apps.Result, error) {
	img, err := draw()
	if err != nil {
		return apps.Result{}, err
	}
	if err := job.Progress(ctx, 0.7); err != nil {
		return apps.Result{}, err
	}
	file, err := apps.EncodePNG(img)
	return apps.Result{Bytes: file, MimeType: "image/png", Size: size, Description: description}, err
}

// perSecond is the number of frames in a second of a video.
const perSecond = 8

// video draws the frames of a video, at times from 0 to 1, and returns it as an MP4 file.
func video(ctx context.Context, job apps.Job, size image.Point, seconds int, description string, draw func(time float64) *image.RGBA) (apps.Result, error) {
	var frames []*image.RGBA
	count := seconds * perSecond
	for i := range count {
		if i%perSecond == 0 {
			if err := job.Progress(ctx, float64(i)/float64(count)); err != nil {
				return apps.Result{}, err
			}
		}
		if err := ctx.Err(); err != nil {
			return apps.Result{}, err
		}
		frames = append(frames, draw(float64(i)/float64(count)))
	}
	return apps.Result{
		Bytes: encodeMP4(frames, perSecond), MimeType: "video/mp4", Size: size, DurationSeconds: float64(seconds), Description: description,
	}, nil
}

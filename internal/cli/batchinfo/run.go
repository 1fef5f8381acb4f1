package batchinfo

import (
	"context"
	"time"

	"github.com/uselamina/lamina/internal/batch/engine"
	"github.com/uselamina/lamina/internal/cmdutil"
)

// printInterval is how often the function of Run is called.
const printInterval = 100 * time.Millisecond

// Run carries out a batch and shows its progress. each is called several times a second, and once after the end; nil means nothing is.
// Its first error ends the batch, and is returned.
func Run(ctx context.Context, env *cmdutil.Env, e *engine.Engine, each func(*Screen) error) (r engine.Result, err error) {
	screen := NewScreen(env)
	defer screen.Stop()
	if each == nil {
		each = func(*Screen) error { return nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan engine.Result, 1)
	go func() { ended <- e.Run(ctx) }()
	shows, prints := time.NewTicker(Interval), time.NewTicker(printInterval)
	defer shows.Stop()
	defer prints.Stop()
	for {
		select {
		case r = <-ended:
			if err == nil {
				err = each(screen)
			}
			return r, err
		case <-shows.C:
			screen.Show(e.Snapshot())
		case <-prints.C:
			if err == nil {
				err = each(screen)
			}
			if err != nil {
				cancel()
			}
		}
	}
}

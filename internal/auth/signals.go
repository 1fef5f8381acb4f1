package auth

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// holdSignals delays the signals that would end the process until release. A program that handles them with
// signal.NotifyContext still receives them at once, and must call Session.Wait before it exits. release raises a held signal
// again if the program has not handled it, which holdSignals sees from ctx.
func holdSignals(ctx context.Context) (release func()) {
	held := make(chan os.Signal, 1)
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) { // as under nohup
			signal.Notify(held, sig)
		}
	}
	return func() {
		signal.Stop(held)
		select {
		case sig := <-held:
			if self, err := os.FindProcess(os.Getpid()); err == nil && ctx.Err() == nil {
				_ = self.Signal(sig)
			}
		default:
		}
	}
}

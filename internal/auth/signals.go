package auth

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// holdSignals makes the signals that would end the process wait until release. What a program that watches for them
// (signal.NotifyContext) receives is not held: it must end by way of Source.Wait. If nobody has noticed the signal by
// then, which shows in ctx, it is raised again; a hangup always, because few watch for it.
func holdSignals(ctx context.Context) (release func()) {
	held := make(chan os.Signal, 1)
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) { // nohup must stay nohup
			signal.Notify(held, sig)
		}
	}
	return func() {
		signal.Stop(held)
		select {
		case sig := <-held:
			if self, err := os.FindProcess(os.Getpid()); err == nil && (ctx.Err() == nil || sig == syscall.SIGHUP) {
				_ = self.Signal(sig)
			}
		default:
		}
	}
}

// Command worker carries out the shards of Lamina batches for a Temporal service.
package main

import (
	"cmp"
	"errors"
	"log"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	batches "example.com/batches"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	if os.Getenv("LAMINA_API_KEY") == "" {
		return errors.New("set LAMINA_API_KEY: the shards need a key")
	}
	c, err := client.Dial(client.Options{
		HostPort:  cmp.Or(os.Getenv("TEMPORAL_ADDRESS"), client.DefaultHostPort),
		Namespace: cmp.Or(os.Getenv("TEMPORAL_NAMESPACE"), client.DefaultNamespace),
	})
	if err != nil {
		return err
	}
	defer c.Close()
	w := worker.New(c, batches.TaskQueue, worker.Options{
		MaxConcurrentActivityExecutionSize: 8,                // shards on this machine
		WorkerStopTimeout:                  15 * time.Second, // the shards stop within 10
	})
	w.RegisterWorkflow(batches.Batch)
	w.RegisterActivity(batches.RunShard)
	return w.Run(worker.InterruptCh())
}

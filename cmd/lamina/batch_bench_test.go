//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// BenchmarkBatchDispatch carries out a batch, and starts as many runs by a bare loop that stores nothing and follows no run, with the same
// number of requests at once. "of-bare" is the part of the loop's speed that the whole command reaches. In /dev/shm, flushes cost nothing:
// set TMPDIR to compare disks.
func BenchmarkBatchDispatch(b *testing.B) {
	for _, latency := range []time.Duration{0, 10 * time.Millisecond, 100 * time.Millisecond} {
		b.Run(latency.String(), func(b *testing.B) {
			items := 20_000
			if latency > 0 {
				items = min(items, int(30*time.Second*16/latency))
			}
			var batch, bare time.Duration
			for b.Loop() {
				k := newKilledBatch(b, batchLoad{items: items, shards: 1}, "ignored", "--latency", latency.String())
				k.plan()
				began := time.Now()
				if out, err := k.command("batch", "run", "batch", "--quiet").CombinedOutput(); err != nil {
					b.Fatalf("%v: %s", err, out)
				}
				batch += time.Since(began)
				bare += k.startBare()
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(bare)/float64(batch), "of-bare")
			b.ReportMetric(float64(items*b.N)/batch.Seconds(), "starts/s")
		})
	}
}

// startBare starts a run for each item, 16 at once, and returns how long that took.
func (b *killedBatch) startBare() time.Duration {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	items := make(chan int)
	var clients sync.WaitGroup
	began := time.Now()
	for range 16 {
		clients.Go(func() {
			for i := range items {
				body, _ := json.Marshal(object{"inputs": object{"text": itemID(i)}})
				req, _ := http.NewRequest(http.MethodPost, b.dev.BaseURL+"/v1/apps/noop/runs", bytes.NewReader(body))
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("x-api-key", b.dev.APIKey)
				resp, err := client.Do(req)
				if err != nil {
					b.t.Error(err)
					continue
				}
				var reply struct{ Data struct{ RunID string } }
				err = json.NewDecoder(resp.Body).Decode(&reply)
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if err != nil || reply.Data.RunID == "" {
					b.t.Error(fmt.Errorf("%s, %w", resp.Status, err))
				}
			}
		})
	}
	for i := range b.load.items {
		items <- i
	}
	close(items)
	clients.Wait()
	return time.Since(began)
}

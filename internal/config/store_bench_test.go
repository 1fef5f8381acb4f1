package config

import (
	"context"
	"testing"
)

// The benchmarks measure the costs of a command: every command loads the document; only a change takes a lock and writes.

func BenchmarkLoad(b *testing.B) {
	s := benchStore(b)
	for b.Loop() {
		if _, err := s.Load(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLock(b *testing.B) {
	s := benchStore(b)
	for b.Loop() {
		unlock, err := s.Lock(context.Background(), documentLock)
		if err != nil {
			b.Fatal(err)
		}
		unlock()
	}
}

func BenchmarkUpdate(b *testing.B) {
	s := benchStore(b)
	for b.Loop() {
		if err := s.Update(context.Background(), addKey("a")); err != nil {
			b.Fatal(err)
		}
	}
}

func benchStore(b *testing.B) *Store {
	s := &Store{Dir: b.TempDir()}
	if err := s.Update(context.Background(), addKey("a")); err != nil {
		b.Fatal(err)
	}
	return s
}

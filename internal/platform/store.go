package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// A store is the platform's state: named buckets of keys and values, held in memory and, where a file was named,
// written to it before an update returns. Updates are atomic and happen one at a time. The same file holds what is in
// media, which the store leaves alone.
type store struct {
	mu      sync.RWMutex
	buckets map[string]map[string][]byte
	db      *bbolt.DB // nil: memory only
}

// openStore opens the state in file, or an empty one in memory if file is "".
func openStore(file string) (*store, error) {
	st := &store{buckets: map[string]map[string][]byte{}}
	if file == "" {
		return st, nil
	}
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{Timeout: time.Second})
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return nil, fmt.Errorf("the data file %s is in use, perhaps by another lamina dev: %w", file, err)
	}
	if err != nil {
		return nil, fmt.Errorf("could not open the data file %s: %w", file, err)
	}
	st.db = db
	if err := os.Chmod(file, 0o600); err != nil { // an older file may be open to others
		_ = db.Close()
		return nil, fmt.Errorf("could not protect the data file %s: %w", file, err)
	}
	err = db.View(func(btx *bbolt.Tx) error {
		return btx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			if string(name) == bucketMedia {
				return nil
			}
			bucket := map[string][]byte{}
			st.buckets[string(name)] = bucket
			return b.ForEach(func(k, v []byte) error {
				bucket[string(k)] = slices.Clone(v)
				return nil
			})
		})
	})
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("could not read the data file %s: %w", file, err)
	}
	return st, nil
}

// close releases the file.
func (st *store) close() error {
	if st.db == nil {
		return nil
	}
	return st.db.Close()
}

// view runs fn on a consistent state that it must not change.
func (st *store) view(fn func(tx *tx)) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	fn(&tx{st: st})
}

// update runs fn and makes all of its changes, durably, or (if fn or the disk fails) none.
func (st *store) update(fn func(tx *tx) error) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	t := &tx{st: st, changes: map[string]map[string][]byte{}}
	if err := fn(t); err != nil {
		return err
	}
	if err := st.persist(t.changes); err != nil {
		return err
	}
	for name, changes := range t.changes {
		if st.buckets[name] == nil {
			st.buckets[name] = map[string][]byte{}
		}
		for k, v := range changes {
			if v == nil {
				delete(st.buckets[name], k)
			} else {
				st.buckets[name][k] = v
			}
		}
	}
	return nil
}

func (st *store) persist(changes map[string]map[string][]byte) error {
	if st.db == nil || len(changes) == 0 {
		return nil
	}
	return st.db.Update(func(btx *bbolt.Tx) error {
		for name, keys := range changes {
			b, err := btx.CreateBucketIfNotExists([]byte(name))
			if err != nil {
				return err
			}
			for k, v := range keys {
				if v == nil {
					err = b.Delete([]byte(k))
				} else {
					err = b.Put([]byte(k), v)
				}
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// A tx reads the store and, inside update, changes it.
type tx struct {
	st      *store
	changes map[string]map[string][]byte // a nil value deletes; nil map: read only
}

// bytes returns the value of a key, which must not be modified, or nil.
func (t *tx) bytes(bucket, key string) []byte {
	if v, ok := t.changes[bucket][key]; ok {
		return v
	}
	return t.st.buckets[bucket][key]
}

// putBytes sets a key to a value that the store then owns.
func (t *tx) putBytes(bucket, key string, v []byte) {
	if t.changes[bucket] == nil {
		t.changes[bucket] = map[string][]byte{}
	}
	t.changes[bucket][key] = v
}

// remove deletes a key, if it is there.
func (t *tx) remove(bucket, key string) { t.putBytes(bucket, key, nil) }

// keys returns the keys of a bucket in order.
func (t *tx) keys(bucket string) []string {
	set := maps.Clone(t.st.buckets[bucket])
	if set == nil {
		set = map[string][]byte{}
	}
	maps.Copy(set, t.changes[bucket])
	maps.DeleteFunc(set, func(_ string, v []byte) bool { return v == nil })
	return slices.Sorted(maps.Keys(set))
}

// get returns the record at a key. The state is our own, so a record that does not decode is a bug and panics.
func get[T any](t *tx, bucket, key string) (T, bool) {
	var v T
	raw := t.bytes(bucket, key)
	if raw == nil {
		return v, false
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		panic(fmt.Sprintf("platform: record %s/%s: %v", bucket, key, err))
	}
	return v, true
}

// put stores a record at a key.
func put[T any](t *tx, bucket, key string, v T) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("platform: record %s/%s: %v", bucket, key, err))
	}
	t.putBytes(bucket, key, raw)
}

// list returns every record of a bucket in the order of their keys.
func list[T any](t *tx, bucket string) []T {
	var all []T
	for _, key := range t.keys(bucket) {
		v, _ := get[T](t, bucket, key)
		all = append(all, v)
	}
	return all
}

package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"go.etcd.io/bbolt"
)

// A Store is the state of the platform: named buckets of keys and values. It is held in memory. With a data file,
// an update is written to the file before it returns. Updates are atomic and run one at a time.
//
// The data file also holds the contents of files (see Files), which a Store does not load.
type Store struct {
	mu      sync.RWMutex
	buckets map[string]map[string][]byte
	db      *bbolt.DB // nil: memory only
}

// OpenStore opens the state in file, or an empty state in memory if file is "". It fails with a *DataFileError.
func OpenStore(file string) (*Store, error) {
	st := &Store{buckets: map[string]map[string][]byte{}}
	if file == "" {
		return st, nil
	}
	var err error
	st.db, err = openDataFile(file, func(db *bbolt.DB) error {
		st.buckets, err = readBuckets(db)
		return err
	})
	if err != nil {
		return nil, err
	}
	return st, nil
}

// Close releases the data file.
func (st *Store) Close() error {
	if st.db == nil {
		return nil
	}
	return st.db.Close()
}

// View runs fn on a consistent state, which fn must not change.
func (st *Store) View(fn func(tx *Tx)) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	fn(&Tx{st: st})
}

// Update runs fn and makes all of its changes durable. If fn or the disk fails, it makes none of them.
func (st *Store) Update(fn func(tx *Tx) error) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	t := &Tx{st: st, changes: map[string]map[string][]byte{}}
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
	for _, fn := range t.committed {
		fn()
	}
	return nil
}

func (st *Store) persist(changes map[string]map[string][]byte) error {
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

// A Tx reads the store. Inside Update it also changes it.
type Tx struct {
	st      *Store
	changes map[string]map[string][]byte // a nil value deletes; nil map: read only

	committed []func()
}

// OnCommit runs fn when the changes of this update are durable, before anything else reads the store. It keeps an index in memory equal
// to the records that it is made from: readers of the index call View or Update.
func (t *Tx) OnCommit(fn func()) { t.committed = append(t.committed, fn) }

// Bytes returns the value of a key, or nil if there is none. The caller must not modify it.
func (t *Tx) Bytes(bucket, key string) []byte {
	if v, ok := t.changes[bucket][key]; ok {
		return v
	}
	return t.st.buckets[bucket][key]
}

// PutBytes sets the value of a key. The store takes ownership of the value.
func (t *Tx) PutBytes(bucket, key string, v []byte) {
	if t.changes[bucket] == nil {
		t.changes[bucket] = map[string][]byte{}
	}
	t.changes[bucket][key] = v
}

// Remove deletes a key, if it exists.
func (t *Tx) Remove(bucket, key string) { t.PutBytes(bucket, key, nil) }

// Len returns the number of records of a bucket, without the changes of this update.
func (t *Tx) Len(bucket string) int { return len(t.st.buckets[bucket]) }

// Keys returns the keys of a bucket in ascending order.
func (t *Tx) Keys(bucket string) []string {
	set := maps.Clone(t.st.buckets[bucket])
	if set == nil {
		set = map[string][]byte{}
	}
	maps.Copy(set, t.changes[bucket])
	maps.DeleteFunc(set, func(_ string, v []byte) bool { return v == nil })
	return slices.Sorted(maps.Keys(set))
}

// NextOrder returns a key that sorts after all keys that NextOrder returned before.
func (t *Tx) NextOrder() string {
	n, _ := Get[int64](t, bucketServer, "order")
	Put(t, bucketServer, "order", n+1)
	return fmt.Sprintf("%016d", n+1)
}

// A RecordError means that a record has not the form that this program writes.
type RecordError struct {
	Bucket, Key string
	Err         error
}

// Error names the record.
func (e *RecordError) Error() string {
	return fmt.Sprintf("platform: record %s/%s: %v", e.Bucket, e.Key, e.Err)
}

// Get returns the record at a key. Only this program writes records, so a record that does not decode panics with a *RecordError.
func Get[T any](t *Tx, bucket, key string) (T, bool) {
	var v T
	raw := t.Bytes(bucket, key)
	if raw == nil {
		return v, false
	}
	return Decode[T](bucket, key, raw), true
}

// Decode decodes a record that Bytes returned. It needs no View: a page of many records does not keep others from writing.
func Decode[T any](bucket, key string, raw []byte) (v T) {
	if err := json.Unmarshal(raw, &v); err != nil {
		panic(&RecordError{bucket, key, err})
	}
	return v
}

// Put stores a record at a key.
func Put[T any](t *Tx, bucket, key string, v T) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("platform: record %s/%s: %v", bucket, key, err))
	}
	t.PutBytes(bucket, key, raw)
}

// List returns every record of a bucket in the order of their keys.
func List[T any](t *Tx, bucket string) []T {
	var all []T
	for _, key := range t.Keys(bucket) {
		v, _ := Get[T](t, bucket, key)
		all = append(all, v)
	}
	return all
}

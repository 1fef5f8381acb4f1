package disk_test

import "testing"

// irregular returns paths of files that are no regular ones.
func irregular(t *testing.T) map[string]string { return map[string]string{"folder": t.TempDir()} }

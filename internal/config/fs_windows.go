package config

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// On Windows the profile folder's access list keeps other users out; permission bits say nothing.
const chmodMatters = false

func makePrivate(string) (wasOpen bool, err error) { return false, nil }

func ownedByFriend(os.FileInfo) bool { return true } // the access list keeps others from writing

func adopt(string, string) {}

// rename tries again while a virus scanner or an indexer holds the file, for about a second.
func rename(from, to string) error {
	for delay := 5 * time.Millisecond; ; delay *= 2 {
		err := os.Rename(from, to)
		busy := errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION) ||
			errors.Is(err, windows.ERROR_LOCK_VIOLATION)
		if !busy || delay > 500*time.Millisecond {
			return err
		}
		time.Sleep(delay)
	}
}

func syncDir(string) error { return nil }

package doctor

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/session"
)

// checkConfig examines the configuration folder and its files.
func checkConfig(_ context.Context, e *examination) Finding {
	if f, isBad := e.checkVariables(); isBad {
		return f
	}
	if e.store.Dir == "" {
		return warn("export LAMINA_CONFIG_DIR=FOLDER", "HOME is not set to an absolute path: there is no home folder, so a sign-in cannot be saved; LAMINA_API_KEY works")
	}
	if _, err := e.store.Load(); err != nil {
		return e.describe(err)
	}
	found := e.inspection
	if found.Folder.Path == "" {
		return ok("there is none yet; the first sign-in creates %s", e.store.Path())
	}
	all := slices.Concat(found.Files, []config.FileState{found.Folder})
	for _, f := range all {
		if !f.Owned {
			return failed(fail.ConfigUnusable, "sudo chown -R $(id -u) "+fail.Quote(e.store.Dir), "%s belongs to another user", f.Path)
		}
	}
	for _, f := range all {
		if f.Exposed {
			could := "read"
			if f.Mode&0o022 != 0 {
				could = "change"
			}
			return warn(e.command("doctor", "--fix"), "%s had the mode %04o: other users of this machine could %s it", f.Path, f.Mode, could)
		}
	}
	if err := e.store.CheckWritable(config.DefaultProfile); err != nil {
		return e.describe(err)
	}
	return ok("%s is valid, private and writable", e.store.Dir)
}

// checkOtherWriters looks for the Node client, which writes config.json without a lock.
func checkOtherWriters(_ context.Context, e *examination) Finding {
	others := nodeClients(e.sessions.Getenv("PATH"))
	c, err := e.decrypt()
	if err == nil && c.Kind == config.OAuth && c.ObtainedAt.IsZero() {
		writer := "another program, such as the Node client"
		if len(others) > 0 {
			writer = "another program, probably " + others[0]
		}
		return warn(e.command("whoami"), "the session was last written by %s; this program writes it again at the next refresh", writer)
	}
	if len(others) > 0 {
		return warn("npm uninstall -g lamina",
			"the Node client is installed too (%s) and writes the same file without a lock; this program keeps sessions intact", others[0])
	}
	return ok("no other program is known to write the configuration")
}

// nodeClients returns the programs named lamina on the path that are scripts for Node.
func nodeClients(path string) []string {
	var found []string
	for _, dir := range filepath.SplitList(path) {
		for _, name := range []string{"lamina", "lamina.cmd"} {
			file := filepath.Join(dir, name)
			if dir != "" && isNodeScript(file) {
				found = append(found, file)
			}
		}
	}
	return found
}

// isNodeScript reports whether a file is a script that Node runs, or a batch file that starts one.
func isNodeScript(file string) bool {
	start, err := readStart(file, 512)
	if err != nil {
		return false
	}
	firstLine, _, _ := strings.Cut(start, "\n")
	return strings.HasPrefix(firstLine, "#!") && strings.Contains(firstLine, "node") ||
		strings.HasSuffix(file, ".cmd") && strings.Contains(start, "node")
}

// checkLeftovers looks for files of commands that were killed, and for an unfinished two-step sign-in.
func checkLeftovers(_ context.Context, e *examination) Finding {
	if temps := e.inspection.Temps; len(temps) > 0 {
		return warn(e.command("doctor", "--fix"), "commands that ended while they wrote left %d files, such as %s", len(temps), temps[0])
	}
	waiting := ""
	for _, profile := range e.sessions.PendingProfiles() {
		switch pending, err := e.sessions.PendingLogin(profile); {
		case err != nil:
			return warn(e.command("doctor", "--fix"), "the file of an unfinished two-step sign-in cannot be read")
		case !e.sessions.Now().Before(pending.ExpiresAt):
			return warn(e.command("doctor", "--fix"), "a two-step sign-in to profile %s was not finished, and its code has expired", profile)
		default:
			command := e.sessions.FailContext().SignIn(profile, "--device", "--resume")
			waiting = fmt.Sprintf("a two-step sign-in waits for `%s` until %s", command, output.Clock(pending.ExpiresAt))
		}
	}
	if waiting != "" {
		return ok("%s", waiting)
	}
	return ok("there are none")
}

// repair makes the repairs that are safe, and returns a sentence for each.
func repair(ctx context.Context, sessions *session.Manager) ([]string, error) {
	done, err := sessions.Store().Repair(ctx)
	if err != nil {
		return nil, err
	}
	for _, profile := range sessions.PendingProfiles() {
		pending, err := sessions.PendingLogin(profile)
		if err == nil && sessions.Now().Before(pending.ExpiresAt) {
			continue
		}
		if err := sessions.RemovePendingLogin(profile); err != nil {
			return nil, err
		}
		done = append(done, "an unfinished two-step sign-in is removed")
	}
	return done, nil
}

// checkLock looks for a lock that another command holds.
func checkLock(_ context.Context, e *examination) Finding {
	for _, lock := range e.inspection.Locks {
		if !lock.Held {
			continue
		}
		const advice = "normal for a moment, a fault if it lasts"
		name := filepath.Base(lock.Path)
		if lock.PID == 0 {
			return warn("", "%s is held by another lamina: %s", name, advice)
		}
		return warn(fmt.Sprintf("ps -fp %d", lock.PID), "%s is held by process %d: %s", name, lock.PID, advice)
	}
	return ok("no command holds a lock")
}

// readStart returns the first bytes of a regular file, at most limit.
func readStart(path string, limit int64) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() { // to open a pipe or a device may block
		return "", os.ErrInvalid
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, limit))
	return string(raw), err
}

// checkVariables finds environment variables that commands refuse.
func (e *examination) checkVariables() (f Finding, isBad bool) {
	problems := e.sessions.BlankVariables(e.provider)
	if err := e.sessions.CheckDurations(); err != nil && len(problems) == 0 {
		problems = []error{err}
	}
	if len(problems) == 0 {
		return f, false
	}
	f = e.describe(problems[0])
	for _, other := range problems[1:] {
		f.Text += "; " + e.describe(other).Text
	}
	return f, true
}

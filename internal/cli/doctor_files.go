package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
)

// checkConfig looks at the folder and the document in it.
func checkConfig(_ context.Context, d *doctor) verdict {
	if d.store.Dir == "" {
		return warn("export LAMINA_CONFIG_DIR=FOLDER", "there is no home folder, so a login cannot be saved; LAMINA_API_KEY works")
	}
	if _, err := d.store.Load(); err != nil {
		return failedBy(err)
	}
	found := d.inspection
	if found.Folder.Path == "" {
		return ok("there is none yet; the first login makes %s", d.store.Path())
	}
	for _, f := range append(found.Files, found.Folder) {
		if !f.Owned {
			return failed(codeConfig, "sudo chown -R $(id -u) "+quoteArg(d.store.Dir), "%s belongs to another user", f.Path)
		}
	}
	for _, f := range append(found.Files, found.Folder) {
		if f.Exposed {
			return warn("lamina doctor --fix", "%s had the mode %04o: other users of this machine could read it", f.Path, f.Mode)
		}
	}
	if err := d.store.CheckWritable(); err != nil {
		return failedBy(err)
	}
	return ok("%s is whole, private and writable", d.store.Path())
}

// checkOtherWriters looks for the Node client, which writes the same file without our lock.
func checkOtherWriters(_ context.Context, d *doctor) verdict {
	others := nodeClients(d.env.Getenv("PATH"))
	c, err := d.unseal()
	if err == nil && c.Kind == config.OAuth && c.ObtainedAt.IsZero() {
		by := "another program, such as the Node client"
		if len(others) > 0 {
			by = "another program, probably " + others[0]
		}
		return warn("lamina whoami", "the session was last written by %s; the next refresh by this one makes it ours", by)
	}
	if len(others) > 0 {
		return warn("npm uninstall -g lamina", "the Node client is installed too (%s) and writes the same file; sessions are kept, but only one of them knows how to share", others[0])
	}
	return ok("nobody else is known to write the configuration")
}

// nodeClients returns the programs called lamina on the path that are scripts for Node.
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

func isNodeScript(file string) bool {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, 512)
	n, _ := f.Read(start)
	text := string(start[:n])
	first, _, _ := strings.Cut(text, "\n")
	return strings.HasPrefix(first, "#!") && strings.Contains(first, "node") ||
		strings.HasSuffix(file, ".cmd") && strings.Contains(text, "node")
}

// checkLeftovers looks for what dead commands left, and for a sign-in that was never finished.
func checkLeftovers(_ context.Context, d *doctor) verdict {
	if temps := d.inspection.Temps; len(temps) > 0 {
		return warn("lamina doctor --fix", "%d files were left by commands that died while writing, such as %s", len(temps), temps[0])
	}
	switch pending, err := d.env.pendingLogin(); {
	case errors.Is(err, fs.ErrNotExist):
		return ok("nothing was left behind")
	case err != nil:
		return warn("lamina doctor --fix", "a sign-in in two steps was begun, and cannot be read any more")
	case !d.env.Now().Before(pending.ExpiresAt):
		return warn("lamina doctor --fix", "a sign-in in two steps was begun and never finished; its code has expired")
	default:
		return ok("a sign-in in two steps waits for `lamina login --device --resume` until %s", pending.ExpiresAt.Local().Format("15:04"))
	}
}

// pendingLogin reads the sign-in that waits for its second step.
func (e *Env) pendingLogin() (auth.DeviceLogin, error) {
	raw, err := e.store().ReadFile(pendingName)
	if err != nil {
		return auth.DeviceLogin{}, err
	}
	return auth.DecodeDeviceLogin(raw)
}

// mend does what is safe without asking, and returns what it did.
func (e *Env) mend(ctx context.Context) ([]string, error) {
	done, err := e.store().Repair(ctx)
	if err != nil {
		return nil, err
	}
	pending, err := e.pendingLogin()
	if err == nil && e.Now().Before(pending.ExpiresAt) || errors.Is(err, fs.ErrNotExist) {
		return done, nil
	}
	if err := e.store().RemoveFile(pendingName); err != nil {
		return nil, err
	}
	return append(done, "the sign-in that was begun and never finished is removed"), nil
}

// checkLock says who is at work.
func checkLock(_ context.Context, d *doctor) verdict {
	for _, lock := range d.inspection.Locks {
		name := filepath.Base(lock.Path)
		switch {
		case !lock.Held:
		case lock.PID != 0:
			return warn(fmt.Sprintf("ps -fp %d", lock.PID), "%s is held by process %d: fine for a moment, a fault if it stays", name, lock.PID)
		default:
			return warn("", "%s is held by another lamina: fine for a moment, a fault if it stays", name)
		}
	}
	return ok("no command holds a lock")
}

// checkBundle refuses, before anything is looked at, a place where the report could not be saved.
func checkBundle(path string) error {
	if path == "" {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return &commandError{code: codeFileExists, message: path + " is there already", hint: "lamina doctor --bundle " + quoteArg(path+".new")}
	}
	return nil
}

// A bundle is a report to attach to an issue.
type bundle struct {
	Program     string            `json:"program"`
	Platform    string            `json:"platform"`
	MadeAt      time.Time         `json:"madeAt"`
	Service     string            `json:"service"`
	Environment map[string]string `json:"environment"`
	Report      report            `json:"report"`
}

// bundled are the variables that matter, and whether their values may be told.
var bundled = map[string]bool{
	"LAMINA_BASE_URL": false, "LAMINA_API_KEY": false, "LAMINA_PROFILE": false, "LAMINA_CONFIG_DIR": true, "LAMINA_OUTPUT": true,
	"LAMINA_CA_FILE": true, "LAMINA_REQUEST_TIMEOUT": true, "LAMINA_PATIENCE": true, "LAMINA_WORKSPACE": false, "BROWSER": true,
	"CI": false, "SSH_CONNECTION": false, "DISPLAY": true, "WAYLAND_DISPLAY": true, "HTTP_PROXY": false, "HTTPS_PROXY": false,
	"NO_PROXY": false, "SSL_CERT_FILE": true, "SHELL": true, "TERM": true, "LANG": true,
}

// writeBundle saves a report without what is secret or personal, readable by its owner only.
func (e *Env) writeBundle(path string, d *doctor, r report) error {
	b := bundle{
		Program: e.Build.String(), Platform: platformName(), MadeAt: e.Now().UTC(), Service: bareAddress(d.baseURL),
		Environment: map[string]string{}, Report: r,
	}
	for name, tell := range bundled {
		switch value := e.Getenv(name); {
		case value == "":
		case tell:
			b.Environment[name] = value
		default:
			b.Environment[name] = "[set]"
		}
	}
	raw, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("could not save the report: %w", err)
	}
	_, err = f.WriteString(d.redact(string(raw)) + "\n")
	return errors.Join(err, f.Close())
}

// redact takes out of a text what is personal, and secrets should any have got into it.
func (d *doctor) redact(text string) string {
	var pairs []string
	hide := func(secret, by string) {
		if len(secret) > 3 {
			pairs = append(pairs, secret, by)
		}
	}
	hide(d.env.Getenv(d.provider.EnvKey), "[redacted]")
	if c, err := d.unseal(); err == nil {
		hide(c.Token.Reveal(), "[redacted]")
		hide(c.RefreshToken.Reveal(), "[redacted]")
		hide(c.Account.Email, "[email]")
	}
	if who, err := d.who(); err == nil {
		hide(who.User.Email, "[email]")
	}
	for _, home := range []string{"HOME", "USERPROFILE"} {
		hide(strings.TrimRight(jsonText(d.env.Getenv(home)), `/\`), "~")
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// jsonText is how a text looks inside of a JSON string.
func jsonText(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		return text
	}
	return string(raw[1 : len(raw)-1])
}

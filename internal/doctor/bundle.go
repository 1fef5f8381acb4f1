package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
)

// bundle is the file of --bundle: a report to attach to an issue.
type bundle struct {
	Program     string            `json:"program"`
	Platform    string            `json:"platform"`
	MadeAt      time.Time         `json:"madeAt"`
	Service     string            `json:"service"`
	Environment map[string]string `json:"environment"`
	Report      Report            `json:"report"`
}

// shownVariables are the environment variables of a bundle.
func shownVariables() []string {
	return []string{
		"LAMINA_CONFIG_DIR", "LAMINA_OUTPUT", "LAMINA_CA_FILE", "LAMINA_REQUEST_TIMEOUT", "LAMINA_PATIENCE", "BROWSER", "DISPLAY",
		"WAYLAND_DISPLAY", "SSL_CERT_FILE", "SHELL", "TERM", "LANG",
	}
}

// hiddenVariables are the environment variables of which a bundle says only that they are set: their values may be secret or
// personal.
func hiddenVariables() []string {
	return []string{
		"LAMINA_BASE_URL", "LAMINA_API_KEY", "LAMINA_PROFILE", "LAMINA_WORKSPACE", "CI", "SSH_CONNECTION", "HTTP_PROXY", "HTTPS_PROXY",
		"ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
	}
}

// checkBundle refuses a bundle file that exists, before any check is made.
func checkBundle(path string) error {
	if path == "" {
		return nil
	}
	if _, err := os.Lstat(path); err != nil {
		return nil //nolint:nilerr // an unusable path fails when the bundle is saved
	}
	return &fail.Error{
		Code: fail.FileExists, Message: path + " already exists", Hint: fail.CommandLine("doctor", "--bundle", path+".new"),
	}
}

// saveBundle saves a report in a new file that only its owner can read.
func (e *examination) saveBundle(path, program string, r Report) error {
	raw, err := e.encodeBundle(program, r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("could not save the report: %w", err)
	}
	_, err = f.Write(raw)
	return errors.Join(err, f.Close())
}

// encodeBundle returns a report with the environment, as JSON without secrets and personal data.
func (e *examination) encodeBundle(program string, r Report) ([]byte, error) {
	b := bundle{
		Program: program, Platform: runtime.GOOS + "/" + runtime.GOARCH, MadeAt: e.sessions.Now().UTC(), Service: bareURL(e.baseURL),
		Environment: map[string]string{}, Report: r,
	}
	for _, name := range shownVariables() {
		if value := e.sessions.Getenv(name); value != "" {
			b.Environment[name] = value
		}
	}
	for _, name := range hiddenVariables() {
		if e.sessions.Getenv(name) != "" {
			b.Environment[name] = "[set]"
		}
	}
	raw, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	e.addSecrets()
	raw = []byte(e.removePersonal(string(e.sessions.Secrets.JSON(raw))))
	indented := new(bytes.Buffer)
	if err := json.Indent(indented, raw, "", "  "); err != nil {
		return nil, err
	}
	indented.WriteByte('\n')
	return output.EscapeControls(indented.Bytes()), nil
}

// addSecrets makes the secrets of the credential known to the set of secrets, which otherwise holds only those that were sent.
func (e *examination) addSecrets() {
	secrets := e.sessions.Secrets
	secrets.Add(e.sessions.Lookup(e.provider.EnvKey))
	if c, err := e.decrypt(); err == nil {
		secrets.Add(c.Token.Reveal())
		secrets.Add(c.RefreshToken.Reveal())
	}
}

// removePersonal replaces the user's email address and home folder in a JSON text.
func (e *examination) removePersonal(text string) string {
	var pairs []string
	replace := func(value, mark string) {
		if len(value) > 3 { // a shorter value occurs in ordinary text
			pairs = append(pairs, jsonText(value), mark)
		}
	}
	replace(e.email, "[email]")
	if e.sessionErr == nil {
		replace(e.session.Credential.Account.Email, "[email]")
	}
	for _, home := range []string{"HOME", "USERPROFILE"} {
		replace(strings.TrimRight(e.sessions.Getenv(home), `/\`), "~")
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// jsonText returns a text with the escapes that it has inside a JSON string.
func jsonText(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		return text
	}
	return string(raw[1 : len(raw)-1])
}

package account

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/auth/safeurl"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/session"
)

// report shows the account that signed in, where the credential is saved, and when it expires.
func (s *signIn) report() error {
	env, c := s.env, s.saved
	if env.Sessions.Lookup(s.provider.EnvKey) != "" {
		env.Note("%s is set and overrides this login", s.provider.EnvKey)
	} else if err := env.Sessions.RefuseBlank(s.provider.EnvKey); err != nil {
		env.Note("%v; other commands fail until it is unset", err)
	}
	if wanted := env.Sessions.Lookup("LAMINA_BASE_URL"); s.apiURL != "" && wanted != "" && !safeurl.SameOrigin(wanted, c.BaseURL) {
		env.Note("LAMINA_BASE_URL is %s: unset it to use this login", wanted)
	}
	p := config.Profile{Name: s.profile, Credential: c, Encryption: s.encryption}
	st := newStored(p, env.Sessions.Store().PathOf(p))
	if s.provider.OAuth == nil {
		st.Key = newKeyStatus(s.provider, c.Token, &s.verdict)
		return env.PrintWithOldFields(st, func(page *output.Page) {
			page.Line("%s %s", page.Good("Signed in to"), page.Bold(s.provider.Title))
			page.Fields(append(keyFields(st), "profile", s.profile, "saved in", describeStorage(st))...)
			writeVerdict(page, s.verdict)
		})
	}
	if s.unidentified != nil {
		noteUnidentified(env.Sessions, c.BaseURL, s.unidentified)
	}
	if a := c.Account; s.project != nil && s.project.Workspace != "" && a.WorkspaceID != s.project.Workspace {
		env.Note("this login belongs to workspace %s and is refused in this folder: %s requires workspace %s",
			session.DescribeWorkspace(a), s.project.Path, s.project.Workspace)
	}
	return env.PrintWithOldFields(st, func(p *output.Page) {
		writeAccount(p, c.Account, c.BaseURL)
		p.Fields(
			"workspace", session.DescribeWorkspace(c.Account), "service", c.BaseURL, "issuer", issuerOf(c), "profile", nonDefault(s.profile),
			"saved in", describeStorage(st), "expires", describeExpiry(c),
		)
	})
}

// describeExpiry says when a credential expires.
func describeExpiry(c config.Credential) string {
	switch {
	case c.Kind == config.APIKey:
		return "never; the key is valid until it is revoked"
	case c.RefreshExpiresAt.IsZero() && c.RefreshToken == "" && c.Token != "": // and not encrypted
		return output.Moment(c.ExpiresAt) + "; the authorization server issued no refresh token"
	case c.RefreshExpiresAt.IsZero():
		return "when the authorization server ends the session"
	}
	return output.Day(c.RefreshExpiresAt) + "; each use extends it by 30 days"
}

// writeAccount writes the first line about a session.
func writeAccount(p *output.Page, a config.Account, baseURL string) {
	if name := accountName(a); name != "" {
		p.Line("%s %s", p.Good("Signed in as"), p.Bold(name))
		return
	}
	p.Line("%s %s", p.Good("Signed in to"), p.Bold(baseURL))
}

// accountName returns the name that identifies an account best; "" if the account is unknown.
func accountName(a config.Account) string { return cmp.Or(a.Email, a.Name, a.UserID) }

// issuerOf returns the issuer of a session at a third-party authorization server; "" for others.
func issuerOf(c config.Credential) string {
	if !c.ThirdParty {
		return ""
	}
	return c.Issuer
}

func nonDefault(profile string) string {
	if profile == config.DefaultProfile {
		return ""
	}
	return profile
}

// nonEmpty formats a text; "" stays "".
func nonEmpty(format, text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(format, text)
}

// keyFields returns what is shown of a credential of a service with API keys only.
func keyFields(st status) []string {
	fields := []string{"key", describeKey(st.Key), "service", st.Credential.BaseURL}
	for _, name := range slices.Sorted(maps.Keys(st.Credential.Settings)) {
		fields = append(fields, name, st.Credential.Settings[name])
	}
	return fields
}

func describeKey(k *keyStatus) string {
	var words []string
	if k.Class != "" {
		words = append(words, k.Class+" key")
	}
	switch {
	case k.Verdict == nil:
		words = append(words, "not checked")
	case !k.Verdict.Checked:
		words = append(words, "cannot be checked")
	case !k.Verdict.Proven:
		words = append(words, "not refused by the service")
	default:
		words = append(words, "accepted by the service")
	}
	return strings.Join(words, ", ")
}

// writeVerdict writes the service's note on a key.
func writeVerdict(page *output.Page, v session.Verdict) {
	if v.Note != "" {
		page.Line("%s %s", page.Busy("note:"), v.Note)
	}
}

// describeKind names the kind of a credential.
func describeKind(k config.Kind) string {
	if k == config.APIKey {
		return "API key"
	}
	return "session"
}

// describeStorage says where a secret is kept.
func describeStorage(st status) string {
	switch {
	case st.Path == "":
		return st.Credential.Source + " of the environment"
	case st.Credential.Storage == config.StorageKeyring:
		return st.Path + ", encrypted with a key in the OS keyring"
	}
	return st.Path
}

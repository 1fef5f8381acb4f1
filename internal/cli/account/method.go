package account

import (
	"context"

	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/term"
)

// The sign-in methods that can be remembered, as they are stored.
const (
	methodBrowser = "browser"
	methodDevice  = "device"
	methodPaste   = "paste"
)

// typedMethod returns the method that the flags name; "" if they name none that can be remembered.
func (o *loginOptions) typedMethod() string {
	switch {
	case o.browser:
		return methodBrowser
	case o.device:
		return methodDevice
	case o.noBrowser:
		return methodPaste
	}
	return ""
}

// method chooses the sign-in method: flags, the remembered method, then what this machine can do.
func (s *signIn) method() (func(context.Context) error, error) {
	env := s.env
	s.isMethodTyped = s.typedMethod() != ""
	switch {
	case s.provider.OAuth == nil && !s.withAPIKey && !s.keyGiven && !env.MayPrompt():
		hint := s.again("--with-api-key") + " < key.txt"
		if err := s.needUser("typing the key", hint); err != nil {
			return nil, err
		}
		return nil, &fail.Error{
			Code: fail.NeedsPerson, Hint: hint,
			Message: "there is no terminal to type the key on: set " + s.provider.EnvKey + ", or pipe the key to --with-api-key",
		}
	case s.provider.OAuth == nil:
		return s.saveServiceKey, nil
	case s.withAPIKey, s.keyGiven:
		return s.saveAPIKey, nil
	case s.resume:
		return s.resumeDevice, nil
	case s.device && env.Flags.Machine():
		return s.beginDevice, nil
	case s.typedMethod() != "":
		if err := s.needUser("this sign-in", s.again("--device", "--json")); err != nil {
			return nil, err
		}
		if s.device {
			return s.useDevice, nil
		}
		return s.useBrowser, nil
	case !env.HasUser() && !env.ApprovesItself:
		if err := s.needUser("a sign-in", s.again("--device", "--json")); err != nil {
			return nil, err
		}
		return nil, &fail.Error{
			Code: fail.NeedsPerson, Hint: s.again("--device"),
			Message: "a sign-in needs a user, and there is no terminal. Set LAMINA_API_KEY, or choose a method: " +
				"--device (approve on another device; with --json in two steps), --no-browser or --with-api-key",
		}
	}
	switch s.remembered {
	case methodDevice:
		s.noBrowser = true
		return s.useDeviceOrPaste, nil
	case methodPaste:
		s.noBrowser = true
		return s.useBrowser, nil
	case methodBrowser:
		return s.useBrowser, nil
	}
	if reason := term.NoBrowser(env.Getenv); reason != "" && !env.ApprovesItself {
		env.Say("No browser can be opened here: %s.", reason)
		s.noBrowser = true
		return s.useDeviceOrPaste, nil
	}
	return s.useBrowser, nil
}

// needUser refuses what needs a user, if none takes part. hint is what to do instead; in CI it is to set the variable of the key.
func (s *signIn) needUser(what, hint string) error {
	if err := s.env.Sessions.RefuseBlank(s.provider.EnvKey); !s.env.HasUser() && err != nil {
		return err
	}
	if s.env.InCI() {
		hint = s.env.Sessions.FailContext().MissingCredential(s.profile)
	}
	return s.env.NeedUser(what, hint)
}

// rememberMethod makes the typed method the one that plain `lamina login` uses, if --remember is set.
func (s *signIn) rememberMethod(ctx context.Context) error {
	if !s.remember {
		return nil
	}
	return s.env.Sessions.Store().Update(ctx, func(doc *config.Document) error {
		doc.SetLoginMethod(s.typedMethod())
		return nil
	})
}

// again returns the typed command line with flags, in place of those that contradict them.
func (s *signIn) again(flags ...string) string {
	return s.env.Sessions.FailContext().SignIn(s.profile, flags...)
}

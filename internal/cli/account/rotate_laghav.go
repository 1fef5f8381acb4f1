package account

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/laghav"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/fail"
)

// revokeTime bounds the revocation of a key, which an interrupt does not end.
const revokeTime = 30 * time.Second

// byService lets Laghav create the new key and revoke the old one.
func (r *rotation) byService(ctx context.Context) error {
	client, err := r.laghav(r.old.Credential.Token)
	if err != nil {
		return err
	}
	old, err := r.findOld(ctx, client)
	if err != nil {
		return err
	}
	app, err := r.findApp(ctx, client, old)
	if err != nil {
		return err
	}
	created, _, err := client.CreateKey(ctx, cmp.Or(old.Name, "lamina "+r.old.Name), app)
	if err != nil {
		return createError(err)
	}
	key := config.Secret(created.Secret)
	err = r.verify(ctx, key)
	if err == nil {
		err = r.replace(ctx, key, created.KeyID())
	}
	if err != nil {
		r.discard(ctx, client, created)
		return err
	}
	result := rotationResult{KeyID: created.KeyID(), OldKeyID: old.ID}
	if old.ID != "" {
		result.OldRevoked = r.revokeOld(ctx, key, old.ID)
	}
	return r.report(result)
}

func (r *rotation) laghav(key config.Secret) (*laghav.Client, error) {
	client, err := r.client(key)
	if err != nil {
		return nil, err
	}
	return laghav.New(client), nil
}

// createError returns the error for a key that may have been created although the response was lost.
func createError(err error) error {
	return fail.Lost(err, "creating the key", "a new key may have been created; its value cannot be retrieved any more", "lamina laghav keys list")
}

// revokeOld revokes the old key with the new one, and reports whether that succeeded.
func (r *rotation) revokeOld(ctx context.Context, key config.Secret, id string) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTime)
	defer cancel()
	client, err := r.laghav(key)
	if err == nil {
		_, err = client.RevokeKey(ctx, id)
	}
	if err != nil {
		r.env.Note("the old key could not be revoked: %s", r.env.Sessions.Describe(err).Message)
	}
	return err == nil
}

// findApp returns the id of the application that the new key belongs to.
func (r *rotation) findApp(ctx context.Context, client *laghav.Client, old laghav.Key) (string, error) {
	app, err := client.FindApp(ctx, old.AppID)
	var several *laghav.SeveralAppsError
	if errors.As(err, &several) || api.IsNotFound(err) {
		return "", &fail.Error{
			Code: fail.InvalidArgument, Hint: r.env.Command("auth", "rotate", "--with-api-key") + " < new-key.txt", Err: err,
			Message: "the application of the key is unknown, so no new key was created: create one with " +
				r.env.Command("laghav", "keys", "create", "NAME", "--app", "ID") + ", and pipe it to --with-api-key",
		}
	}
	return app, err
}

// discard revokes a new key that is not going to be used: nobody has seen it.
func (r *rotation) discard(ctx context.Context, client *laghav.Client, created laghav.NewKey) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTime)
	defer cancel()
	id := created.KeyID()
	err := errors.New("its id is unknown")
	if id != "" {
		_, err = client.RevokeKey(ctx, id)
	}
	if err != nil {
		r.env.Note("the new key %s was created and is not used, but could not be revoked: %s", cmp.Or(id, created.Name), r.env.Sessions.Describe(err).Message)
	}
}

// findOld returns what the service knows of the key in use: by its id, or as the only key with the same last characters. The result
// is empty if the service does not list it.
func (r *rotation) findOld(ctx context.Context, client *laghav.Client) (laghav.Key, error) {
	keys, _, err := client.Keys(ctx)
	if err != nil {
		return laghav.Key{}, err
	}
	id, secret := r.old.Credential.Settings[laghav.KeyIDSetting], r.old.Credential.Token.Reveal()
	last := secret[max(0, len(secret)-4):]
	var found []laghav.Key
	for _, k := range keys {
		if id != "" && k.ID == id {
			return k, nil
		}
		if id == "" && !k.Revoked && k.ID != "" && k.Last == last {
			found = append(found, k)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return laghav.Key{ID: id}, nil
}

package auth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func htmlPage(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const loginPage = `<html><script>var texts={"invalid_client":"error=invalid_client"}</script><!-- invalid_client -->
<form method=post>If you see error: invalid_client, call us. <input type=hidden name=t><input name=user></form></html>`

// TestProbe checks which authorization pages mean that a client is refused, and which are only sign-in pages.
func TestProbe(t *testing.T) {
	t.Parallel()
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.ReplaceAll(to, "BACK", r.URL.Query().Get("redirect_uri")), http.StatusFound)
		}
	}
	const accepted, refused, uncertain = "accepted", "refused", "uncertain"
	tests := []struct {
		name      string
		authorize http.HandlerFunc
		want      string
	}{
		{"sign-in page", htmlPage(200, loginPage), accepted},
		{"page of a script", htmlPage(200, `<div id=root></div><script>e={invalid_client:1}</script>`), accepted},
		{"redirect to the sign-in page", redirect("/login"), accepted},
		{"redirect to another host", redirect("https://login.example/x"), accepted},
		{"redirect to the program", redirect("BACK?code=x"), accepted},
		{"redirect to the program with another error", redirect("BACK?error=login_required"), accepted},
		{"400", htmlPage(400, "We are sorry"), refused},
		{"404", htmlPage(404, ""), refused},
		{"401", htmlPage(401, "unknown client"), refused},
		{"400 JSON", func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, 400, map[string]any{"error": "invalid_client"})
		}, refused},
		{"200 JSON", func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, 200, map[string]any{"error": "unauthorized_client"})
		}, refused},
		{"200 page", htmlPage(200, `<h1>Error</h1><pre><strong>error</strong>: invalid_client</pre>`), refused},
		{"200 page without spaces between elements", htmlPage(200, `<h1>error: invalid_client</h1>client not found`), refused},
		{"200 page with a button", htmlPage(200, `<p>error=invalid_client</p><form><input type="submit" value="Back"></form>`), refused},
		{"200 page about the redirect URI", htmlPage(200, `<p>invalid_request: Invalid parameter: redirect_uri</p>`), refused},
		{"200 page that leads to an error", htmlPage(200, `<meta http-equiv="refresh" content="0;url=/e?error=invalid_client">`), refused},
		{"200 page with invalid_request of another kind", htmlPage(200, `<p>invalid_request: nonce</p>`), accepted},
		{"redirect to an error page", redirect("/error?error=invalid_client&error_description=client+not+found"), refused},
		{"redirect to an error page, in the fragment", redirect("/#error=invalid_request&error_description=x"), refused},
		{"redirect to an error page on another host", redirect("https://id.example/e?error=invalid_client"), refused},
		{"redirect to a page with 400", redirect("/bad"), refused},
		{"redirect to the program", redirect("BACK?error=unauthorized_client"), refused},
		{"redirect to the program, redirect URI", redirect("BACK?error=invalid_request&error_description=redirect_uri+mismatch"), refused},
		{"403 without a page", htmlPage(403, ""), refused},
		{"403 about the redirect URI", htmlPage(403, "<h1>Callback URL mismatch.</h1>"), refused},
		{"403 of a filter", htmlPage(403, "Forbidden"), uncertain},
		{"403 of a filter with the address", htmlPage(403, "You may not access /authorize?client_id&#61;mine&redirect_uri=x"), uncertain},
		{"401 with a challenge", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", "Negotiate")
			w.WriteHeader(401)
		}, uncertain},
		{"503", htmlPage(503, ""), uncertain},
		{"429", htmlPage(429, ""), uncertain},
		{"needs cookies", func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1", Path: "/", Secure: true})
			http.Redirect(w, r, "/interaction", http.StatusSeeOther)
		}, accepted},
		{"endless redirects", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.String(), http.StatusFound)
		}, accepted},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newForeign(t)
			f.mux.HandleFunc("GET /authorize", test.authorize)
			f.mux.HandleFunc("GET /login", htmlPage(200, loginPage))
			f.mux.HandleFunc("GET /bad", htmlPage(400, "We are sorry"))
			f.mux.HandleFunc("GET /interaction", func(w http.ResponseWriter, r *http.Request) {
				if _, err := r.Cookie("seen"); err != nil {
					htmlPage(400, "session not found")(w, r)
				}
			})
			l := &Loopback{Provider: foreignProvider("openid"), Server: f.server()}
			e, err := l.probe(t.Context(), Client{ID: "mine", RedirectURI: "http://127.0.0.1:1/callback"})
			got := accepted
			switch {
			case err != nil || e != nil && !e.isCertain:
				got = uncertain
			case e != nil:
				got = refused
			}
			if got != test.want {
				t.Errorf("got %s (%+v, %v), want %s", got, e, err, test.want)
			}
		})
	}
}

// A registered client that the server forgot behind a page with status 200 is registered anew; one that the user named ends the
// sign-in at once.
func TestForgottenClient(t *testing.T) {
	t.Parallel()
	f := newForeign(t)
	f.register(registersAll)
	f.mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("client_id") != "new-client" {
			htmlPage(200, "<p>error=invalid_client</p>")(w, r)
			return
		}
		htmlPage(200, loginPage)(w, r)
	})
	const redirectURI = "http://127.0.0.1:1/callback"
	l := &Loopback{Provider: foreignProvider(), Server: f.server(), Client: Client{ID: "old", RedirectURI: redirectURI, Issuer: f.URL}}
	if got, err := l.client(t.Context(), redirectURI); err != nil || got.ID != "new-client" {
		t.Errorf("registered client: got %+v, %v, want new-client", got, err)
	}
	l.Client.UserProvided = true
	var refused *ClientRefusedError
	if _, err := l.Run(t.Context()); !errors.As(err, &refused) || !strings.Contains(err.Error(), "does not accept the client ID old") {
		t.Errorf("client of the user: got %v, want a *ClientRefusedError that names the client", err)
	}
}

// A device endpoint that refuses a forgotten client in any form leads to a new client, and for one of the user to an error.
func TestForgottenDeviceClient(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		refuse http.HandlerFunc
	}{
		{"invalid_client", func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, 401, map[string]any{"error": "invalid_client"})
		}},
		{"invalid_request", func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, 400, map[string]any{"error": "invalid_request"})
		}},
		{"empty 400", htmlPage(400, "")},
		{"page with 200", htmlPage(200, "<p>error=invalid_client</p>")},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/error", http.StatusFound) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newForeign(t)
			f.register(registersAll)
			f.mux.HandleFunc("POST /device", func(w http.ResponseWriter, r *http.Request) {
				if r.PostFormValue("client_id") != "new-client" {
					test.refuse(w, r)
					return
				}
				writeJSON(w, 200, map[string]any{"device_code": "d", "user_code": "U", "verification_uri": f.URL, "expires_in": 60})
			})
			d := &Device{Provider: foreignProvider(), BaseURL: f.URL, Server: f.server(), Client: Client{ID: "old", Issuer: f.URL}}
			if got, err := d.Start(t.Context()); err != nil || got.Client.ID != "new-client" {
				t.Errorf("got %+v, %v, want new-client", got.Client, err)
			}
			d.Client.UserProvided = true
			if got, err := d.Start(t.Context()); err == nil {
				t.Errorf("client of the user: got %+v, want an error", got.Client)
			}
		})
	}
}

// FuzzVisibleText checks that a page on which the user can type is never an error.
func FuzzVisibleText(f *testing.F) {
	for _, page := range []string{loginPage, "<p>error=invalid_client", `<meta http-equiv=refresh content="0;url=%zz?error=invalid_client">`, "<script>"} {
		f.Add(page)
	}
	f.Fuzz(func(t *testing.T, page string) {
		text, _ := visibleText(page)
		if code := errorInText(text); code != "" && !slices.Contains(append(slices.Clone(clientErrors), requestErrors...), code) {
			t.Fatalf("got code %q", code)
		}
		if _, isForm := visibleText("<input name=user>" + page); !isForm {
			t.Fatal("a sign-in page is taken for an error page")
		}
	})
}

// A client that the user named is checked before the sign-in waits; a filter that stops programs is only a warning.
func TestUncertainClient(t *testing.T) {
	t.Parallel()
	f := newForeign(t)
	f.mux.HandleFunc("GET /authorize", htmlPage(403, "Forbidden"))
	var warnings []string
	l := &Loopback{
		Provider: foreignProvider(), Server: f.server(), Client: Client{ID: "mine", Issuer: f.URL, UserProvided: true}, Timeout: 2 * time.Second,
		ShowURL: func(string) {}, Warn: func(message string) { warnings = append(warnings, message) },
	}
	var late *TimeoutError
	if _, err := l.Run(context.Background()); !errors.As(err, &late) || len(warnings) != 1 || !strings.Contains(warnings[0], "403 Forbidden") {
		t.Errorf("got %v and warnings %q, want a timeout and one warning", err, warnings)
	}
}

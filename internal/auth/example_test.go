package auth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/uselamina/lamina/internal/auth"
	"github.com/uselamina/lamina/internal/config"
	"github.com/uselamina/lamina/internal/provider"
)

// newService returns a service whose authorization server approves every sign-in at once.
func newService() *httptest.Server {
	server := httptest.NewUnstartedServer(nil)
	reply := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/oauth-authorization-server/cli/oauth", func(w http.ResponseWriter, r *http.Request) {
		issuer := server.URL + "/cli/oauth"
		reply(fmt.Sprintf(`{"issuer": %q, "authorization_endpoint": %q, "token_endpoint": %q, "registration_endpoint": %q,
			"device_authorization_endpoint": %q}`, issuer, issuer+"/authorize", issuer+"/token", issuer+"/register", issuer+"/device"))(w, r)
	})
	mux.HandleFunc("/cli/oauth/register", reply(`{"client_id": "client-1"}`))
	mux.HandleFunc("/cli/oauth/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		response := url.Values{"code": {"code-1"}, "state": {q.Get("state")}}
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+response.Encode(), http.StatusFound)
	})
	mux.HandleFunc("/cli/oauth/device", func(w http.ResponseWriter, r *http.Request) {
		reply(fmt.Sprintf(`{"device_code": "device-1", "user_code": "WDJB-MJHT", "verification_uri": %q, "expires_in": 600, "interval": 1}`,
			server.URL+"/device"))(w, r)
	})
	mux.HandleFunc("/cli/oauth/token", reply(`{"access_token": "token-1", "refresh_token": "refresh-1", "token_type": "Bearer", "expires_in": 3600}`))
	mux.HandleFunc("/v1/account", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "key %s", r.Header.Get("X-Api-Key"))
	})
	server.Config.Handler = mux
	server.Start()
	return server
}

// A transport adds an API key to the requests to its service, and to no others.
func ExampleTransport() {
	service, other := newService(), newService()
	defer service.Close()
	defer other.Close()

	client := &http.Client{Transport: &auth.Transport{
		Header: "X-Api-Key",
		Source: auth.StaticKey{Key: "lma_example", BaseURL: service.URL},
	}}
	for _, baseURL := range []string{service.URL, other.URL} {
		resp, err := client.Get(baseURL + "/v1/account")
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		fmt.Printf("%q\n", body)
	}
	// Output:
	// "key lma_example"
	// "key "
}

// A sign-in in a browser on the same machine. In this example an HTTP client acts as the browser.
func ExampleLoopback() {
	service := newService()
	defer service.Close()
	ctx := context.Background()

	server, err := auth.Discover(ctx, nil, service.URL, provider.Lamina())
	if err != nil {
		fmt.Println(err)
		return
	}
	flow := &auth.Loopback{
		Provider: provider.Lamina(),
		BaseURL:  service.URL,
		Server:   server,
		ShowURL:  func(string) { fmt.Println("open the address in a browser") },
		OpenBrowser: func(address string) error {
			resp, err := http.Get(address)
			if err == nil {
				_ = resp.Body.Close()
			}
			return err
		},
		Finish: func(_ context.Context, c config.Credential) (account string, err error) {
			fmt.Println("store the credential of client", c.ClientID)
			return "sam@example.com", nil
		},
	}
	c, err := flow.Run(ctx)
	fmt.Println(c.Kind, c.Token, err) // printing redacts the token
	// Output:
	// open the address in a browser
	// store the credential of client client-1
	// oauth [redacted] <nil>
}

// A sign-in with a device code, which the user enters in a browser on any machine.
func ExampleDevice() {
	service := newService()
	defer service.Close()
	ctx := context.Background()

	server, err := auth.Discover(ctx, nil, service.URL, provider.Lamina())
	if err != nil {
		fmt.Println(err)
		return
	}
	flow := &auth.Device{Provider: provider.Lamina(), BaseURL: service.URL, Server: server}
	login, err := flow.Start(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("enter the code", login.UserCode)
	c, err := flow.Finish(ctx, login)
	fmt.Println(c.Kind, c.Token, err)
	// Output:
	// enter the code WDJB-MJHT
	// oauth [redacted] <nil>
}

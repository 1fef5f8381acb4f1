package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform"
)

// withKey adds an API key to each request.
type withKey string

func (key withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Api-Key", string(key))
	return http.DefaultTransport.RoundTrip(r)
}

// newClient starts a local platform and returns a client of it.
func newClient() (client *api.Client, stop func()) {
	listener := httptest.NewUnstartedServer(nil)
	server, err := platform.New(platform.Options{BaseURL: "http://" + listener.Listener.Addr().String()})
	if err != nil {
		panic(err)
	}
	listener.Config.Handler = server
	listener.Start()
	resp, err := http.Post(listener.URL+"/dev/keys", "application/json", bytes.NewReader([]byte(`{"service": "lamina"}`)))
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	var created struct{ Data struct{ Key string } }
	if err := json.NewDecoder(resp.Body).Decode(&created); err != nil {
		panic(err)
	}
	client = &api.Client{BaseURL: listener.URL, HTTP: &http.Client{Transport: withKey(created.Data.Key)}}
	return client, func() {
		listener.Close()
		_ = server.Close()
	}
}

func Example() {
	client, stop := newClient()
	defer stop()
	ctx := context.Background()

	account, err := client.Account(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(account.Data.User.Email)

	started, err := client.StartRun(ctx, "countdown", api.StartRun{Inputs: map[string]any{"seconds": "0"}}, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	done, err := client.FollowRun(ctx, started.Data.RunID, api.Follow{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(done.Run.Status)
	// Output:
	// sam@example.com
	// completed
}

// A refusal of the service is an *Error, with the code of the service and the id of the request.
func ExampleError() {
	client, stop := newClient()
	defer stop()

	_, err := client.App(context.Background(), "no-such-app")
	var refused *api.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Status, refused.Code, refused.RequestID != "")
	}
	fmt.Println(api.IsNotFound(err))
	// Output:
	// 404 NOT_FOUND true
	// true
}

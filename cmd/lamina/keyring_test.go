package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/uselamina/lamina/internal/config"
)

// isKeyringEnabled reports whether scripts may start a Secret Service: LAMINA_TEST_KEYRING=1, with the Debian packages
// dbus-daemon and gnome-keyring.
func isKeyringEnabled() bool { return os.Getenv("LAMINA_TEST_KEYRING") == "1" }

// busConfig configures a message bus that starts no services.
const busConfig = `<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context="default">
<allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`

// startKeyring starts a message bus and GNOME Keyring for one script: with an unlocked, empty keyring, or without a keyring.
func startKeyring(ts *testscript.TestScript, unlocked bool) {
	run := filepath.Join(ts.Getenv("WORK"), "run")
	ts.Check(os.MkdirAll(run, 0o700))
	ts.Setenv("XDG_RUNTIME_DIR", run)
	data, err := os.MkdirTemp(ts.Getenv("WORK"), "data")
	ts.Check(err)
	ts.Setenv("XDG_DATA_HOME", data)
	config := filepath.Join(run, "bus.xml")
	ts.Check(os.WriteFile(config, []byte(busConfig), 0o600))
	bus := exec.Command("dbus-daemon", "--config-file="+config, "--nofork", "--print-address=1")
	out, err := bus.StdoutPipe()
	ts.Check(err)
	startBackground(ts, bus, "BUS_PID")
	address, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	ts.Setenv("DBUS_SESSION_BUS_ADDRESS", strings.TrimSpace(address))

	daemon := exec.Command("gnome-keyring-daemon", "--components=secrets", "--foreground")
	if unlocked {
		daemon.Args = append(daemon.Args, "--unlock")
		daemon.Stdin = strings.NewReader("a password")
	}
	startBackground(ts, daemon, "KEYRING_PID")
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if keyringIsReady(ts, unlocked) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("got no keyring after a minute")
		}
	}
}

// keyringIsReady reports whether the service runs and has the keyring that it should have.
func keyringIsReady(ts *testscript.TestScript, unlocked bool) bool {
	if unlocked {
		_, err := listKeyringItems(ts)
		return err == nil
	}
	conn := connectBus(ts)
	defer conn.Close()
	var owned bool
	err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, "org.freedesktop.secrets").Store(&owned)
	return err == nil && owned
}

// startBackground starts a process that runs until the script ends, and sets a variable to its id.
func startBackground(ts *testscript.TestScript, cmd *exec.Cmd, pid string) {
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	for _, name := range []string{"HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "DBUS_SESSION_BUS_ADDRESS"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(cmd.Start())
	ts.Setenv(pid, fmt.Sprint(cmd.Process.Pid))
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// cmdKeyring works on the keyring of the script: keyring start [uninitialised]|lock|clear|count N
func cmdKeyring(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: keyring start [uninitialised]|lock|clear|count N")
	}
	if args[0] == "start" {
		startKeyring(ts, len(args) == 1)
		return
	}
	conn := connectBus(ts)
	defer conn.Close()
	service := conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets")
	switch args[0] {
	case "lock":
		ts.Check(service.Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{"/org/freedesktop/secrets/collection/login"}).Err)
	case "clear":
		items, err := listKeyringItems(ts)
		ts.Check(err)
		for _, item := range items {
			ts.Check(conn.Object("org.freedesktop.secrets", item).Call("org.freedesktop.Secret.Item.Delete", 0).Err)
		}
	case "count":
		items, err := listKeyringItems(ts)
		ts.Check(err)
		if got := fmt.Sprint(len(items)); got != args[1] {
			ts.Fatalf("got %s items of lamina in the keyring, want %s", got, args[1])
		}
	default:
		ts.Fatalf("unknown: keyring %s", args[0])
	}
}

// connectBus connects to the message bus of the script.
func connectBus(ts *testscript.TestScript) *dbus.Conn {
	conn, err := dbus.Connect(ts.Getenv("DBUS_SESSION_BUS_ADDRESS"))
	ts.Check(err)
	return conn
}

// listKeyringItems returns the items that lamina stored in the keyring.
func listKeyringItems(ts *testscript.TestScript) ([]dbus.ObjectPath, error) {
	conn := connectBus(ts)
	defer conn.Close()
	login := conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets/collection/login")
	var items []dbus.ObjectPath
	err := login.Call("org.freedesktop.Secret.Collection.SearchItems", 0, map[string]string{"service": "lamina"}).Store(&items)
	return items, err
}

// storeLargeToken is a program of the scripts. It stores tokens that are larger than a keyring item may be, encrypted with a
// key in the keyring, and reads them as another process does.
func storeLargeToken() {
	token := strings.Repeat("0123456789abcdef", 4<<10)
	store := func() *config.Store { return &config.Store{Dir: config.DefaultDir(os.Getenv)} }
	vault, err := store().NewKey("huge")
	if err == nil {
		c := config.Credential{Kind: config.OAuth, Token: config.Secret(token), RefreshToken: config.Secret(token), BaseURL: "https://a.example"}
		_, err = store().Replace(context.Background(), config.UpdateOptions{}, config.Profile{Name: "huge", Credential: c, Encryption: vault})
	}
	if err == nil {
		var doc *config.Document
		reader := store()
		if doc, err = reader.Load(); err == nil {
			p, _ := doc.Profile("huge")
			if p, err = reader.Decrypt(p); err == nil && p.Credential.RefreshToken.Reveal() != token {
				err = errors.New("the token that was read is another one")
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestChecksAreDocumented compares the checks of doctor with the table of docs/troubleshooting.md.
func TestChecksAreDocumented(t *testing.T) {
	t.Parallel()
	guide := readText(t, repository+"/docs/troubleshooting.md")
	_, table, _ := strings.Cut(guide, "## What doctor checks")
	table, _, _ = strings.Cut(table, "\n## ")
	var documented, made []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?`) \\|").FindAllStringSubmatch(table, -1) {
		for _, id := range regexp.MustCompile("`([a-z0-9-]+)`").FindAllStringSubmatch(row[1], -1) {
			documented = append(documented, id[1])
		}
	}
	for _, c := range checks() {
		made = append(made, c.id)
		if c.class == "" || c.run == nil {
			t.Errorf("%s has no class or does nothing", c.id)
		}
	}
	if !slices.Equal(made, documented) {
		t.Errorf("doctor checks %v\nthe guide lists %v", made, documented)
	}
}

func TestNodeClients(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"npm/lamina":      "#!/usr/bin/env node\nimport '../lib/cli.js'\n",
		"npm/lamina.cmd":  "@ECHO off\r\nnode \"%~dp0\\cli.js\" %*\r\n",
		"go/lamina":       "\x7fELF\x02node",
		"wrapper/lamina":  "#!/bin/sh\nexec node /x\n",
		"directory/x":     "",
		"abs-node/lamina": "#!/usr/local/bin/node --no-warnings\n",
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, "directory/lamina"), 0o755); err != nil {
		t.Fatal(err)
	}
	var path []string
	for _, dir := range []string{"go", "directory", "missing", "wrapper", "npm", "abs-node"} {
		path = append(path, filepath.Join(folder, dir))
	}
	got := nodeClients(strings.Join(path, string(filepath.ListSeparator)))
	want := []string{filepath.Join(folder, "npm/lamina"), filepath.Join(folder, "npm/lamina.cmd"), filepath.Join(folder, "abs-node/lamina")}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCompletionPlaces(t *testing.T) {
	t.Parallel()
	env := func(name string) string {
		return map[string]string{"HOME": "/h", "FPATH": "/a:/b", "ZDOTDIR": "/z"}[name]
	}
	for shell, want := range map[string]string{"bash": "/h/.bashrc", "zsh": "/z/.zshrc", "fish": "/h/.config/fish/completions/lamina.fish"} {
		places, known := completionPlaces(shell, env)
		if !known || filepath.ToSlash(places[0].file) != filepath.ToSlash(want) {
			t.Errorf("%s: got %v", shell, places)
		}
	}
	if _, known := completionPlaces("nu", env); known {
		t.Error("nu is known")
	}
}

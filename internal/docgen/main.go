// Docgen generates documents from the command tree: the reference in docs, man pages and completion scripts.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/uselamina/lamina/internal/cli"
	"github.com/uselamina/lamina/internal/completion"
)

func main() {
	log.SetFlags(0)
	markdown := flag.String("markdown", "", "write the reference as Markdown into this `FOLDER`")
	man := flag.String("man", "", "write man pages into this `FOLDER`")
	completions := flag.String("completions", "", "write completion scripts into this `FOLDER`")
	flag.Parse()
	root := cli.Tree()
	for _, d := range []struct {
		folder string
		write  func(root *cobra.Command, folder string) error
	}{{*markdown, cli.WriteReference}, {*man, writeMan}, {*completions, writeCompletions}} {
		if d.folder == "" {
			continue
		}
		if err := os.MkdirAll(d.folder, 0o755); err != nil { //nolint:gosec // the documents are public
			log.Fatal(err)
		}
		if err := d.write(root, d.folder); err != nil {
			log.Fatal(err)
		}
	}
}

func writeMan(root *cobra.Command, folder string) error {
	return doc.GenManTree(root, &doc.GenManHeader{Title: "LAMINA", Section: "1", Source: "lamina", Manual: "Lamina"}, folder)
}

func writeCompletions(root *cobra.Command, folder string) error {
	path := func(name string) string { return filepath.Join(folder, name) }
	for _, err := range []error{
		os.WriteFile(path("lamina.bash"), []byte(completion.Bash), 0o644), //nolint:gosec // a public document
		root.GenZshCompletionFile(path("lamina.zsh")),
		root.GenFishCompletionFile(path("lamina.fish"), true),
		root.GenPowerShellCompletionFileWithDesc(path("lamina.ps1")),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

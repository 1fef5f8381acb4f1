// Docgen writes what is made of the command tree: the reference in docs, man pages and completion scripts.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/uselamina/lamina/internal/cli"
)

func main() {
	log.SetFlags(0)
	markdown := flag.String("markdown", "", "write the reference as Markdown into this `FOLDER`")
	man := flag.String("man", "", "write man pages into this `FOLDER`")
	completions := flag.String("completions", "", "write completion scripts into this `FOLDER`")
	flag.Parse()
	root := cli.Tree()
	for folder, write := range map[string]func(*cobra.Command, string) error{
		*markdown: cli.WriteReference, *man: writeMan, *completions: writeCompletions,
	} {
		if folder == "" {
			continue
		}
		if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // public documents
			log.Fatal(err)
		}
		if err := write(root, folder); err != nil {
			log.Fatal(err)
		}
	}
}

func writeMan(root *cobra.Command, folder string) error {
	return doc.GenManTree(root, &doc.GenManHeader{Title: "LAMINA", Section: "1", Source: "lamina", Manual: "Lamina"}, folder)
}

func writeCompletions(root *cobra.Command, folder string) error {
	at := func(name string) string { return filepath.Join(folder, name) }
	for _, err := range []error{
		root.GenBashCompletionFileV2(at("lamina.bash"), true),
		root.GenZshCompletionFile(at("lamina.zsh")),
		root.GenFishCompletionFile(at("lamina.fish"), true),
		root.GenPowerShellCompletionFileWithDesc(at("lamina.ps1")),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

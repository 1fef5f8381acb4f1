// Package docs holds the command docs, which searches and shows the guides.
package docs

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/docs"
	"github.com/uselamina/lamina/internal/cli/complete"
	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/platform/lightfast/search"
)

// maxHits is how many sections a search shows.
const maxHits = 8

// A guide is one of the embedded guides.
type guide struct {
	Name  string `json:"name"` // the path without its extension
	Title string `json:"title"`
	Text  string `json:"text,omitempty"` // Markdown
}

// A section is a part of a guide that a search found.
type section struct {
	Guide   string  `json:"guide"`
	Title   string  `json:"title"`
	Section string  `json:"section"`
	Excerpt string  `json:"excerpt"`
	Score   float64 `json:"score"`
}

// New returns the command docs.
func New(env *cmdutil.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "docs [WORD…]",
		Short: "Search the guides, or show one",
		Long: "List the guides, show one in your pager, or search all of them. They are part of the program and need no network.\n" +
			"The name of a guide shows it; any other words are searched.",
		Example: "lamina docs\n" +
			"lamina docs scripts\n" +
			"lamina docs exit status\n" +
			"lamina docs cancel a run --jq '.data[0].guide'",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return complete.None(cmd, args, typed)
			}
			var words []string
			for _, g := range guides() {
				words = append(words, g.Name+"\t"+g.Title)
			}
			return complete.Words(words...)(cmd, args, typed)
		},
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			words := strings.TrimSpace(strings.Join(args, " "))
			if words == "" {
				return list(env)
			}
			if i := slices.IndexFunc(guides(), func(g guide) bool { return g.Name == strings.TrimSuffix(words, ".md") }); i >= 0 {
				return show(env, guides()[i])
			}
			return find(cmd.Context(), env, words)
		},
	}
}

// guides returns the guides for users, in alphabetical order. They are part of the program, so reading them cannot fail.
func guides() []guide {
	var all []guide
	_ = fs.WalkDir(docs.Guides, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || slices.Contains([]string{"README.md", "architecture.md", "testing.md"}, name) {
			return err
		}
		raw, _ := fs.ReadFile(docs.Guides, name)
		title, _, _ := strings.Cut(string(raw), "\n")
		all = append(all, guide{
			Name:  strings.TrimSuffix(strings.TrimSuffix(name, ".md"), "/README"),
			Title: strings.TrimPrefix(title, "# "), Text: string(raw),
		})
		return nil
	})
	return all
}

func list(env *cmdutil.Env) error {
	all := guides()
	var rows [][]string
	for i := range all {
		all[i].Text = ""
		rows = append(rows, []string{all[i].Name, all[i].Title})
	}
	return env.Print(all, func(p *output.Page) {
		p.Descriptions([]string{"GUIDE", "ABOUT"}, rows)
		p.Line("")
		p.Line("%s", p.Command("lamina docs "+all[0].Name))
	})
}

func show(env *cmdutil.Env, g guide) error {
	if env.Printer.Machine() {
		return env.Print(g, nil)
	}
	return env.Help(func(p *output.Page) { writeMarkdown(p, g.Text) })
}

func find(ctx context.Context, env *cmdutil.Env, words string) error {
	var passages []*search.Passage
	for _, g := range guides() {
		passages = append(passages, search.Cut(g.Name, g.Text)...)
	}
	hits := search.New(passages).Search(words, search.Balanced, func(*search.Passage) bool { return true })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(hits) == 0 {
		return &fail.Error{Code: fail.NotFound, Message: fmt.Sprintf("no guide has the words %q", words), Hint: "lamina docs"}
	}
	found := []section{}
	for _, h := range hits[:min(len(hits), maxHits)] {
		found = append(found, section{
			Guide: h.Passage.Document, Title: h.Passage.Guide, Section: h.Passage.Heading, Excerpt: h.Snippet(), Score: h.Score,
		})
	}
	return env.Print(found, func(p *output.Page) {
		for i, s := range found {
			if i > 0 {
				p.Line("")
			}
			p.Line("%s  %s", p.Bold(path.Clean(s.Guide)), s.Section)
			p.Paragraphs(s.Excerpt)
		}
		p.Line("")
		p.Line("%s", p.Command("lamina docs "+found[0].Guide))
	})
}

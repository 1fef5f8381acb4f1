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

// site is the folder of the guides on the web.
const site = "https://github.com/uselamina/lamina/blob/main/docs/"

type options struct {
	env   *cmdutil.Env
	words string
	limit int
	web   bool
}

// A guide is one of the embedded guides.
type guide struct {
	Name  string `json:"name"` // the path without its extension
	Title string `json:"title"`
	URL   string `json:"url"`
	Text  string `json:"text,omitempty"` // Markdown
}

// A section is a part of a guide that a search found.
type section struct {
	Guide   string  `json:"guide"`
	Title   string  `json:"title"`
	Section string  `json:"section"`
	URL     string  `json:"url"`
	Excerpt string  `json:"excerpt"`
	Score   float64 `json:"score"`
}

// New returns the command docs.
func New(env *cmdutil.Env) *cobra.Command {
	opts := &options{env: env}
	cmd := &cobra.Command{
		Use:   "docs [WORD…]",
		Short: "Search the guides, or show one",
		Long: "List the guides, show one in your pager, or search all of them. They are part of the program and need no network.\n" +
			"The name of a guide shows it; any other words are searched. With --web, the guide is opened in your browser, or the one\n" +
			"that fits the words best; where no browser can be opened, its address is printed.",
		Example: "lamina docs\n" +
			"lamina docs scripts\n" +
			"lamina docs scripts --web\n" +
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
			if opts.limit < 1 || opts.limit > 100 {
				return fail.Usage("", "--limit must be between 1 and 100")
			}
			opts.words = strings.TrimSpace(strings.Join(args, " "))
			return run(cmd.Context(), opts)
		},
	}
	cmd.Flags().IntVar(&opts.limit, "limit", 8, "show at most `N` sections, up to 100")
	cmd.Flags().BoolVarP(&opts.web, "web", "w", false, "open the guide in your browser")
	return cmd
}

func run(ctx context.Context, opts *options) error {
	env := opts.env
	all := guides()
	at := slices.IndexFunc(all, func(g guide) bool { return g.Name == strings.TrimSuffix(opts.words, ".md") })
	switch {
	case opts.words == "" && opts.web:
		return env.OpenOrPrint(site+"README.md", true)
	case opts.words == "":
		return list(env)
	case at >= 0 && opts.web:
		return env.OpenOrPrint(all[at].URL, true)
	case at >= 0:
		return show(env, all[at])
	}
	found, err := find(ctx, opts)
	if err == nil && opts.web {
		return env.OpenOrPrint(found[0].URL, true)
	}
	if err != nil {
		return err
	}
	return env.Print(found, func(p *output.Page) { writeSections(p, found) })
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
			Title: strings.TrimPrefix(title, "# "), URL: site + name, Text: string(raw),
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

// find returns the sections that fit the words best, at least one.
func find(ctx context.Context, opts *options) ([]section, error) {
	var passages []*search.Passage
	urls := map[string]string{}
	for _, g := range guides() {
		passages = append(passages, search.Cut(g.Name, g.Text)...)
		urls[g.Name] = g.URL
	}
	hits := search.New(passages).Search(opts.words, search.Balanced, func(*search.Passage) bool { return true })
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if len(hits) == 0 {
		return nil, &fail.Error{Code: fail.NotFound, Message: fmt.Sprintf("no guide has the words %q", opts.words), Hint: "lamina docs"}
	}
	slices.SortStableFunc(hits, func(a, b search.Hit) int { return named(b.Passage, opts.words) - named(a.Passage, opts.words) })
	found := []section{}
	for _, h := range hits[:min(len(hits), opts.limit)] {
		p := h.Passage
		found = append(found, section{
			Guide: p.Document, Title: p.Guide, Section: p.Heading, URL: urls[p.Document], Excerpt: h.Snippet(), Score: h.Score,
		})
	}
	return found, nil
}

// named returns 1 if the heading of a passage has all the words, and else 0: such a section is what was asked for.
func named(p *search.Passage, words string) int {
	heading := strings.ToLower(p.Heading)
	for _, word := range strings.Fields(strings.ToLower(words)) {
		if !strings.Contains(heading, word) {
			return 0
		}
	}
	return 1
}

func writeSections(p *output.Page, found []section) {
	for i, s := range found {
		if i > 0 {
			p.Line("")
		}
		p.Line("%s  %s", p.Bold(path.Clean(s.Guide)), s.Section)
		p.Paragraphs(s.Excerpt)
	}
	p.Line("")
	p.Line("%s", p.Command("lamina docs "+found[0].Guide))
}

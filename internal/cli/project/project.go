// Package project holds the command init, which prepares a project.
package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uselamina/lamina/internal/cmdutil"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/transfer"
)

type options struct {
	env      *cmdutil.Env
	language string
	yes      bool
}

// New returns the command init.
func New(env *cmdutil.Env) *cobra.Command {
	opts := &options{env: env}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Create the files that a project needs",
		Long: "Write three files into the working folder: .lamina.toml, which selects the account of the project; lines of\n" +
			".gitignore, so that no key is committed; and .github/workflows/lamina.yml, a workflow for CI that runs the tests of\n" +
			"the project against the local platform, without an account. The language of the project is detected.\n\n" +
			"The command asks before it replaces a file, and refuses to do so where it cannot ask, unless --yes is given.",
		Example: "lamina init\n" +
			"lamina init --profile work\n" +
			"lamina init --language python --yes",
		Args: cmdutil.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := languageNamed(opts.language); err != nil {
				return err
			}
			return run(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.language, "language", "", "write the workflow for this language: `node|python|go`")
	cmd.Flags().BoolVarP(&opts.yes, "yes", "y", false, "replace files without a question")
	return cmd
}

// The results for a file.
const (
	created   = "created"
	replaced  = "replaced"
	extended  = "extended"
	unchanged = "unchanged"
)

// A file is a file of the project with the text that it gets.
type file struct {
	Path   string `json:"path"`
	Result string `json:"result"`
	text   string
}

// A report is the output of the command.
type report struct {
	Language string `json:"language"` // empty if none was detected
	Files    []file `json:"files"`
}

func run(ctx context.Context, opts *options) error {
	env := opts.env
	folder, err := env.Folder()
	if err != nil {
		return err
	}
	lang, _ := languageNamed(opts.language)
	if opts.language == "" {
		lang = detect(folder)
	}
	config, err := projectConfig(env)
	if err != nil {
		return err
	}
	r := report{Language: lang.name, Files: []file{
		{Path: ".lamina.toml", text: config},
		{Path: ".gitignore", text: strings.Join(ignored, "\n") + "\n"},
		{Path: ".github/workflows/lamina.yml", text: lang.workflow()},
	}}
	if err := r.plan(folder); err != nil {
		return err
	}
	if err := r.confirm(ctx, opts); err != nil {
		return err
	}
	writer := transfer.Downloader{Force: true}
	for _, f := range r.Files {
		if f.Result == unchanged {
			continue
		}
		if _, err := writer.SaveFrom(strings.NewReader(f.text), filepath.Join(folder, filepath.FromSlash(f.Path))); err != nil {
			return fmt.Errorf("could not write %s (the files before it are written; repeat the command after the repair): %w", f.Path, err)
		}
	}
	return env.Print(r, func(p *output.Page) { write(p, env, r) })
}

// plan sets the result for each file. A .gitignore keeps its lines.
func (r *report) plan(folder string) error {
	for i := range r.Files {
		f := &r.Files[i]
		raw, err := readRegular(filepath.Join(folder, filepath.FromSlash(f.Path)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			f.Result = created
		case err != nil:
			return &fail.Error{
				Code: fail.FileExists, Hint: "move it away, or change its permissions, and repeat the command",
				Message: fmt.Sprintf("%s cannot be used: %v; nothing was written", f.Path, err), Err: err,
			}
		case f.Path == ".gitignore":
			f.text, f.Result = withLines(string(raw), ignored), extended
			if f.text == string(raw) {
				f.Result = unchanged
			}
		case string(raw) == f.text:
			f.Result = unchanged
		default:
			f.Result = replaced
		}
	}
	return nil
}

// readRegular reads a regular file. Reading a named pipe would wait, and replacing a link would lose it.
func readRegular(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	return os.ReadFile(path)
}

// confirm asks before files are replaced.
func (r *report) confirm(ctx context.Context, opts *options) error {
	var names []string
	for _, f := range r.Files {
		if f.Result == replaced {
			names = append(names, f.Path)
		}
	}
	if len(names) == 0 || opts.yes {
		return nil
	}
	hint := opts.env.Command("init", "--yes")
	refused := &fail.Error{
		Code: fail.FileExists, Hint: hint,
		Message: strings.Join(names, " and ") + " would be replaced; nothing was written",
	}
	if !opts.env.MayPrompt() {
		return refused
	}
	if err := opts.env.Confirm(ctx, "Replace "+strings.Join(names, " and ")+"?", false, hint); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return refused
	}
	return nil
}

func write(p *output.Page, env *cmdutil.Env, r report) {
	for _, f := range r.Files {
		p.Line("%s  %s", p.Good(fmt.Sprintf("%-9s", f.Result)), f.Path)
	}
	p.Line("")
	if r.Language == "" {
		p.Wrapped("No package.json, pyproject.toml or go.mod was found: complete the last line of the workflow, or name the language with --language.")
	}
	p.Line("%s", p.Command(env.Command("auth", "status")))
}

// ignored are the lines of .gitignore: files that hold keys.
var ignored = []string{".env", ".env.*", "!.env.example"}

// withLines returns a text with those lines at its end that it lacks.
func withLines(text string, lines []string) string {
	has := map[string]bool{}
	for line := range strings.Lines(text) {
		has[strings.TrimSpace(line)] = true
	}
	ending := "\n"
	if strings.Contains(text, "\r\n") {
		ending = "\r\n"
	}
	for _, line := range lines {
		if has[line] {
			continue
		}
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += ending
		}
		text += line + ending
	}
	return text
}

// projectConfig returns the text of .lamina.toml: the profile in use, and the checks that the project can turn on.
func projectConfig(env *cmdutil.Env) (string, error) {
	profile, base, workspace := `# profile = "work"`, "https://app.uselamina.ai", "wsp_123"
	doc, chosen, err := env.Sessions.LoadAndChoose()
	if name := env.Sessions.Flags.Profile; name != "" { // its sign-in may follow
		if err != nil {
			return "", err
		}
		profile = fmt.Sprintf("profile = %q", name)
	}
	if err == nil {
		if stored, isSignedIn := doc.Profile(chosen.Profile); isSignedIn && chosen.Provider.IsDefault() {
			profile = fmt.Sprintf("profile = %q", chosen.Profile)
			base = stored.Credential.BaseURL
			if id := stored.Credential.Account.WorkspaceID; id != "" {
				workspace = id
			}
		}
	}
	return "# The account of this project, for all commands of lamina in this folder and below. It holds no key.\n" +
		profile + "\n\n" +
		"# With these, lamina refuses to use this project with another service or another workspace.\n" +
		fmt.Sprintf("# base_url  = %q\n# workspace = %q\n", base, workspace), nil
}

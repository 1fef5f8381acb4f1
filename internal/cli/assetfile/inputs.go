package assetfile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/check"
	"github.com/uselamina/lamina/internal/cmdutil"
)

// A Place is an input that takes the URL of a file.
type Place struct {
	file *File
	set  func(url string)
}

// File returns the file.
func (p Place) File() *File { return p.file }

// Set sets the URL of the file in the inputs.
func (p Place) Set(url string) { p.set(url) }

// Places are the inputs that take the URLs of files.
type Places []Place

// InInputs checks the files that stand in inputs in place of URLs (check.LocalFile), and returns all problems at once.
func InInputs(inputs map[string]any) (Places, []api.Detail) {
	var places Places
	var problems []api.Detail
	check := func(name string, value any, set func(url string)) {
		local, isFile := value.(check.LocalFile)
		if !isFile {
			return
		}
		file, err := Inspect(local.Path, "", "")
		if err == nil && len(local.Accept) > 0 && !slices.Contains(local.Accept, file.Kind) {
			err = fmt.Errorf("is %s, and the input takes %s", file.ContentType, strings.Join(local.Accept, ", "))
		}
		if err != nil {
			problems = append(problems, api.Detail{Field: name, Code: check.CodeMedia, Message: fmt.Sprintf("the file %s %v", local.Path, err)})
			return
		}
		places = append(places, Place{file: file, set: set})
	}
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		check(name, inputs[name], func(url string) { inputs[name] = url })
		list, _ := inputs[name].([]any)
		for i := range list {
			check(name, list[i], func(url string) { list[i] = url })
		}
	}
	return places, problems
}

// Upload uploads the files, and sets their URLs in the inputs.
func (p Places) Upload(ctx context.Context, env *cmdutil.Env) error {
	if len(p) == 0 {
		return nil
	}
	var files []*File
	for _, place := range p {
		files = append(files, place.file)
	}
	urls, err := URLs(ctx, env, files)
	if err != nil {
		return err
	}
	for i, place := range p {
		place.set(urls[i])
	}
	return nil
}

package runinfo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/fail"
	"github.com/uselamina/lamina/internal/output"
	"github.com/uselamina/lamina/internal/transfer"
)

// OutputsToSave returns the outputs of a run that can be saved, those with the labels in only if there are any. None is an error.
func OutputsToSave(run api.Run, only []string) ([]transfer.Output, error) {
	var outputs []transfer.Output
	for i, o := range run.Outputs {
		if o.Status != "completed" && run.Status != api.Completed || len(o.Value) == 0 || string(o.Value) == "null" {
			continue
		}
		if len(only) > 0 && !slices.ContainsFunc(only, func(label string) bool { return strings.EqualFold(label, o.Label) }) {
			continue
		}
		outputs = append(outputs, filesOf(i, o)...)
	}
	if len(outputs) > 0 {
		return outputs, nil
	}
	message := "the run has no output to save"
	if len(only) > 0 {
		message = fmt.Sprintf("the run has no output %s to save", output.Quote(strings.Join(only, ", ")))
	}
	return nil, &fail.Error{Code: fail.DownloadFailed, Message: message, Hint: fail.CommandLine("runs", "get", run.RunID), RunID: run.RunID}
}

// filesOf returns the files of an output: one for each address, or one with the text or the JSON of the value.
func filesOf(index int, o api.Output) []transfer.Output {
	file := transfer.Output{Index: index, Label: cmp.Or(o.Label, o.Type), Kind: o.Type, MimeType: o.MimeType}
	var value string
	var list []string
	switch {
	case json.Unmarshal(o.Value, &value) == nil && isText(o, value):
		file.Text, file.MimeType = value, cmp.Or(o.MimeType, "text/plain")
	case json.Unmarshal(o.Value, &value) == nil:
		file.URL = value
	case o.Type != "text" && json.Unmarshal(o.Value, &list) == nil && len(list) > 0 && !slices.ContainsFunc(list, isNoAddress):
		var files []transfer.Output
		for i, address := range list {
			part := file
			part.URL, part.Part = address, i+1
			files = append(files, part)
		}
		return files
	default:
		file.Text, file.Ext = string(o.Value), "json"
	}
	return []transfer.Output{file}
}

// isText reports whether the value of an output is its content, not its address.
func isText(o api.Output, value string) bool {
	switch o.Type {
	case "text":
		return true
	case "image", "video", "audio":
		return false
	}
	return isNoAddress(value)
}

// isNoAddress reports whether a value is no URL of a file.
func isNoAddress(value string) bool {
	u, err := url.Parse(value)
	if err != nil { // a long data: URL may hold bytes that url.Parse refuses
		return !strings.HasPrefix(strings.ToLower(value), "data:")
	}
	return u.Scheme != "data" && (u.Host == "" || u.Scheme != "https" && u.Scheme != "http")
}

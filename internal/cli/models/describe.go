package models

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/output"
)

// maxDefault is how many columns of a default value are shown.
const maxDefault = 24

// writeModel shows a model, and a command that uses it, if there is one.
func writeModel(p *output.Page, m api.Model, sample string) {
	p.Line("%s  %s", p.Bold(cmp.Or(m.DisplayName, m.ID)), m.Modality)
	p.Line("%s", p.Faint(m.ID))
	if len(m.ParamSchema) > 0 {
		p.Line("")
		p.Descriptions([]string{"PARAMETER", "TYPE", "DEFAULT", "ABOUT"}, rows("", m.ParamSchema))
	}
	if sample != "" {
		p.Line("")
		p.Line("%s", p.Command(sample))
	}
}

// rows returns a row for each parameter, and for each field of the objects in an array.
func rows(path string, schema api.ParamSchema) [][]string {
	var all [][]string
	for _, f := range schema {
		all = append(all, []string{path + f.Name, typeName(f.Schema), defaultText(f.Schema), about(f.Schema)})
		if items := f.Schema.ItemSchema; items != nil {
			all = append(all, rows(path+f.Name+"[].", items.Fields)...)
		}
	}
	return all
}

// typeName returns the type of a parameter; an array is marked by an ellipsis, as in the inputs of apps.
func typeName(f api.FieldSchema) string {
	if item, isArray := f.Item(); isArray {
		return item.Type + "…"
	}
	return f.Type
}

func defaultText(f api.FieldSchema) string {
	if f.MustSupply() {
		return "(required)"
	}
	if len(f.Default) == 0 {
		return ""
	}
	return output.Cut(output.PlainJSON(f.Default), maxDefault)
}

// about returns the description of a parameter and everything that its values must be.
func about(f api.FieldSchema) string {
	parts := []string{f.Description}
	if f.Type != "boolean" && len(f.Values) > 0 {
		parts = append(parts, "One of: "+strings.Join(f.Options(), ", ")+".")
	}
	if limits := f.Limits(); limits != "" {
		parts = append(parts, strings.ToUpper(limits[:1])+limits[1:]+".")
	}
	if f.MaxLength != nil {
		parts = append(parts, fmt.Sprintf("At most %d characters.", *f.MaxLength))
	}
	if items := f.ItemLimits(); items != "" {
		parts = append(parts, strings.ToUpper(items[:1])+items[1:]+" values.")
	}
	if len(f.Accept) > 0 {
		parts = append(parts, "Takes "+strings.Join(f.Accept, ", ")+".")
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

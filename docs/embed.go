// Package docs holds the guides of this program, which are also what the local platform searches.
package docs

import "embed"

// Guides are the guides in Markdown, without the reference of the commands.
//
//go:embed *.md issuers/*.md providers/*.md
var Guides embed.FS

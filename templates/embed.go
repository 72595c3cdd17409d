// Package templates holds the templates of pages and mails.
package templates

import "embed"

// FS has layout.html and, by purpose, partials/ (used by several pages), pages/
// (one file each, those of a room in a directory of its name), email/, docs/ (Markdown)
// and integrations/ (Markdown, one file for each kind of channel).
//
//go:embed layout.html all:partials all:pages email docs integrations
var FS embed.FS

// Package templates holds the templates of pages and mails.
package templates

import "embed"

// FS has layout.html and, by purpose, partials/ (used by several pages), pages/
// (one file each, those of a room in a directory of its name), email/ and docs/ (Markdown).
//
//go:embed layout.html all:partials all:pages email docs
var FS embed.FS

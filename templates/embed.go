// Package templates holds the templates of pages and mails.
package templates

import "embed"

// FS has layout.html and, by purpose, partials/ (used by several pages), pages/
// (one file each) and email/.
//
//go:embed layout.html all:partials all:pages email
var FS embed.FS

// Package admin is the room of superusers, and of the mailbox and the status page.
package admin

import (
	"punctual/internal/auth"
	"punctual/web/ui"
)

// Pages are the pages of superusers, and the mailbox.
type Pages struct {
	*ui.Site
	auth       *auth.Service
	mailboxKey mailboxKey
}

// New makes them.
func New(site *ui.Site, service *auth.Service) *Pages {
	return &Pages{Site: site, auth: service}
}

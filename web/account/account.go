// Package account is the room of people's accounts: the welcome page, logging in, the
// second factor, invitations, and what is theirs.
package account

import (
	"net/http"

	"punctual/internal/auth"
	"punctual/internal/project"
	"punctual/web/ui"
)

// Pages are the pages of people's accounts: how they log in, and what is theirs.
type Pages struct {
	*ui.Site
	auth           *auth.Service
	projects       *project.Service
	mayReadMailbox func(*http.Request) bool
}

// New makes them; mayReadMailbox tells whether a visitor may look into the
// local mailbox.
func New(site *ui.Site, service *auth.Service, projects *project.Service, mayReadMailbox func(*http.Request) bool) *Pages {
	return &Pages{Site: site, auth: service, projects: projects, mayReadMailbox: mayReadMailbox}
}

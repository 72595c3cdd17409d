// Package project is the room of projects: the list of them, their settings, teams and
// badges, and the walls.
package project

import (
	"net/http"

	"punctual/internal/project"
	"punctual/web/badge"
	"punctual/web/ui"
)

// Pages are the pages about projects: the list of them, their settings and teams, their badges, and walls.
type Pages struct {
	*ui.Site
	Deps
}

// Deps is what they stand on beside the site.
type Deps struct {
	Projects *project.Service
	// AskRecentAuth leads a visitor who has not logged in lately to where they can,
	// and from there to next; asked tells that it has answered.
	AskRecentAuth func(w http.ResponseWriter, r *http.Request, next string) (asked bool, err error)
	// there are some
	HasBadges  bool
	BadgeLinks badge.Links
}

// New makes them.
func New(site *ui.Site, d Deps) *Pages { return &Pages{site, d} }

// Package checks is the room of a project's checks: the list, what is done to many at
// once, and the forms that make and change one.
package checks

import (
	"punctual/web/ui"
)

// Pages are the list of a project's checks and the forms that make and change them.
type Pages struct {
	*ui.Site
	viewChannel ui.ViewChannel
}

// New makes them; viewChannel tells how a channel is shown.
func New(site *ui.Site, viewChannel ui.ViewChannel) *Pages {
	return &Pages{site, viewChannel}
}

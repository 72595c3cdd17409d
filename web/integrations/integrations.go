// Package integrations is the room of a project's integrations, which the rest of the
// program calls channels: the list of them, the forms that add and change one, and
// what links in mails to their addresses lead to.
package integrations

import (
	"context"

	"punctual/internal/channel"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/web/ui"
)

// Pages are the list of a project's integrations and the forms about one.
type Pages struct {
	*ui.Site
	Deps
}

// Deps is what they stand on beside the site.
type Deps struct {
	Notifiers *notify.Registry
	Tester    Tester
	Channels  *channel.Service
}

// Tester sends a test notification through a channel at once and tells how it
// went.
type Tester interface {
	SendTest(ctx context.Context, ch *monitor.Channel) (notify.Result, error)
}

// New makes them.
func New(site *ui.Site, d Deps) *Pages { return &Pages{site, d} }

// Package check is the room of one check: its state, its history, its log and its pings.
package check

import (
	"context"

	"github.com/google/uuid"

	"punctual/web/ui"
)

// Pages are the pages of one check: its state, its log, and its pings.
type Pages struct {
	*ui.Site
	viewChannel ui.ViewChannel
	bodiesFull  func(ctx context.Context, project uuid.UUID) bool
}

// New makes them; viewChannel tells how a channel is shown, bodiesFull whether
// bodies of new pings of a project are not kept (nil: they always are).
func New(site *ui.Site, viewChannel ui.ViewChannel, bodiesFull func(ctx context.Context, project uuid.UUID) bool) *Pages {
	return &Pages{site, viewChannel, bodiesFull}
}

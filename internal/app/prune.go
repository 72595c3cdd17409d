package app

import (
	"context"

	"punctual/internal/prune"
)

// prune removes what has had its time until ctx ends; only `up` does it, the
// others have the prune commands for it.
func (a *App) prune(ctx context.Context) error {
	prune.Schedule(ctx, a.store, a.log)
	return nil
}

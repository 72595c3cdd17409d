package app

import "context"

func (a *App) prune(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

package app

import (
	"context"
	"errors"
	"os"

	"punctual/internal/report"
)

// ReportOnce queues the reports and nags that are due and returns what it did.
// The mails go out from the processes that run.
func ReportOnce(ctx context.Context, opts Options) (r report.Round, err error) {
	// "" is fine
	host, _ := os.Hostname()
	a, err := newApp(ctx, SendReports, host, opts)
	if err != nil {
		return r, err
	}
	defer func() {
		a.incidents.Close()
		err = errors.Join(err, a.db.Close())
	}()
	if err := errors.Join(a.db.SyncClock(ctx), a.wire()); err != nil {
		return r, err
	}
	return a.parts.reports.RunOnce(ctx)
}

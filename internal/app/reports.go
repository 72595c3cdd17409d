package app

import (
	"context"
	"errors"

	"punctual/internal/metrics"
	"punctual/internal/report"
)

// ReportOnce queues the reports and nags that are due and returns what it did.
// The mails go out from the processes that run.
func ReportOnce(ctx context.Context, opts Options) (r report.Round, err error) {
	a := &App{role: SendReports, cfg: opts.Config, log: opts.Log, opts: opts, metrics: metrics.New(opts.Version, string(SendReports))}
	if err := a.open(ctx); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, a.db.Close()) }()
	if err := a.db.SyncClock(ctx); err != nil {
		return r, err
	}
	if err := a.wire(); err != nil {
		return r, err
	}
	return a.parts.reports.RunOnce(ctx)
}

package report

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/logs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
)

const (
	// between looks; a look that finds nothing is one small query
	every = 20 * time.Second
	// users per look
	batch = 100
	// for one user; a connection that has fallen silent must not stop the loop
	patience = time.Minute
)

// Config is what a worker needs.
type Config struct {
	Store    *store.Store
	Composer *mail.Composer
	Queue    *mail.Queue
	// without a slash at the end
	SiteRoot string
	// Unsubscribe is the path, below SiteRoot, that ends the reports and nags of a
	// user: auth.Signer.UnsubscribeReportsPath.
	Unsubscribe func(user uuid.UUID, at time.Time) string
	Log         *slog.Logger
}

// Worker sends reports and nags. Any number may run beside each other.
type Worker struct{ Config }

// NewWorker makes a worker.
func NewWorker(c Config) *Worker { return &Worker{c} }

// Round is what one look has done.
type Round struct {
	// queued
	Reports, Nags int
	// dates that were set or moved without a mail
	Planned int
}

// String is for people: "2 reports, 1 nag".
func (r Round) String() string {
	return text.Plural(r.Reports, "report", "reports") + ", " + text.Plural(r.Nags, "nag", "nags")
}

// Run looks again and again until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	trouble := logs.Outage{Log: w.Log, Doing: "reports", Level: slog.LevelError}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		began := time.Now()
		r, err := w.RunOnce(ctx)
		if ctx.Err() == nil {
			trouble.Note(err, time.Now())
		}
		if r != (Round{}) {
			w.Log.Info("reports", "reports", r.Reports, "nags", r.Nags, "planned", r.Planned, logs.Took(time.Since(began)))
		}
		timer.Reset(every)
	}
}

// RunOnce queues all mails that are due. Trouble with one user does not keep the
// others waiting: it is logged, and their turn comes again with the next look.
func (w *Worker) RunOnce(ctx context.Context) (Round, error) {
	var r Round
	for {
		due, err := w.due(ctx)
		if err != nil {
			return r, err
		}
		// Workers beside each other begin with different users.
		rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
		failed := 0
		for _, d := range due {
			if err := w.serve(ctx, d, &r); err != nil {
				if ctx.Err() != nil {
					return r, ctx.Err()
				}
				failed++
				w.Log.Error("report", "user", d.User, "nag", d.Nag, "error", err)
			}
		}
		if len(due) < batch || failed > 0 {
			return r, nil
		}
	}
}

func (w *Worker) due(ctx context.Context) ([]store.DueReport, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return w.Store.DueReports(ctx, batch)
}

// serve does for one user what is due, if it still is.
func (w *Worker) serve(ctx context.Context, d store.DueReport, r *Round) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	u, err := w.Store.UserByID(ctx, d.User)
	switch {
	case errs.KindOf(err) == errs.NotFound && err != nil:
		return nil
	case err != nil:
		return err
	case !u.IsActive:
		return nil
	case d.Nag:
		return w.nag(ctx, u, r)
	default:
		return w.report(ctx, u, r)
	}
}

// report sends u a report, when its date has come and there is something to tell,
// and plans the next.
func (w *Worker) report(ctx context.Context, u *monitor.User, r *Round) error {
	now := w.Store.Now()
	if u.Reports == monitor.ReportsOff || u.NextReportAt.After(now) {
		return nil
	}
	next := Next(u, now)
	var m *mail.Message
	var err error
	if !u.NextReportAt.IsZero() {
		m, err = w.compose(ctx, u, now)
		if err != nil {
			return err
		}
	}
	return w.send(ctx, m, &r.Reports, &r.Planned, func(ctx context.Context, e *monitor.Email) (bool, error) {
		return w.Store.PlanReport(ctx, u, next, e)
	})
}

// compose makes the report of u, nil where there is nothing to tell. It is two
// statements, however many checks and projects there are.
func (w *Worker) compose(ctx context.Context, u *monitor.User, now time.Time) (*mail.Message, error) {
	at := w.Store.Reading()
	checks, err := w.Store.ReportChecks(ctx, u.ID)
	if err != nil || !lively(checks, now) {
		return nil, err
	}
	spans := Spans(u.Reports, now.In(zone(u)))
	records := make([]record, len(checks))
	places := make(map[int64]int, len(checks))
	for i := range checks {
		places[checks[i].ID] = i
		records[i] = recordOf(&checks[i], nil, spans, at)
	}
	err = w.Store.EachFlips(ctx, u.ID, spans[1].From, maxFlips, func(check int64, flips []monitor.Flip) {
		// else it was made just now
		i, known := places[check]
		if known {
			records[i] = recordOf(&checks[i], flips, spans, at)
		}
	})
	if err != nil {
		return nil, err
	}
	m := mail.Report{ReportFrame: w.frame("report", u, u.NextReportAt, now), Period: string(u.Reports)}
	content(&m, records, spans, w.SiteRoot)
	return w.Composer.Report(m)
}

// nag reminds u of what is down when the date has come, sets a first date when
// something has gone down, and drops it when nothing is any more.
func (w *Worker) nag(ctx context.Context, u *monitor.User, r *Round) error {
	now := w.Store.Now()
	if u.NagEvery == 0 {
		return nil
	}
	down, err := w.Store.DownChecks(ctx, u.ID)
	if err != nil {
		return err
	}
	var next time.Time
	var m *mail.Message
	switch {
	case len(down) == 0:
		if u.NextNagAt.IsZero() {
			return nil
		}
	case u.NextNagAt.IsZero():
		next = now.Add(u.NagEvery)
	case u.NextNagAt.After(now):
		return nil
	default:
		next = now.Add(u.NagEvery)
		n := mail.Nag{ReportFrame: w.frame("nag", u, u.NextNagAt, now), Every: "hour"}
		if u.NagEvery == 24*time.Hour {
			n.Every = "day"
		}
		reminder(&n, down, now, w.SiteRoot)
		m, err = w.Composer.Nag(n)
		if err != nil {
			return err
		}
	}
	return w.send(ctx, m, &r.Nags, &r.Planned, func(ctx context.Context, e *monitor.Email) (bool, error) {
		return w.Store.PlanNag(ctx, u, next, e)
	})
}

// frame is what reports and nags have in common. The message id is the same for
// everybody who composes the mail of this date.
func (w *Worker) frame(kind string, u *monitor.User, date, now time.Time) mail.ReportFrame {
	return mail.ReportFrame{
		To: u.Email, User: u.ID, Key: fmt.Sprintf("%s-%s-%d", kind, u.ID, date.UnixMicro()),
		Settings: w.SiteRoot + "/accounts/profile/notifications/", Unsubscribe: w.SiteRoot + w.Unsubscribe(u.ID, now), Link: w.SiteRoot + "/",
	}
}

// send moves a date with plan and queues the mail with it, nil = none, and
// counts what was done.
func (w *Worker) send(ctx context.Context, m *mail.Message, sent, planned *int,
	plan func(context.Context, *monitor.Email) (bool, error)) error {
	if m == nil {
		mine, err := plan(ctx, nil)
		if mine {
			*planned++
		}
		return err
	}
	queued, err := w.Queue.EnqueueWith(ctx, m, plan)
	if queued {
		*sent++
	}
	return err
}

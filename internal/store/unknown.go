package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// UnreportedRun is an unknown run that people are to be told of.
type UnreportedRun struct {
	monitor.UnknownRun
	// when it was decided that it is unknown
	DecidedAt time.Time
	// as it is now
	Check monitor.Check
	// that the check belongs to
	Project string
	Owner   monitor.User
	// who is to be told, by mail, and has not been; lower case, each once
	Addresses []string
}

// UnreportedRuns are the unknown runs that somebody is yet to be told of, the oldest first:
// those who get alerts of the check by mail, and its owner for channels of other kinds.
// Nobody is told of a check without channels. At most limit runs are looked at, those behind
// after; nil: from the first on.
func (s *Store) UnreportedRuns(ctx context.Context, after *UnreportedRun, limit int) ([]UnreportedRun, error) {
	if after == nil {
		after = &UnreportedRun{DecidedAt: time.UnixMicro(0)}
	}
	var out []UnreportedRun
	var row UnreportedRun
	dest := append([]any{&row.ID, &row.CheckID, db.Time(&row.Due), db.Time(&row.Deadline), db.Time(&row.BlindFrom), db.Time(&row.BlindUntil),
		&row.Cause, db.Time(&row.DecidedAt), &row.Project, db.UUID(&row.Owner.ID), &row.Owner.Email, &row.Owner.TZ},
		wholeCheck.dest(&row.Check)...)
	err := s.db.Each(ctx, dest, func() { out = append(out, row) }, `SELECT r.id, r.check_id, r.due_at, r.deadline_at, r.blind_from, r.blind_until,
			r.cause, r.decided_at, p.name, u.id, u.email, u.tz, `+wholeCheck.list+`
		FROM unknown_runs r JOIN checks c ON c.id = r.check_id JOIN projects p ON p.id = c.project_id JOIN users u ON u.id = p.owner_id
		WHERE r.notified_at IS NULL AND (r.decided_at, r.id) > ($2, $3) ORDER BY r.decided_at, r.id LIMIT $1`,
		limit, after.DecidedAt, after.ID)
	if err != nil {
		return nil, fmt.Errorf("load unknown runs: %w", err)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, s.addressesOf(ctx, out)
}

// addressesOf fills in who is to be told of the runs.
func (s *Store) addressesOf(ctx context.Context, runs []UnreportedRun) error {
	var runIDs, checks []int64
	for i := range runs {
		runIDs = append(runIDs, runs[i].ID)
		checks = append(checks, runs[i].CheckID)
	}
	e := s.db.Engine
	channels := make(map[int64][]string)
	var check int64
	var ch monitor.Channel
	err := s.db.Each(ctx, []any{&check, &ch.Kind, &ch.Config}, func() {
		channels[check] = append(channels[check], strings.ToLower(s.addressOf(&ch)))
	}, `SELECT cc.check_id, h.kind, h.config FROM check_channels cc JOIN channels h ON h.id = cc.channel_id
		WHERE h.verified AND NOT h.disabled AND `+inSet(e, "cc.check_id", 1, idSet), setOfIDs(e, checks))
	if err != nil {
		return fmt.Errorf("load channels: %w", err)
	}
	notified := make(map[int64][]string)
	var run int64
	var address string
	err = s.db.Each(ctx, []any{&run, &address}, func() { notified[run] = append(notified[run], address) },
		`SELECT n.run_id, n.address FROM unknown_notices n WHERE `+inSet(e, "n.run_id", 1, idSet), setOfIDs(e, runIDs))
	if err != nil {
		return fmt.Errorf("load notices: %w", err)
	}
	for i := range runs {
		r := &runs[i]
		for _, to := range channels[r.CheckID] {
			if to == "" {
				to = strings.ToLower(r.Owner.Email)
			}
			if !slices.Contains(notified[r.ID], to) && !slices.Contains(r.Addresses, to) {
				r.Addresses = append(r.Addresses, to)
			}
		}
	}
	return nil
}

// LastNotice is when a notice of unknown runs was last sent to an address, zero when none was.
func (s *Store) LastNotice(ctx context.Context, address string) (t time.Time, err error) {
	err = s.db.QueryRow(ctx, `SELECT max(n.sent_at) FROM unknown_notices n WHERE n.address = $1`, address).Scan(db.Time(&t))
	if err != nil {
		return t, fmt.Errorf("look for the last notice: %w", err)
	}
	return t, nil
}

// SendNotice queues a mail that tells an address of unknown runs, and stores that it does.
// Where another process has told of one of them, nothing happens and it returns false.
func (s *Store) SendNotice(ctx context.Context, e *monitor.Email, address string, runs []int64) (sent bool, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		sent = false
		// the runs are locked, so that two do not tell of them
		_, err := tx.Exec(ctx, `UPDATE unknown_runs SET notified_at = notified_at WHERE `+inSet(tx.Engine(), "id", 1, idSet),
			setOfIDs(tx.Engine(), runs))
		if err != nil {
			return err
		}
		n, err := execAffects(ctx, tx, `INSERT INTO unknown_notices (run_id, address, sent_at)
			SELECT r.id, $2, $3 FROM unknown_runs r WHERE `+inSet(tx.Engine(), "r.id", 1, idSet)+` ON CONFLICT DO NOTHING`,
			setOfIDs(tx.Engine(), runs), address, tx.Now())
		if err != nil {
			return err
		}
		if n < int64(len(runs)) {
			return errReported
		}
		sent = true
		return enqueueEmail(ctx, tx, e)
	})
	if errors.Is(err, errReported) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("queue a notice: %w", err)
	}
	return sent, nil
}

var errReported = errors.New("another process has reported it")

// AllNotified stores that nobody else is to be told of the runs.
func (s *Store) AllNotified(ctx context.Context, runs []int64) error {
	_, err := s.db.Exec(ctx, `UPDATE unknown_runs SET notified_at = $2 WHERE notified_at IS NULL AND `+inSet(s.db.Engine, "id", 1, idSet),
		setOfIDs(s.db.Engine, runs), s.Now())
	if err != nil {
		return fmt.Errorf("store that all were told: %w", err)
	}
	return nil
}

// StaleBlinds are intervals that no window can meet any more, and unknown runs of which
// nobody asks.
func (s *Store) StaleBlinds() []Stale {
	now := s.Now()
	return []Stale{
		staleRows("blind intervals", "blind_intervals", "id", `ended_at < $1`, now.Add(-blindsKept)),
		staleRows("unknown runs", "unknown_runs", "id", `decided_at < $1`, now.Add(-unknownKept)),
	}
}

const (
	// the longest window: a grace time of a year, and half a period before it
	blindsKept = 550 * 24 * time.Hour
	// as flips
	unknownKept = 93 * 24 * time.Hour
)

package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Claim asks for deliveries to be made.
type Claim struct {
	// who will make them
	Worker uuid.UUID
	// at most so many
	Limit int
	// at most so many for one channel
	PerChannel int
	// how long nobody else takes them
	Lease time.Duration
	// channels that have no room now
	NotChannels []uuid.UUID
	// owners that have no room now, each for one kind
	NotOwners []OwnerKind
	// kinds that have no room now
	NotKinds []string

	// Calm says that no more than Limit are likely to be due, so that it does not
	// matter whose they are. Such a claim costs half as much where there is little.
	Calm bool
}

// OwnerKind is what the owner of projects has of one kind of channel.
type OwnerKind struct {
	Owner uuid.UUID
	Kind  string
}

// One claim looks at the oldest deliveries that are due and at the newest: however
// many of one owner wait, the fresh alert of another one is seen at once. With a
// flood on top, the next claim names its channel in NotChannels or its owner in
// NotOwners and so looks further.
const (
	claimOldest = 350
	claimNewest = 150
)

// ClaimDeliveries leases deliveries that are due, and loads all there is to tell
// with each, in a constant number of statements. Owners take turns, and so do the
// channels of an owner, each with its oldest: a flood for one leaves room for
// others. Nothing is leased while an earlier delivery of the same check and channel
// is pending: those go in order. Nothing is leased while alerts are held (HoldAlerts).
// Claiming counts as an attempt.
//
// A lease is next_try_at pushed into the future; when it runs out, because its
// holder died, the delivery is simply due again. Time is the database's.
func (s *Store) ClaimDeliveries(ctx context.Context, c Claim) ([]*Claimed, error) {
	e := s.db.Engine
	now := s.db.Now()
	claim := s.claimSQLite
	if e == db.Postgres {
		claim = s.claimPostgres
	}
	args := []any{now, setOfUUIDs(e, c.NotChannels), set(e, c.NotKinds), claimOldest, c.PerChannel, c.Limit, c.Worker, now.Add(c.Lease)}
	if !c.Calm {
		args = append(args, claimNewest)
	}
	if len(c.NotOwners) > 0 {
		full := make([]string, len(c.NotOwners))
		for i, o := range c.NotOwners {
			full[i] = o.Owner.String() + " " + o.Kind
		}
		args = append(args, set(e, full))
	}
	ids, err := claim(ctx, claimSQL(e, c.Calm, len(c.NotOwners) > 0), args)
	if err != nil {
		return nil, fmt.Errorf("claim deliveries: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	claimed, err := s.loadClaimed(ctx, c.Worker, ids)
	if err != nil {
		s.giveBack(ctx, c.Worker, ids)
		return nil, fmt.Errorf("load claimed deliveries: %w", err)
	}
	return claimed, nil
}

// claimSQL takes $1 now, $2 channels and $3 kinds to leave out, $4 how many of the
// oldest to look at, $5 at most per channel, $6 at most, $7 worker, $8 end of the
// lease; unless it is calm, how many of the newest to look at; and last, where there
// are any, owners to leave out, as "owner kind".
//
// It is written so that PostgreSQL has one way only, with pgOnlyIndexes: along
// deliveries_pending, asking for each row, until there are enough. Therefore the
// owner, the kind and what comes first are asked for in subqueries, which cannot be
// turned into joins, and coalesce keeps the index of what is pending from being
// searched for one row: that all still holds is looked at after it is locked.
func claimSQL(e db.Engine, calm, notOwners bool) string {
	due := `SELECT d.id, d.channel_id, d.next_try_at FROM deliveries d
			WHERE d.status = 'pending' AND d.next_try_at <= $1 AND NOT ` + heldSQL(1) + `
			AND NOT (` + inSet(e, "d.channel_id", 2, uuidSet) + `)
			`
	if notOwners {
		n := 10
		if calm {
			n = 9
		}
		due += `AND NOT (` +
			inSet(e, "(SELECT p.owner_id || ' ' || h.kind FROM channels h JOIN projects p ON p.id = h.project_id WHERE h.id = d.channel_id)", n,
				textSet) + `)
			`
	}
	due += `AND NOT (` + inSet(e, "(SELECT h.kind FROM channels h WHERE h.id = d.channel_id)", 3, textSet) + `)
			AND d.id = (SELECT b.id FROM deliveries b WHERE b.status = 'pending' AND b.check_id = d.check_id AND b.channel_id = d.channel_id ORDER BY b.id LIMIT 1)
			`
	oldest := due + `ORDER BY d.next_try_at, d.id LIMIT $4`
	ranked := `WITH due AS (` + oldest + `),
		ranked AS (SELECT id, row_number() OVER (PARTITION BY channel_id ORDER BY next_try_at, id) AS turn FROM due)`
	atMost := ` AND r.turn <= $5`
	if !calm {
		ranked = claimTurnsSQL(due, oldest)
		atMost = ""
	}
	lock := ""
	if e == db.Postgres {
		lock = " FOR UPDATE OF d SKIP LOCKED"
	}
	return ranked + `,
		picked AS (
			SELECT d.id FROM ranked r JOIN deliveries d ON d.id = r.id
			WHERE coalesce(d.status, '') = 'pending' AND d.next_try_at <= $1` + atMost + `
			ORDER BY r.turn, d.next_try_at, d.id LIMIT $6` + lock + `)
		UPDATE deliveries SET leased_by = $7, next_try_at = $8, attempts = attempts + 1 WHERE id IN (SELECT id FROM picked) RETURNING id`
}

// claimTurnsSQL lets owners take turns, and looks at the newest where the oldest
// are not all.
func claimTurnsSQL(due, oldest string) string {
	return `WITH oldest AS MATERIALIZED (` + oldest + `),
		due AS (
			SELECT * FROM oldest
			UNION
			SELECT * FROM (` + due + `AND (SELECT count(*) FROM oldest) >= $4 ORDER BY d.next_try_at DESC, d.id DESC LIMIT $9) newest),
		placed AS (
			SELECT id, next_try_at, (SELECT p.owner_id FROM channels h JOIN projects p ON p.id = h.project_id WHERE h.id = due.channel_id) AS owner_id,
				row_number() OVER (PARTITION BY channel_id ORDER BY next_try_at, id) AS place
			FROM due),
		ranked AS (
			SELECT id, row_number() OVER (PARTITION BY owner_id ORDER BY place, next_try_at, id) AS turn FROM placed WHERE place <= $5)`
}

// giveBack releases claimed deliveries that could not even be loaded. Where
// that fails too, their leases run out.
func (s *Store) giveBack(ctx context.Context, worker uuid.UUID, ids []int64) {
	e := s.db.Engine
	_, _ = s.db.Exec(ctx, `UPDATE deliveries SET leased_by = NULL, next_try_at = $2, attempts = attempts - 1
		WHERE leased_by = $1 AND status = 'pending' AND `+inSet(e, "id", 3, idSet), worker, s.db.Now(), setOfIDs(e, ids))
}

// Verdict is what becomes of a claimed delivery.
type Verdict int

// The verdicts.
const (
	// the other side has accepted
	Sent Verdict = iota
	// to be tried again at Outcome.NextTry
	Retry
	// given up
	Failed
	// the channel does not want to know: the delivery is removed
	Unwanted
	// no attempt was made, or none that counts: due again at Outcome.NextTry, zero = at
	// once
	Released
)

// String is the verdict's name for logs.
func (v Verdict) String() string {
	return [...]string{"sent", "retry", "failed", "unwanted", "released"}[v]
}

// Outcome is the verdict on one claimed delivery.
type Outcome struct {
	// of the delivery
	ID int64
	// Claimed.Attempts: with the worker, proof of the lease
	Attempt int
	// of the delivery
	Channel uuid.UUID
	Verdict Verdict
	// Retry and Released only
	NextTry time.Time
	// WaitsFor is, of a Retry, what did not work and lets all that waits for it come
	// at once when it works again (DeliveriesDue); "" = nothing but this delivery. A
	// Released delivery waits for what it says from now on, and a Sent one has waited.
	WaitsFor string
	// Untold is, of an Unwanted delivery, why nobody is told; it is kept with the flip. "" =
	// it is not.
	Untold monitor.WhyUntold
	// an attempt was made: the channel shows how it went
	Tried bool
	ChannelOutcome
}

// FinishDeliveries records outcomes in one transaction. An outcome counts only
// while the worker still holds the lease of that very attempt; the others
// change nothing, for somebody else has the delivery now. It returns how many counted.
func (s *Store) FinishDeliveries(ctx context.Context, worker uuid.UUID, outcomes []Outcome) (counted int, err error) {
	now := s.db.Now()
	rows := make([]outcomeRow, len(outcomes))
	for i, o := range outcomes {
		rows[i] = o.row(now)
	}
	slices.SortFunc(rows, func(a, b outcomeRow) int { return cmp.Compare(a.id, b.id) })
	finish := s.finishSQLite
	if s.db.Engine == db.Postgres {
		finish = s.finishPostgres
	}
	n, nextInLine, err := finish(ctx, worker, rows, latestPerChannel(outcomes))
	if err != nil {
		return 0, fmt.Errorf("record outcomes of deliveries: %w", err)
	}
	if nextInLine || slices.ContainsFunc(rows, func(r outcomeRow) bool { return r.drop }) {
		s.db.WakeLocal(db.TopicDeliveries)
	}
	return int(n), nil
}

// DeliveriesDue makes deliveries due now that wait for their next try because of
// what works again, named as in Outcome.WaitsFor. Those that are being made are left
// alone. It returns how many there were.
func (s *Store) DeliveriesDue(ctx context.Context, worksAgain []string) (int, error) {
	e := s.db.Engine
	n, err := execAffects(ctx, s.db, `UPDATE deliveries SET next_try_at = $1, waits_for = ''
		WHERE status = 'pending' AND waits_for <> '' AND leased_by IS NULL AND next_try_at > $1 AND `+inSet(e, "waits_for", 2, textSet),
		s.db.Now(), set(e, worksAgain))
	if err != nil {
		return 0, fmt.Errorf("make deliveries due: %w", err)
	}
	if n > 0 {
		s.db.WakeLocal(db.TopicDeliveries)
	}
	return int(n), nil
}

// nextInLineSQL tells whether one of the deliveries $1 is over and done with and
// another of the same check and channel has waited for that. To ask is much less
// work than to claim when nothing has.
func nextInLineSQL(e db.Engine) string {
	return `SELECT count((SELECT b.id FROM deliveries b WHERE b.status = 'pending' AND b.check_id = d.check_id AND b.channel_id = d.channel_id AND b.id > d.id
			ORDER BY b.id LIMIT 1)) > 0
		FROM deliveries d WHERE ` + inSet(e, "d.id", 1, idSet) + ` AND d.status <> 'pending'`
}

// outcomeRow is an outcome as it is stored.
type outcomeRow struct {
	id int64
	// what the lease says
	attempts          int
	attemptsAfter     int
	drop              bool
	status            monitor.DeliveryStatus
	nextTry, finished time.Time
	waitsFor          string
	latency           time.Duration
	lastError         string
	answer            string
	untold            monitor.WhyUntold
}

func (o *Outcome) row(now time.Time) outcomeRow {
	r := outcomeRow{id: o.ID, attempts: o.Attempt, attemptsAfter: o.Attempt, status: monitor.DeliveryPending, nextTry: now, latency: o.Latency,
		lastError: o.Error, answer: o.Answer, untold: o.Untold}
	switch o.Verdict {
	case Sent:
		r.status = monitor.DeliverySent
		r.finished = o.At
		r.lastError = ""
		r.waitsFor = o.WaitsFor
	case Failed:
		r.status = monitor.DeliveryFailed
		r.finished = o.At
	case Retry:
		r.nextTry = o.NextTry
		r.waitsFor = o.WaitsFor
	case Unwanted:
		r.drop = true
	case Released:
		r.attemptsAfter--
		r.waitsFor = o.WaitsFor
		if !o.NextTry.IsZero() {
			r.nextTry = o.NextTry
		}
	}
	return r
}

type channelRow struct {
	id uuid.UUID
	ChannelOutcome
}

// latestPerChannel sums the outcomes up for the channels: the last attempt
// shows, and one permanent error is enough to disable. In order of ids.
func latestPerChannel(outcomes []Outcome) []channelRow {
	byID := make(map[uuid.UUID]ChannelOutcome)
	for _, o := range outcomes {
		if !o.Tried {
			continue
		}
		was, seen := byID[o.Channel]
		now := o.ChannelOutcome
		if seen && (was.Disable && !now.Disable || was.Disable == now.Disable && was.At.After(now.At)) {
			// why a channel was disabled outlives a later outcome
			continue
		}
		byID[o.Channel] = now
	}
	rows := make([]channelRow, 0, len(byID))
	for id, o := range byID {
		rows = append(rows, channelRow{id, o})
	}
	slices.SortFunc(rows, func(a, b channelRow) int { return slices.Compare(a.id[:], b.id[:]) })
	return rows
}

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// TakerTimeout is how long a taker may be silent, while the database works, until
// nobody waits for it any more.
const TakerTimeout = 30 * time.Second

// takerKept is how long one that does not count is remembered.
const takerKept = 7 * 24 * time.Hour

// Refusal are pings to one address that were answered with an error of ours, so that they
// may be lost.
type Refusal struct {
	// of the check; zero: that of the slug
	Code uuid.UUID
	// of the project that the slug is of
	PingKey string
	Slug    string
	Way     monitor.Ways
	// when the first and the last of them came
	First, Last time.Time
}

// Widen makes r one of a longer time.
func (r *Refusal) Widen(first, last time.Time) {
	if first.Before(r.First) {
		r.First = first
	}
	if last.After(r.Last) {
		r.Last = last
	}
}

// Sign is what a taker tells of itself.
type Sign struct {
	// its mark: all pings that arrived until then are committed, or among Refused
	Mark time.Time
	// not stored yet
	Refused []Refusal
	// in which it did not listen, with their causes; not stored yet
	Gaps []monitor.Blind
	// a deadline has come: the watchers are woken
	Wake bool
}

// SignTaker stores what a taker tells of itself: with the mark, in one transaction, the
// intervals in which pings may have been lost before it. The first time, and after a time
// in which it did not count, the taker counts from then on; intervals that were open for
// want of one that listens end where it began to.
//
// It writes to the table of pings, too, so that a mark is not moved where no ping could
// be recorded.
func (s *Store) SignTaker(ctx context.Context, t *monitor.Taker, sign Sign) error {
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := execAffects(ctx, tx, `UPDATE takers SET mark_at = $2, seen_at = $3 WHERE id = $1 AND counts`, t.ID, sign.Mark, tx.Now())
		if err != nil {
			return err
		}
		if n == 0 {
			if err := takerCounts(ctx, tx, t, sign.Mark); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `INSERT INTO pings (check_id, n, created_at, kind, scheme, method, ua)
			SELECT -1, no, mark_at, 'ign', '', '', '' FROM takers WHERE id = $1
			ON CONFLICT (check_id, n) DO UPDATE SET created_at = excluded.created_at`, t.ID)
		if err != nil {
			return err
		}
		if err := insertBlinds(ctx, tx, t, sign); err != nil {
			return err
		}
		if sign.Wake || n == 0 {
			tx.Wake(db.TopicMarks)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store the mark: %w", err)
	}
	return nil
}

// takerCounts makes a taker count that did not.
func takerCounts(ctx context.Context, tx *db.Tx, t *monitor.Taker, mark time.Time) error {
	type before struct {
		mark   time.Time
		ways   monitor.Ways
		counts bool
	}
	if err := endHeld(ctx, tx, t); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `DELETE FROM takers WHERE (place = $1 OR spool = $3) AND id <> $2 RETURNING mark_at, ways, counts`, t.Place, t.ID,
		orNull(t.Spool))
	ended, err := db.Collect(rows, err, func(r *sql.Rows, b *before) error { return r.Scan(db.Time(&b.mark), &b.ways, &b.counts) })
	if err != nil {
		return err
	}
	for _, b := range ended {
		if b.counts {
			// its interval ends here
			if err := openBlinds(ctx, tx, t.ID, b.ways, b.mark, monitor.CauseKilled); err != nil {
				return err
			}
		}
	}
	// After it has been silent it listens since now, as far as anybody knows; unless it has kept what came.
	var began time.Time
	err = tx.QueryRow(ctx, `INSERT INTO takers (id, host, place, role, ways, began_at, mark_at, seen_at, spool)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10)
		ON CONFLICT (id) DO UPDATE SET began_at = CASE WHEN takers.spool IS NULL THEN excluded.seen_at ELSE takers.began_at END,
			mark_at = excluded.mark_at, seen_at = excluded.seen_at, counts = $9
		RETURNING began_at`,
		t.ID, t.Host, t.Place, t.Role, t.Ways, t.BeganAt, mark, tx.Now(), true, orNull(t.Spool)).Scan(db.Time(&began))
	if err != nil {
		return err
	}
	for way := range strings.FieldsSeq(string(t.Ways)) {
		_, err := tx.Exec(ctx, `UPDATE blind_intervals SET ended_at = CASE WHEN began_at > $2 THEN began_at ELSE $2 END
			WHERE ended_at IS NULL AND check_id IS NULL AND ways = $1 AND cause NOT IN ('held', 'unreachable')`, way, began)
		if err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `DELETE FROM takers WHERE NOT counts AND seen_at < $1`, tx.Now().Add(-takerKept))
	if err != nil {
		return err
	}
	return dropMarkPings(ctx, tx)
}

// endHeld ends the intervals in which a taker was silent that is back with what it has
// kept: there are none, for it tells itself when it could not take pings. Where another
// process has taken up its spool, they end now: what came in the last moments of the one
// before may be lost.
func endHeld(ctx context.Context, tx *db.Tx, t *monitor.Taker) error {
	if t.Spool == uuid.Nil {
		return nil
	}
	_, err := tx.Exec(ctx, `DELETE FROM blind_intervals WHERE ended_at IS NULL AND check_id IS NULL AND taker = $1 AND cause IN ('held', 'silent')`,
		t.ID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE blind_intervals SET ended_at = $2 WHERE ended_at IS NULL AND check_id IS NULL AND cause = 'held'
		AND taker IN (SELECT k.id FROM takers k WHERE k.spool = $1)`, t.Spool, t.BeganAt)
	return err
}

// orNull is NULL for the zero uuid.
func orNull(id uuid.UUID) uuid.NullUUID { return uuid.NullUUID{UUID: id, Valid: id != uuid.Nil} }

// dropMarkPings removes what takers that are not remembered wrote to the table of pings.
func dropMarkPings(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM pings WHERE check_id = -1 AND NOT EXISTS (SELECT 1 FROM takers t WHERE t.no = pings.n)`)
	return err
}

// openBlinds begins an interval for each of the ways; one that is open already begins
// then, if not before.
func openBlinds(ctx context.Context, tx *db.Tx, taker uuid.UUID, ways monitor.Ways, from time.Time, cause monitor.Cause) error {
	for way := range strings.FieldsSeq(string(ways)) {
		n, err := execAffects(ctx, tx, `UPDATE blind_intervals SET began_at = CASE WHEN began_at > $2 THEN $2 ELSE began_at END
			WHERE ended_at IS NULL AND check_id IS NULL AND ways = $1 AND cause NOT IN ('held', 'unreachable')`, way, from)
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		_, err = tx.Exec(ctx, `INSERT INTO blind_intervals (began_at, ways, taker, cause) VALUES ($1, $2, $3, $4)`, from, way, taker, cause)
		if err != nil {
			return err
		}
	}
	return nil
}

func insertBlinds(ctx context.Context, tx *db.Tx, t *monitor.Taker, sign Sign) error {
	for _, b := range sign.Gaps {
		_, err := tx.Exec(ctx, `INSERT INTO blind_intervals (began_at, ended_at, ways, taker, cause) VALUES ($1, $2, $3, $4, $5)`,
			b.From, b.Until, b.Ways, t.ID, b.Cause)
		if err != nil {
			return err
		}
	}
	if len(sign.Refused) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, insertRefusalsSQL(tx.Engine()), refusalsJSON(tx.Engine(), sign.Refused), t.ID, monitor.CauseRefused)
	return err
}

// insertRefusalsSQL stores the refusals that $1 has as JSON, of taker $2 for cause $3. Those
// to addresses of no check are passed over.
func insertRefusalsSQL(e db.Engine) string {
	id := `$2`
	refusals := `jsonb_to_recordset(CAST($1 AS jsonb)) AS v(code uuid, key text, slug text, way text, first timestamptz, last timestamptz)`
	if e == db.Postgres {
		id = `CAST($2 AS uuid)`
	} else {
		refusals = `(SELECT value ->> 'code' AS code, value ->> 'key' AS key, value ->> 'slug' AS slug, value ->> 'way' AS way,
			value ->> 'first' AS first, value ->> 'last' AS last FROM json_each($1)) v`
	}
	return `INSERT INTO blind_intervals (began_at, ended_at, ways, check_id, taker, cause)
		SELECT v.first, v.last, v.way, c.id, ` + id + `, $3 FROM ` + refusals + ` JOIN checks c ON c.code = v.code
		UNION ALL
		SELECT v.first, v.last, v.way, c.id, ` + id + `, $3 FROM ` + refusals + `
			JOIN projects p ON p.ping_key = v.key JOIN checks c ON c.project_id = p.id AND c.slug = v.slug WHERE v.code IS NULL`
}

// refusalsJSON writes refusals for insertRefusalsSQL.
func refusalsJSON(e db.Engine, refused []Refusal) string {
	type row struct {
		Code  *uuid.UUID   `json:"code"`
		Key   string       `json:"key"`
		Slug  string       `json:"slug"`
		Way   monitor.Ways `json:"way"`
		First any          `json:"first"`
		Last  any          `json:"last"`
	}
	rows := make([]row, len(refused))
	for i := range refused {
		r := &refused[i]
		rows[i] = row{Key: r.PingKey, Slug: r.Slug, Way: r.Way, First: r.First, Last: r.Last}
		if r.Code != uuid.Nil {
			rows[i].Code = &r.Code
		}
		if e == db.SQLite {
			rows[i].First = r.First.UnixMicro()
			rows[i].Last = r.Last.UnixMicro()
		}
	}
	// there is nothing in it that cannot be written
	text, _ := json.Marshal(rows)
	return string(text)
}

// TakerStopped stores that a taker has ended in an orderly way: it listened until
// sign.Mark, and all pings that arrived are recorded. From then on pings may be lost that
// come in ways no other taker listens for, until one does.
func (s *Store) TakerStopped(ctx context.Context, t *monitor.Taker, sign Sign) error {
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := insertBlinds(ctx, tx, t, sign); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM pings WHERE check_id = -1 AND n = (SELECT no FROM takers WHERE id = $1)`, t.ID)
		if err != nil {
			return err
		}
		n, err := execAffects(ctx, tx, `DELETE FROM takers WHERE id = $1 AND counts`, t.ID)
		if err != nil || n == 0 {
			return err
		}
		tx.Wake(db.TopicMarks)
		return lostFrom(ctx, tx, t, sign.Mark, 0, monitor.CauseStopped)
	})
	if err != nil {
		return fmt.Errorf("sign off: %w", err)
	}
	return nil
}

// lostFrom stores that pings may be lost that come in the ways of a taker from a time on:
// until another listened, but at least for a while.
func lostFrom(ctx context.Context, tx *db.Tx, t *monitor.Taker, from time.Time, atLeast time.Duration, cause monitor.Cause) error {
	type other struct {
		ways  monitor.Ways
		began time.Time
	}
	rows, err := tx.Query(ctx, `SELECT t.ways, t.began_at FROM takers t WHERE t.counts AND t.seen_at >= $1 ORDER BY t.began_at`,
		tx.Now().Add(-TakerTimeout))
	others, err := db.Collect(rows, err, func(r *sql.Rows, o *other) error { return r.Scan(&o.ways, db.Time(&o.began)) })
	if err != nil {
		return err
	}
	for way := range strings.FieldsSeq(string(t.Ways)) {
		i := slices.IndexFunc(others, func(o other) bool { return o.ways.Meet(monitor.Ways(way)) })
		if i < 0 {
			if err := openBlinds(ctx, tx, t.ID, monitor.Ways(way), from, cause); err != nil {
				return err
			}
			continue
		}
		until := from.Add(atLeast)
		if others[i].began.After(until) {
			until = others[i].began
		}
		if !until.After(from) {
			continue
		}
		_, err := tx.Exec(ctx, `INSERT INTO blind_intervals (began_at, ended_at, ways, taker, cause) VALUES ($1, $2, $3, $4, $5)`,
			from, until, way, t.ID, cause)
		if err != nil {
			return err
		}
	}
	return nil
}

// TakerSilent stores that a taker does not count any more that has not written since it
// was seen; false where it has, or does not count already. In ways that others listen for
// pings may be lost until TakerTimeout after its mark, in all others until a taker listens.
// One with a spool may be back with what it keeps: it is waited for until EndHeld.
func (s *Store) TakerSilent(ctx context.Context, t *monitor.Taker) (bool, error) {
	dropped := false
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := execAffects(ctx, tx, `UPDATE takers SET counts = $3 WHERE id = $1 AND counts AND seen_at = $2`, t.ID, t.SeenAt, false)
		dropped = n > 0
		if err != nil || !dropped {
			return err
		}
		tx.Wake(db.TopicMarks)
		if t.Spool == uuid.Nil {
			return lostFrom(ctx, tx, t, t.MarkAt, TakerTimeout, monitor.CauseSilent)
		}
		for way := range strings.FieldsSeq(string(t.Ways)) {
			_, err := tx.Exec(ctx, `INSERT INTO blind_intervals (began_at, ways, taker, cause) VALUES ($1, $2, $3, $4)`, t.MarkAt, way, t.ID,
				monitor.CauseHeld)
			if err != nil {
				return err
			}
		}
		return lostFrom(ctx, tx, t, t.MarkAt, 0, monitor.CauseSilent)
	})
	if err != nil {
		return false, fmt.Errorf("store that a taker is silent: %w", err)
	}
	return dropped, nil
}

// EndHeld ends the interval b, of a silent taker that keeps pings: nobody waits for it any
// longer than until then.
func (s *Store) EndHeld(ctx context.Context, b *monitor.Blind, until time.Time) error {
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE blind_intervals SET ended_at = $3 WHERE ended_at IS NULL AND check_id IS NULL AND cause = 'held'
			AND taker = $1 AND ways = $2`, b.Taker, b.Ways, until)
		tx.Wake(db.TopicMarks)
		return err
	})
	if err != nil {
		return fmt.Errorf("wait no longer for a silent taker: %w", err)
	}
	return nil
}

// TouchTakers writes something that changes nothing: who can do that can hear a taker
// that writes.
func (s *Store) TouchTakers(ctx context.Context) error {
	_, err := s.db.Exec(ctx, `UPDATE takers SET counts = counts`)
	if err != nil {
		return fmt.Errorf("look whether the database takes writes: %w", err)
	}
	return nil
}

// ForgetMail ends the interval that is open since nobody takes pings by mail any more, for
// good; false where none is open. Deadlines of checks that are pinged by mail are judged
// from then on.
func (s *Store) ForgetMail(ctx context.Context) (bool, error) {
	ended := false
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := execAffects(ctx, tx, `UPDATE blind_intervals SET ended_at = $2 WHERE ended_at IS NULL AND check_id IS NULL AND ways = $1
			AND cause NOT IN ('held', 'unreachable')`, monitor.WayMail, tx.Now())
		ended = n > 0
		tx.Wake(db.TopicMarks)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("forget pings by mail: %w", err)
	}
	return ended, nil
}

// ForgetTaker removes one that does not count, and waits no longer for pings it may keep;
// false where there is none of that id.
func (s *Store) ForgetTaker(ctx context.Context, id uuid.UUID) (forgotten bool, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := execAffects(ctx, tx, `DELETE FROM takers WHERE id = $1 AND NOT counts`, id)
		forgotten = n > 0
		if err != nil || !forgotten {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE blind_intervals SET ended_at = $2 WHERE ended_at IS NULL AND check_id IS NULL AND cause = 'held'
			AND taker = $1`, id, tx.Now())
		if err != nil {
			return err
		}
		tx.Wake(db.TopicMarks)
		return dropMarkPings(ctx, tx)
	})
	if err != nil {
		return false, fmt.Errorf("forget a taker: %w", err)
	}
	return forgotten, nil
}

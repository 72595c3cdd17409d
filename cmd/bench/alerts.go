package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// ids is a range of checks.
type ids struct{ first, last int }

func (r ids) count() int { return r.last - r.first + 1 }

// tellTo makes a webhook channel to the sink and assigns it to the checks.
func (i *instance) alertTo(ctx context.Context, s *sink, checks ids) error {
	channel := uuid.New()
	config := fmt.Sprintf(`{"method_down":"GET","url_down":"http://%s/$CODE"}`, s.addr)
	err := i.exec(ctx,
		`INSERT INTO channels (id, project_id, kind, name, config, verified, disabled, created_at) VALUES ($1, $2, 'webhook', '', $3, $4, $5, $6)`,
		channel, i.project, config, true, false, i.store.Now())
	if err != nil {
		return err
	}
	err = i.exec(ctx, `INSERT INTO check_channels (check_id, channel_id) SELECT id, `+i.uuidArgument(1)+
		` FROM checks WHERE id BETWEEN $2 AND $3`, channel, checks.first, checks.last)
	return err
}

// uuidArgument is an argument in a place where PostgreSQL takes it for text.
func (i *instance) uuidArgument(n int) string {
	if i.cluster != nil {
		return fmt.Sprintf("$%d::uuid", n)
	}
	return fmt.Sprintf("$%d", n)
}

// setDeadlines makes the checks up, as after a ping a period ago, so that they
// fall due in their order, evenly over the spread that begins at first.
func (i *instance) setDeadlines(ctx context.Context, checks ids, first time.Time, spread time.Duration, steps int) error {
	steps = min(steps, checks.count())
	// one, so that nobody sees half of them
	return i.store.DB().InTx(ctx, func(tx *db.Tx) error {
		for step := range steps {
			from := checks.first + checks.count()*step/steps
			to := checks.first + checks.count()*(step+1)/steps - 1
			at := first.Add(spread * time.Duration(step) / time.Duration(steps))
			_, err := tx.Exec(ctx,
				`UPDATE checks SET status = 'up', last_ping_at = $1, last_start_at = NULL, due_at = $2, alert_at = $3, watch_at = $3 WHERE id BETWEEN $4 AND $5`,
				at.Add(-period-grace), at.Add(-grace), at, from, to)
			if err != nil {
				return fmt.Errorf("set deadlines: %w", err)
			}
		}
		tx.Wake(db.TopicChecks)
		return nil
	})
}

// deadlines are those of the checks by their codes, read back as stored.
func deadlines(checks ids, first time.Time, spread time.Duration, steps int) map[uuid.UUID]time.Time {
	steps = min(steps, checks.count())
	out := make(map[uuid.UUID]time.Time, checks.count())
	for step := range steps {
		at := first.Add(spread * time.Duration(step) / time.Duration(steps))
		for id := checks.first + checks.count()*step/steps; id < checks.first+checks.count()*(step+1)/steps; id++ {
			out[codeOf(id)] = at
		}
	}
	return out
}

// lateness is how long after its deadline each check was told of first.
func lateness(arrivals []arrival, due map[uuid.UUID]time.Time) []time.Duration {
	seen := make(map[uuid.UUID]bool, len(arrivals))
	var out []time.Duration
	for _, a := range arrivals {
		at, ok := due[a.code]
		if ok && !seen[a.code] {
			seen[a.code] = true
			out = append(out, a.at.Sub(at))
		}
	}
	return out
}

// lates are the usual figures of how late something was.
func lates(what string, values []time.Duration) figures {
	return figures{
		ms(what+" p50 ms", quantile(values, .5)), ms(what+" p99 ms", quantile(values, .99)), ms(what+" max ms", quantile(values, 1)),
	}
}

package db

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Topic names what a wake-up call is about.
type Topic string

// The topics.
const (
	TopicDeliveries Topic = "deliveries" // a delivery waits to be sent
	TopicEmails     Topic = "emails"     // a mail is queued
	TopicChecks     Topic = "checks"     // a check changed: live pages look again
)

// Wake calls those who Watch topic, in this and other processes, once the
// transaction has committed.
func (t *Tx) Wake(topic Topic) {
	if !slices.Contains(t.wakes, topic) {
		t.wakes = append(t.wakes, topic)
	}
}

// notify tells other processes; PostgreSQL passes it on at commit.
func (t *Tx) notify(ctx context.Context) error {
	if t.db.Engine != Postgres {
		return nil
	}
	for _, topic := range t.wakes {
		if _, err := t.tx.ExecContext(ctx, `SELECT pg_notify($1, '')`, channelName(topic)); err != nil {
			return fmt.Errorf("wake %s: %w", topic, err)
		}
	}
	return nil
}

func channelName(topic Topic) string { return "punctual_" + string(topic) }

// WakeLocal calls those who Watch topic in this process only. Writers that
// bypass InTx use it after their commit, together with NotifySQL.
func (d *DB) WakeLocal(topics ...Topic) { d.bus.wake(topics...) }

// NotifySQL is the PostgreSQL statement, without arguments, that passes a
// wake-up call to other processes when its transaction commits.
func NotifySQL(topic Topic) string { return "NOTIFY " + channelName(topic) }

// Watch returns a channel that receives a value soon after each wake-up call of
// any of the topics; calls that come close together may be merged. It ends with ctx.
//
// Calls from other processes arrive by LISTEN on PostgreSQL, and on SQLite by
// looking whether somebody else has written, every 100 ms. A watcher must still
// look by itself now and then: a call can be lost while a connection is away.
func (d *DB) Watch(ctx context.Context, topics ...Topic) <-chan struct{} {
	ch := make(chan struct{}, 1)
	stop := d.bus.subscribe(ch, topics)
	go func() {
		defer stop()
		if d.Engine == Postgres {
			d.listen(ctx, ch, topics)
			return
		}
		d.pollDataVersion(ctx, ch)
	}()
	return ch
}

// listen passes PostgreSQL notifications on, and reconnects when the connection breaks.
func (d *DB) listen(ctx context.Context, ch chan<- struct{}, topics []Topic) {
	for ctx.Err() == nil {
		if d.listenOnce(ctx, ch, topics) == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
			poke(ch) // something may have been missed
		}
	}
}

func (d *DB) listenOnce(ctx context.Context, ch chan<- struct{}, topics []Topic) error {
	pooled, err := d.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := pooled.Hijack() // LISTEN belongs to the connection; it must not return to the pool
	defer conn.Close(context.WithoutCancel(ctx))
	for _, topic := range topics {
		if _, err := conn.Exec(ctx, "LISTEN "+channelName(topic)); err != nil {
			return err
		}
	}
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		poke(ch)
	}
}

const dataVersionInterval = 100 * time.Millisecond

// pollDataVersion notices commits of other connections to the SQLite file.
func (d *DB) pollDataVersion(ctx context.Context, ch chan<- struct{}) {
	conn, err := d.read.Conn(ctx)
	if err != nil {
		return
	}
	defer conn.Close()
	tick := time.NewTicker(dataVersionInterval)
	defer tick.Stop()
	var last int64
	for {
		var version int64
		if err := conn.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version); err == nil && version != last {
			if last != 0 {
				poke(ch)
			}
			last = version
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// bus carries wake-up calls within the process.
type bus struct {
	mu     sync.Mutex
	closed bool
	subs   map[chan<- struct{}][]Topic
}

func (b *bus) subscribe(ch chan<- struct{}, topics []Topic) (stop func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs == nil {
		b.subs = make(map[chan<- struct{}][]Topic)
	}
	b.subs[ch] = topics
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs, ch)
	}
}

func (b *bus) wake(topics ...Topic) {
	if len(topics) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch, want := range b.subs {
		if !b.closed && slices.ContainsFunc(topics, func(t Topic) bool { return slices.Contains(want, t) }) {
			poke(ch)
		}
	}
}

func (b *bus) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

func poke(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

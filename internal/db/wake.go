package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"punctual/internal/incident"
)

// Topic names what a wake-up call is about.
type Topic string

// The topics.
const (
	// a delivery waits to be sent
	TopicDeliveries Topic = "deliveries"
	// a mail is queued
	TopicEmails Topic = "emails"
	// a check changed: live pages look again
	TopicChecks Topic = "checks"
	// pings were recorded; PostgreSQL does not pass it on to other processes
	TopicPings Topic = "pings"
	// a taker has moved its mark past a deadline, or does not count any more
	TopicMarks Topic = "marks"
)

func allTopics() []Topic {
	return []Topic{TopicDeliveries, TopicEmails, TopicChecks, TopicPings, TopicMarks}
}

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
		_, err := t.tx.ExecContext(ctx, `SELECT pg_notify($1, '')`, channelName(topic))
		if err != nil {
			return fmt.Errorf("wake %s: %w", topic, err)
		}
	}
	return nil
}

const channelPrefix = "punctual_"

func channelName(topic Topic) string { return channelPrefix + string(topic) }

// WakeLocal calls those who Watch topic in this process only. Writers that
// bypass InTx use it after their commit, together with NotifySQL.
func (d *DB) WakeLocal(topics ...Topic) { d.bus.wake(topics...) }

// NotifySQL is the PostgreSQL statement, without arguments, that passes a
// wake-up call to other processes when its transaction commits.
func NotifySQL(topic Topic) string { return "NOTIFY " + channelName(topic) }

// Watch returns a channel that receives a value soon after each wake-up call of
// any of the topics; calls that come close together may be merged. It ends with ctx.
//
// Calls from other processes arrive by LISTEN on PostgreSQL (through a connection
// pooler there is a call every second instead), and on SQLite by looking whether
// somebody else has written, every 100 ms. A watcher must still
// look by itself now and then: a call can be lost while a connection is away.
func (d *DB) Watch(ctx context.Context, topics ...Topic) <-chan struct{} {
	ch := make(chan struct{}, 1)
	context.AfterFunc(ctx, d.bus.subscribe(ch, topics))
	d.listener.start(d.listen)
	return ch
}

// listener is the one goroutine of a DB, with one connection, that listens to calls from
// other processes for all watchers. It starts with the first of them.
type listener struct {
	once sync.Once
	stop context.CancelFunc
	done chan struct{}
}

func (e *listener) start(listen func(context.Context)) {
	e.once.Do(func() {
		ctx, stop := context.WithCancel(context.Background())
		e.stop = stop
		e.done = make(chan struct{})
		go func() {
			defer close(e.done)
			listen(ctx)
		}()
	})
}

// close ends the listening; a later start does nothing.
func (e *listener) close() {
	e.once.Do(func() {})
	if e.stop != nil {
		e.stop()
		<-e.done
	}
}

// listen passes calls from other processes on until ctx ends.
func (d *DB) listen(ctx context.Context) {
	once := d.listenSQLite
	switch {
	case d.pooled:
		once = d.listenPooled
	case d.Engine == Postgres:
		once = d.listenPostgres
	}
	keepListening(ctx, d.log, once)
}

// keepListening starts once anew when it ends, as when its connection breaks; it
// then calls everybody: something may have been missed.
func keepListening(ctx context.Context, log *slog.Logger, once func(ctx context.Context, again bool) error) {
	for again := false; ; again = true {
		err := incident.Catch("worker", func() error { return once(ctx, again) })
		// a database that is away is noticed by those who ask it
		bug, ok := errors.AsType[*incident.Panic](err)
		if ok {
			log.Error("listen for wake-up calls", "error", bug)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

func (d *DB) listenPostgres(ctx context.Context, again bool) error {
	pooled, err := d.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	// LISTEN belongs to the connection; it must not return to the pool
	conn := pooled.Hijack()
	defer conn.Close(context.WithoutCancel(ctx))
	for _, topic := range allTopics() {
		_, err := conn.Exec(ctx, "LISTEN "+channelName(topic))
		if err != nil {
			return err
		}
	}
	if again {
		d.bus.wake(allTopics()...)
	}
	for {
		call, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		d.bus.wake(Topic(strings.TrimPrefix(call.Channel, channelPrefix)))
	}
}

const dataVersionInterval = 100 * time.Millisecond

// listenSQLite notices what other processes commit to the file. What it was about
// it cannot tell. It asks the one connection that writes: any other would take
// this process for a stranger, too, and call everybody after each ping.
func (d *DB) listenSQLite(ctx context.Context, again bool) error {
	tick := time.NewTicker(dataVersionInterval)
	defer tick.Stop()
	var last int64
	for first := true; ; first = false {
		var version int64
		if err := d.write.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version); err != nil {
			return err
		}
		if version != last && (!first || again) {
			d.bus.wake(allTopics()...)
		}
		last = version
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// bus carries wake-up calls within the process.
type bus struct {
	mu   sync.Mutex
	subs map[chan<- struct{}][]Topic
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
		if slices.ContainsFunc(topics, func(t Topic) bool { return slices.Contains(want, t) }) {
			poke(ch)
		}
	}
}

func poke(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

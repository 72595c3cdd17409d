package db_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"punctual/internal/db"
)

// wake makes a call from a transaction of d.
func wake(t *testing.T, d *db.DB, topics ...db.Topic) {
	t.Helper()
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		exec(t, tx, `UPDATE things SET x = x + 1`)
		for _, topic := range topics {
			tx.Wake(topic)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func things(t *testing.T, d *db.DB) {
	t.Helper()
	exec(t, d, `CREATE TABLE things (x bigint)`)
	exec(t, d, `INSERT INTO things VALUES (1)`)
}

func called(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func TestACallReachesThisProcessAtItsCommit(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		things(t, d)
		ctx, cancel := context.WithCancel(t.Context())
		deliveries := d.Watch(ctx, db.TopicDeliveries)
		both := d.Watch(t.Context(), db.TopicEmails, db.TopicDeliveries)
		wake(t, d, db.TopicDeliveries, db.TopicDeliveries)
		if !called(deliveries) || !called(both) {
			t.Error("a watcher was not called")
		}
		d.WakeLocal(db.TopicEmails)
		if !called(both) {
			t.Error("WakeLocal does not call")
		}
		cancel()
		eventually(t, "the end of the watch", func() bool {
			called(deliveries)
			d.WakeLocal(db.TopicDeliveries)
			return !called(deliveries)
		})
	})
}

func TestATransactionRolledBackCallsNobody(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		ch := d.Watch(t.Context(), db.TopicChecks)
		_ = d.InTx(t.Context(), func(tx *db.Tx) error {
			tx.Wake(db.TopicChecks)
			return context.Canceled
		})
		if called(ch) {
			t.Error("called although nothing has happened")
		}
	})
}

// twice opens one database two times, as two processes do.
func twice(t *testing.T, test func(t *testing.T, here, there *db.DB)) {
	t.Helper()
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := address(t, engine)
			here := open(t, url, db.Options{})
			things(t, here)
			test(t, here, open(t, url, db.Options{}))
		})
	}
}

func TestACallReachesOtherProcesses(t *testing.T) {
	twice(t, func(t *testing.T, here, there *db.DB) {
		first := here.Watch(t.Context(), db.TopicDeliveries)
		second := here.Watch(t.Context(), db.TopicDeliveries, db.TopicChecks)
		// the first may come before anybody listens, hence the repetition
		for range 2 {
			eventually(t, "the call", func() bool { wake(t, there, db.TopicDeliveries); return called(first) })
			eventually(t, "the call", func() bool { return called(second) })
		}
	})
}

func TestPostgresCallsOnlyThoseItIsAbout(t *testing.T) {
	url := address(t, db.Postgres)
	here := open(t, url, db.Options{})
	there := open(t, url, db.Options{})
	things(t, here)
	emails := here.Watch(t.Context(), db.TopicEmails)
	checks := here.Watch(t.Context(), db.TopicChecks)
	eventually(t, "the call", func() bool { wake(t, there, db.TopicEmails); return called(emails) })
	if called(checks) {
		t.Error("those who watch checks were called about emails")
	}
	eventually(t, "a NOTIFY", func() bool { exec(t, there, db.NotifySQL(db.TopicChecks)); return called(checks) })
}

// What SQLite passes on is about everything, so it passes on only what others do.
func TestSQLiteCallsNobodyAboutItsOwn(t *testing.T) {
	url := address(t, db.SQLite)
	// each second of its clock has ten looks at the file
	synctest.Test(t, func(t *testing.T) {
		here := open(t, url, db.Options{})
		there := open(t, url, db.Options{})
		things(t, here)
		emails := here.Watch(t.Context(), db.TopicEmails)
		<-time.After(time.Second)
		called(emails)
		for range 3 {
			wake(t, here, db.TopicDeliveries)
			<-time.After(time.Second)
			if called(emails) {
				t.Error("called about what this process has done")
			}
			wake(t, there, db.TopicDeliveries)
			<-time.After(time.Second)
			if !called(emails) {
				t.Error("not called about what another one has done")
			}
		}
	})
}

func TestWatchersTakeOneConnectionTogether(t *testing.T) {
	twice(t, func(t *testing.T, here, there *db.DB) {
		var watchers []<-chan struct{}
		// more than any pool has
		for range 40 {
			watchers = append(watchers, here.Watch(t.Context(), db.TopicChecks))
		}
		eventually(t, "the call", func() bool { wake(t, there, db.TopicChecks); return called(watchers[0]) })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := here.Ping(ctx); err != nil {
			t.Fatalf("no connection is left: %v", err)
		}
		if here.Engine == db.Postgres {
			n := number(t, there, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`)
			if n != 1 {
				t.Errorf("%d connections listen, want 1", n)
			}
		}
	})
}

func TestAClosedDatabaseListensNoMore(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		d, err := db.Open(t.Context(), address(t, engine), db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ch := d.Watch(t.Context(), db.TopicChecks)
		for range 2 {
			if err := d.Close(); err != nil {
				t.Errorf("%s: close: %v", engine, err)
			}
		}
		if d.Watch(t.Context(), db.TopicChecks); called(ch) {
			t.Errorf("%s: called after the end", engine)
		}
	}
}

func TestListeningGoesOnAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var log strings.Builder
		var tries []bool
		db.KeepListening(ctx, slog.New(slog.NewTextHandler(&log, nil)), func(_ context.Context, again bool) error {
			tries = append(tries, again)
			if len(tries) == 1 {
				panic("a bug")
			}
			cancel()
			return ctx.Err()
		})
		if len(tries) != 2 || !tries[1] || strings.Count(log.String(), "panic: a bug") != 1 {
			t.Errorf("tries %v, logged %s", tries, log.String())
		}
	})
}

package db_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
	"punctual/internal/testkit/need"
)

func TestThePoolComesBackWithPostgres(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and stops a server")
	}
	cluster, err := pgtest.Start(pgtest.Options{})
	if err != nil {
		need.Missing(t, "PostgreSQL", err)
	}
	t.Cleanup(func() { cluster.Close() })
	url, err := cluster.CreateDatabase()
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, url, db.Options{})
	things(t, d)
	ch := d.Watch(t.Context(), db.TopicChecks)

	// Many connections, idle and in the middle of a transaction, when the server crashes.
	var ready, crashed, done sync.WaitGroup
	ready.Add(4)
	crashed.Add(1)
	for range 4 {
		done.Go(func() {
			err := d.InTx(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), `INSERT INTO things VALUES (100)`)
				ready.Done()
				crashed.Wait()
				if err == nil {
					_, err = tx.Exec(t.Context(), `INSERT INTO things VALUES (100)`)
				}
				return err
			})
			if !db.IsUnavailable(err) {
				t.Errorf("a transaction cut off by the crash: %v (%T), want it told as unavailable", err, err)
			}
		})
	}
	ready.Wait()
	if err := cluster.Stop("immediate"); err != nil {
		t.Fatal(err)
	}
	crashed.Done()
	done.Wait()

	_, execErr := d.Exec(t.Context(), `UPDATE things SET x = 2`)
	var x int64
	for what, err := range map[string]error{
		"a statement":   execErr,
		"a query":       d.QueryRow(t.Context(), `SELECT x FROM things`).Scan(&x),
		"a transaction": d.InTx(t.Context(), func(*db.Tx) error { return nil }),
		"the clock":     d.SyncClock(t.Context()),
		"a ping":        d.Ping(t.Context()),
	} {
		if !db.IsUnavailable(err) {
			t.Errorf("%s with the server gone: %v (%T), want it told as unavailable", what, err, err)
		}
	}
	called(ch)

	if err := cluster.Restart(); err != nil {
		t.Fatal(err)
	}
	n := number(t, d, `SELECT count(*) FROM things`)
	if n != 1 {
		t.Errorf("%d rows after the crash, want 1", n)
	}
	wake(t, d)
	eventually(t, "a call after the crash", func() bool { return called(ch) })
	eventually(t, "the listener", func() bool { exec(t, d, db.NotifySQL(db.TopicChecks)); return called(ch) })
}

func TestALockedSQLiteFileIsUnavailable(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	here := open(t, url, db.Options{})
	there := open(t, url, db.Options{})
	things(t, here)
	err := here.InTx(t.Context(), func(tx *db.Tx) error {
		exec(t, tx, `UPDATE things SET x = 2`)
		conn, err := db.SQLiteConn(t.Context(), there)
		if err != nil {
			return err
		}
		// the five seconds of production would be a long test
		_, err = conn.ExecContext(t.Context(), `PRAGMA busy_timeout(10)`)
		conn.Close()
		if err != nil {
			return err
		}
		_, err = there.Exec(t.Context(), `UPDATE things SET x = 3`)
		if !db.IsUnavailable(err) {
			t.Errorf("a statement while another process writes: %v, want it told as unavailable", err)
		}
		err = there.InTx(t.Context(), func(*db.Tx) error { return nil })
		if !db.IsUnavailable(err) {
			t.Errorf("a transaction while another process writes: %v, want it told as unavailable", err)
		}
		x := number(t, there, `SELECT x FROM things`)
		if x != 1 {
			t.Errorf("a reader beside the writer sees %d, want what was committed", x)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, there, `UPDATE things SET x = x + 1`)
	x := number(t, here, `SELECT x FROM things`)
	if x != 3 {
		t.Errorf("x is %d, want 3", x)
	}
}

func TestWritersOfOneSQLiteFileTakeTurns(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	here := open(t, url, db.Options{})
	there := open(t, url, db.Options{})
	things(t, here)
	var writers sync.WaitGroup
	for _, d := range []*db.DB{here, there} {
		for range 4 {
			writers.Go(func() {
				for range 10 {
					err := d.InTx(t.Context(), func(tx *db.Tx) error {
						x := number(t, tx, `SELECT x FROM things`)
						exec(t, tx, `UPDATE things SET x = $1`, x+1)
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	writers.Wait()
	x := number(t, here, `SELECT x FROM things`)
	if x != 81 {
		t.Errorf("x is %d, want 81: writers overtook each other", x)
	}
}

func TestAQueryThatTakesTooLongIsGivenUp(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		started := time.Now()
		var n int64
		err := d.QueryRow(ctx,
			`WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000000000) SELECT count(*) FROM c`).Scan(&n)
		if err == nil || time.Since(started) > 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(started))
		}
		if err := d.Ping(t.Context()); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

package db_test

import (
	"testing"
	"time"

	"punctual/internal/db"
)

func TestTheClockFollowsTheDatabase(t *testing.T) {
	d := open(t, address(t, db.Postgres), db.Options{})
	skew := d.Skew()
	if skew != 0 {
		t.Fatalf("skew %v on one machine", skew)
	}
	for _, shift := range []time.Duration{-time.Hour, 3 * time.Minute} {
		db.ShiftLocalClock(d, shift)
		if err := d.SyncClock(t.Context()); err != nil {
			t.Fatal(err)
		}
		wrong := d.Skew() + shift
		if wrong.Abs() > 2*time.Second {
			t.Errorf("local clock %v ahead: skew %v", shift, d.Skew())
		}
		if wrong := time.Until(d.Now()); wrong.Abs() > 2*time.Second {
			t.Errorf("local clock %v ahead: the time is wrong by %v", shift, wrong)
		}
	}
	db.ShiftLocalClock(d, 0)
	if err := d.SyncClock(t.Context()); err != nil || d.Skew() != 0 {
		t.Errorf("clocks that agree: skew %v, %v", d.Skew(), err)
	}
}

func TestAnInjectedClockIsTheTruth(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		now := d.Now()
		if time.Since(now).Abs() > time.Minute || now.Location() != time.UTC || now.Nanosecond()%1000 != 0 {
			t.Errorf("without one, the time is %v", now)
		}
	})
	at := time.Date(2020, 2, 29, 13, 0, 0, 1999, time.FixedZone("CET", 3600))
	d := open(t, address(t, db.Postgres), db.Options{Now: func() time.Time { return at }})
	if err := d.SyncClock(t.Context()); err != nil || d.Skew() != 0 {
		t.Errorf("skew %v, %v", d.Skew(), err)
	}
	want := time.Date(2020, 2, 29, 12, 0, 0, 1000, time.UTC)
	if d.Now() != want {
		t.Errorf("now %v, want %v", d.Now(), want)
	}
}

func TestSQLiteNeedsNoCorrection(t *testing.T) {
	d := open(t, address(t, db.SQLite), db.Options{})
	db.ShiftLocalClock(d, time.Hour)
	if err := d.SyncClock(t.Context()); err != nil || d.Skew() != 0 {
		t.Errorf("skew %v, %v", d.Skew(), err)
	}
}

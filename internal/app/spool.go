package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"punctual/internal/config"
	"punctual/internal/logs"
	"punctual/internal/ping"
	"punctual/internal/spool"
)

// startRecorder makes what records the pings that come to this process, and what keeps them
// while the database takes none.
func (a *App) startRecorder() error {
	a.takerID = uuid.New()
	limits := ping.Limits{
		Rates:  ping.Rates{Check: a.cfg.PingCheckRate, Project: a.cfg.PingProjectRate},
		Bodies: a.parts.bodies,
	}
	a.ahead.end()
	var err error
	a.spool, err = a.openSpool()
	if err != nil {
		return err
	}
	if a.spool != nil {
		limits.Keep = ping.Keep{Spool: a.spool, Store: a.store, Taker: a.takerID, Host: a.node.Host}
	}
	a.recorder = ping.NewRecorder(a.store, limits, logs.In(a.log, logs.Ping), a.observePings())
	return nil
}

// openSpool opens the directory where this process keeps pings; nil where it keeps none. One
// that nobody has asked for is done without where it cannot be used.
func (a *App) openSpool() (*spool.Spool, error) {
	if a.cfg.SpoolDir == config.SpoolOff {
		return nil, nil
	}
	// each process needs its own
	dir := filepath.Join(a.cfg.SpoolDir, string(a.role))
	s, err := spool.Open(dir, spool.Options{Limits: spool.Limits{Bytes: a.cfg.SpoolBytes}, Now: a.opts.Now})
	if err == nil {
		if s.Depth() > 0 {
			a.log.Info("pings that were kept are being recorded", "pings", s.Depth(), "oldest", s.Oldest())
		}
		return s, nil
	}
	if a.cfg.SpoolGiven() {
		return nil, fmt.Errorf("PUNCTUAL_SPOOL_DIR: pings cannot be kept in %s (set it to another directory, or to off): %w", dir, err)
	}
	a.log.Warn("no pings are kept while the database is away: set PUNCTUAL_SPOOL_DIR to a directory on a disk, or to off", "directory", dir,
		"reason", err)
	if errors.Is(err, spool.ErrNewer) {
		return nil, err
	}
	return nil, nil
}

// damageEvery is how often is looked whether the spool was found damaged.
const damageEvery = time.Second

// followDamages calls reportDamages until ctx ends: the mark stands still meanwhile.
func (a *App) followDamages(ctx context.Context, t *ping.Taker, told time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(damageEvery):
		}
		if a.spool.Damaged().After(told) {
			told = a.reportDamages(t, told)
		}
	}
}

// reportDamages tells the watchers what a damaged spool has lost, and operators of it: of
// damages that were noticed after a time. It returns when the last was.
func (a *App) reportDamages(t *ping.Taker, told time.Time) time.Time {
	if a.spool == nil {
		return told
	}
	for _, d := range a.spool.Damages() {
		if !d.At.After(told) {
			continue
		}
		from := d.From
		if from.IsZero() {
			from = d.At.Add(-a.cfg.BlindWait())
		}
		a.log.Error("the spool was damaged, pings that were kept may be lost", "reason", d.Reason, "set_aside", d.SetAside, "kept", d.Kept,
			"lost", d.Lost, "from", from, "to", d.To)
		if d.Lost != 0 {
			a.incidents.Notify("Pings that were kept may be lost", fmt.Sprintf("The spool of %s on %s was damaged (%s). Pings that arrived from %s "+
				"to %s may be lost. Runs of that time are shown as unknown.", a.role, a.node.Host, d.Reason, utc(from), utc(d.To)))
			t.Lost(from, d.To)
		}
		told = d.At
		t.DamageTold(told)
		id := d.ID
		t.AfterSign(func() {
			if err := a.spool.ClearDamage(id); err != nil {
				a.log.Warn("forget the damage of the spool", "error", err)
			}
		})
	}
	return told
}

// utc is a moment for operators.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

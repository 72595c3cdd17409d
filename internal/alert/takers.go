package alert

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

// takers follows the processes that take pings: one that is silent while the database
// works must not keep deadlines from being judged, and operators hear of it.
type takers struct {
	cfg Config
	// since when the database has taken our writes, while one is silent; zero: none is
	writes time.Time
	// when it took the last
	wrote time.Time
	// that we have stored as silent
	silent map[uuid.UUID]bool
	// operators were told, by us or others, that nobody takes pings of the way
	notified map[monitor.Ways]bool
	// we know whether they were
	looked map[monitor.Ways]bool
}

func newTakers(cfg Config) takers {
	return takers{cfg: cfg, silent: make(map[uuid.UUID]bool), notified: make(map[monitor.Ways]bool), looked: make(map[monitor.Ways]bool)}
}

const (
	// after so long without a write a taker may be silent
	quietAfter = 7 * time.Second
	// how often we write while one may be
	writeEvery = time.Second
	// a longer pause between our own writes says that it may be us
	writeGap = 5 * time.Second
)

// follow looks at the takers, once in a round.
func (t *takers) follow(ctx context.Context, h *store.Hearing) {
	t.dropSilent(ctx, h)
	for i := range h.Takers {
		taker := &h.Takers[i]
		if taker.Counts && t.silent[taker.ID] {
			delete(t.silent, taker.ID)
			t.cfg.notifyOperators("A process that takes pings is back", fmt.Sprintf("%s on %s (%s) works again.", taker.Role, taker.Host, taker.ID))
		}
	}
	t.endHeld(ctx, h)
	for _, way := range []monitor.Ways{monitor.WayHTTP, monitor.WayMail} {
		t.followWay(ctx, h, way)
	}
}

// endHeld stores for which silent takers nobody waits any more, though they may keep pings.
func (t *takers) endHeld(ctx context.Context, h *store.Hearing) {
	for i := range h.Open {
		b := &h.Open[i]
		at, expired := h.Expired(b)
		if b.Cause != monitor.CauseHeld || !expired {
			continue
		}
		if err := t.cfg.Store.EndHeld(ctx, b, at); err != nil {
			return
		}
		t.cfg.Log.Error("a silent process that keeps pings is not waited for any longer", "id", b.Taker.String(), "ways", string(b.Ways),
			"since", b.From)
		t.cfg.notifyOperators("A process that keeps pings has not come back", fmt.Sprintf("Nothing has been heard of the process %s since %s. "+
			"Deadlines are judged without it from now on: runs whose pings it may keep are shown as unknown. What it keeps is recorded when "+
			"it is back.", b.Taker, b.From.UTC().Format("2006-01-02 15:04:05 UTC")))
	}
}

// dropSilent stores which takers are silent, when the database has taken our own writes
// for as long as that takes.
func (t *takers) dropSilent(ctx context.Context, h *store.Hearing) {
	var quiet []*monitor.Taker
	for i := range h.Takers {
		taker := &h.Takers[i]
		if taker.Counts && h.Now.Sub(taker.SeenAt) > quietAfter {
			quiet = append(quiet, taker)
		}
	}
	if len(quiet) == 0 {
		t.writes = time.Time{}
		return
	}
	if !t.writes.IsZero() && h.Now.Sub(t.wrote) < writeEvery {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := t.cfg.Store.TouchTakers(ctx)
	now := t.cfg.Store.Now()
	if err != nil {
		t.writes = time.Time{}
		return
	}
	if t.writes.IsZero() || now.Sub(t.wrote) > writeGap {
		t.writes = now
	}
	t.wrote = now
	for _, taker := range quiet {
		since := taker.SeenAt
		if t.writes.After(since) {
			since = t.writes
		}
		if now.Sub(since) >= store.TakerTimeout-quietAfter && now.Sub(taker.SeenAt) >= store.TakerTimeout {
			t.drop(ctx, taker)
		}
	}
}

func (t *takers) drop(ctx context.Context, taker *monitor.Taker) {
	dropped, err := t.cfg.Store.TakerSilent(ctx, taker)
	if err != nil || !dropped {
		return
	}
	t.silent[taker.ID] = true
	t.cfg.Log.Error("a process that takes pings is silent, deadlines are judged without it", "role", taker.Role, "host", taker.Host,
		"id", taker.ID.String(), "seen", taker.SeenAt)
	t.cfg.notifyOperators("A process that takes pings is silent", fmt.Sprintf("Nothing has been heard of %s on %s (%s) since %s. "+
		"Runs whose pings may have been lost with it are shown as unknown.\n\nSee its log, and whether it reaches the database.",
		taker.Role, taker.Host, taker.ID, taker.SeenAt.UTC().Format("2006-01-02 15:04:05 UTC")))
}

// followWay tells operators when nobody has taken pings that way for longer than a
// restart, and when somebody does again.
func (t *takers) followWay(ctx context.Context, h *store.Hearing, way monitor.Ways) {
	since := h.OpenSince(way)
	name := "pings by " + string(way)
	switch {
	case !since.IsZero() && !t.notified[way] && h.Now.Sub(since) >= store.TakerTimeout:
		first, err := t.cfg.Store.ClaimAbsence(ctx, name)
		if err != nil {
			return
		}
		t.notified[way] = true
		t.cfg.Log.Error("no process takes pings, deadlines are not judged until one does", "way", string(way), "since", since)
		if first {
			t.cfg.notifyOperators("No pings are being taken", fmt.Sprintf("No process has taken pings by %s since %s. No deadline is judged "+
				"until one does.\n\nStart %s, and see its log for why it ended.", way, since.UTC().Format("2006-01-02 15:04:05 UTC"), programOf(way)))
		}
	case since.IsZero() && (t.notified[way] || !t.looked[way]):
		_, ended, err := t.cfg.Store.EndAbsence(ctx, name)
		if err != nil {
			return
		}
		delete(t.notified, way)
		t.looked[way] = true
		if ended {
			t.cfg.Log.Info("pings are taken again, deadlines are judged with the interval in mind", "way", string(way))
			t.cfg.notifyOperators("Pings are being taken again", fmt.Sprintf("A process takes pings by %s again. Runs whose pings may have been "+
				"lost meanwhile are shown as unknown.", way))
		}
	}
}

// programOf is the command that takes pings that way.
func programOf(way monitor.Ways) string {
	if way == monitor.WayMail {
		return "punctual smtpd"
	}
	return "punctual serve"
}

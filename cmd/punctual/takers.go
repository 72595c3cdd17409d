package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
)

// takersCmd is `punctual takers …`.
type takersCmd struct {
	List   takersListCmd   `cmd:"" default:"withargs" help:"List them, and when pings may have been lost; the same without \"list\"."`
	Forget takersForgetCmd `cmd:"" help:"Forget one that is silent and will not come back."`
}

// lastBlinds is how many intervals that are over are listed.
const lastBlinds = 10

// takersListCmd is `punctual takers list`.
type takersListCmd struct {
	Settings settings `embed:""`

	JSON bool `name:"json" help:"Print a JSON object."`
}

// Run prints the processes that take pings, and the intervals in which pings of all
// checks may have been lost.
func (c *takersListCmd) Run(ctx context.Context, w *world) error {
	cfg, err := c.Settings.load(w)
	if err != nil {
		return err
	}
	st, done, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	h, err := st.Hearing(ctx)
	if err != nil {
		return err
	}
	closed, err := st.LastBlinds(ctx, lastBlinds)
	if err != nil {
		return err
	}
	if c.JSON {
		return printTakersJSON(w.stdout, &h, closed)
	}
	return printTakers(w.stdout, &h, closed)
}

// utcSeconds is how moments are shown.
const utcSeconds = "2006-01-02 15:04:05 UTC"

func printTakers(out io.Writer, h *store.Hearing, closed []monitor.Blind) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(h.Takers) == 0 {
		fmt.Fprintln(table, "No process takes pings.")
	} else {
		fmt.Fprintln(table, "ID\tROLE\tHOST\tWAYS\tLISTENS SINCE\tMARK\tLAST WRITE\tSTATE")
	}
	for i := range h.Takers {
		t := &h.Takers[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s behind\t%s ago\t%s\n", t.ID, t.Role, t.Host, t.Ways, t.BeganAt.UTC().Format(utcSeconds),
			text.Duration(markLag(h, t)), text.Duration(age(h, t.SeenAt)), stateOf(t))
	}
	isHeld := func(b monitor.Blind) bool { return b.Cause == monitor.CauseHeld }
	printBlinds(table, h.Now, "Nobody takes these pings:", slices.DeleteFunc(slices.Clone(h.Open), isHeld))
	printBlinds(table, h.Now, "Deadlines wait for pings that a silent process may keep:",
		slices.DeleteFunc(slices.Clone(h.Open), func(b monitor.Blind) bool { return !isHeld(b) }))
	printBlinds(table, h.Now, "The public ping address does not answer:", h.Road)
	printBlinds(table, h.Now, fmt.Sprintf("When pings may have been lost, the last %d times:", lastBlinds), closed)
	return table.Flush()
}

// printBlinds prints intervals below a headline, nothing where there are none.
func printBlinds(out io.Writer, now time.Time, headline string, blinds []monitor.Blind) {
	if len(blinds) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s\nWAYS\tFROM\tUNTIL\tFOR\tCAUSE\n", headline)
	for i := range blinds {
		b := &blinds[i]
		end := now
		until := "now"
		if !b.Until.IsZero() {
			end = b.Until
			until = b.Until.UTC().Format(utcSeconds)
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", b.Ways, b.From.UTC().Format(utcSeconds), until, text.Duration(end.Sub(b.From)), b.Cause)
	}
}

// stateOf is whether deadlines wait for a taker.
func stateOf(t *monitor.Taker) string {
	if t.Counts {
		return "counts"
	}
	return "silent"
}

// markLag is how far the mark of a taker is behind.
func markLag(h *store.Hearing, t *monitor.Taker) time.Duration { return age(h, t.MarkAt) }

func age(h *store.Hearing, t time.Time) time.Duration { return max(0, h.Now.Sub(t)) }

// takersJSON is what programs read. Times are UTC.
type takersJSON struct {
	Takers []takerJSON `json:"takers"`
	Open   []blindJSON `json:"open"`
	Closed []blindJSON `json:"closed"`
}

type takerJSON struct {
	ID             string    `json:"id"`
	Role           string    `json:"role"`
	Host           string    `json:"host"`
	Ways           []string  `json:"ways"`
	ListensSince   time.Time `json:"listens_since"`
	Mark           time.Time `json:"mark"`
	MarkLagSeconds float64   `json:"mark_lag_seconds"`
	LastWrite      time.Time `json:"last_write"`
	Counts         bool      `json:"counts"`
}

// blindJSON is an interval; until is null while it goes on.
type blindJSON struct {
	Ways  []string   `json:"ways"`
	From  time.Time  `json:"from"`
	Until *time.Time `json:"until"`
	Cause string     `json:"cause"`
}

func printTakersJSON(out io.Writer, h *store.Hearing, closed []monitor.Blind) error {
	list := takersJSON{Takers: []takerJSON{}, Open: blindsJSON(slices.Concat(h.Open, h.Road)), Closed: blindsJSON(closed)}
	for i := range h.Takers {
		t := &h.Takers[i]
		list.Takers = append(list.Takers, takerJSON{
			ID: t.ID.String(), Role: t.Role, Host: t.Host, Ways: strings.Fields(string(t.Ways)), ListensSince: t.BeganAt.UTC(),
			Mark: t.MarkAt.UTC(), MarkLagSeconds: markLag(h, t).Seconds(), LastWrite: t.SeenAt.UTC(), Counts: t.Counts,
		})
	}
	return json.NewEncoder(out).Encode(list)
}

func blindsJSON(blinds []monitor.Blind) []blindJSON {
	list := []blindJSON{}
	for i := range blinds {
		b := &blinds[i]
		j := blindJSON{Ways: strings.Fields(string(b.Ways)), From: b.From.UTC(), Cause: string(b.Cause)}
		if !b.Until.IsZero() {
			until := b.Until.UTC()
			j.Until = &until
		}
		list = append(list, j)
	}
	return list
}

// takersForgetCmd is `punctual takers forget`.
type takersForgetCmd struct {
	Settings settings `embed:""`

	ID string `arg:"" placeholder:"ID" help:"Its id, as \"punctual takers\" lists it; only one that is silent can be forgotten. Or mail: pings by mail are no longer taken."`
}

// Run forgets a taker that does not count.
func (c *takersForgetCmd) Run(ctx context.Context, w *world) error {
	id, err := uuid.Parse(c.ID)
	if err != nil && c.ID != string(monitor.WayMail) {
		return usageError(fmt.Sprintf("ID must be one that \"punctual takers\" lists, such as 8f14e45f-ceea-467f-a9d6-0b5f1c3d2e7a, or mail, not %q",
			c.ID))
	}
	cfg, err := c.Settings.load(w)
	if err != nil {
		return err
	}
	st, done, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	if c.ID == string(monitor.WayMail) {
		return forgetMail(ctx, st, w)
	}
	h, err := st.Hearing(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(h.Takers, func(t monitor.Taker) bool { return t.ID == id })
	if i < 0 {
		return errs.NotFoundf("no process that takes pings has the id %s; \"punctual takers\" lists those there are", id)
	}
	t := &h.Takers[i]
	if t.Counts {
		return errs.Conflictf("%s on %s counts, it wrote %s ago: only one that is silent can be forgotten. One that is stopped needs no forgetting, "+
			"and one that was killed becomes silent after %s, while alerts are being sent", t.Role, t.Host, text.Duration(age(&h, t.SeenAt)),
			text.Duration(store.TakerTimeout))
	}
	forgotten, err := st.ForgetTaker(ctx, id)
	if err != nil {
		return err
	}
	if !forgotten {
		return errs.Conflictf("%s on %s has come back, or is forgotten already", t.Role, t.Host)
	}
	fmt.Fprintf(w.stdout, "%s on %s is forgotten.\n", t.Role, t.Host)
	return nil
}

// forgetMail ends the time in which nobody takes pings by mail, where nobody will any more.
func forgetMail(ctx context.Context, st *store.Store, w *world) error {
	ended, err := st.ForgetMail(ctx)
	if err != nil {
		return err
	}
	if !ended {
		return errs.Conflictf("nobody waits for pings by mail: a process takes them, or none ever has")
	}
	fmt.Fprintln(w.stdout, "Nobody waits for pings by mail any more.")
	return nil
}

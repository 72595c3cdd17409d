package conformance

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// passingTime is §11: what time alone does, with a period and a grace time of a
// minute each.
func passingTime() []line {
	const minute = `{"timeout":60,"grace":60,"channels":"*"}`
	return []line{
		{1, "before the period ends", moving, func(c *client) {
			k := c.make(minute)
			k.ping("")
			due := c.now(time.Minute)
			c.advance(58 * time.Second)
			k.shows("status", "up", "next_ping", due)
		}},
		{2, "in the grace time", moving, func(c *client) {
			k := c.make(minute)
			k.ping("")
			due := c.now(time.Minute)
			c.advance(60*time.Second - time.Microsecond)
			k.shows("status", "up")
			c.advance(time.Microsecond)
			k.shows("status", "grace", "next_ping", due)
			c.advance(3 * time.Second)
			k.shows("status", "grace", "next_ping", due)
			k.ping("")
			k.shows("status", "up", "next_ping", c.now(time.Minute))
			c.same("flips", k.flips(), "1")
		}},
		{3, "past the deadline", moving, func(c *client) {
			k := c.make(minute)
			k.ping("")
			c.advance(120*time.Second - time.Microsecond)
			k.shows("status", "grace")
			c.advance(time.Microsecond)
			k.shows("status", "down")
			c.advance(3 * time.Second)
			k.shows("status", "down")
			c.same("stored status", string(k.stored().Status), "up")
			c.same("flips", k.flips(), "1")
		}},
		{4, "a run that takes too long", moving, func(c *client) {
			fresh := c.make(minute)
			paused := c.make(minute).paused()
			up := c.make(`{"timeout":3600,"grace":60}`).after("")
			for _, k := range []check{fresh, paused, up} {
				k.ping("/start")
			}
			c.advance(time.Minute - time.Microsecond)
			for k, want := range map[check]string{fresh: "new", paused: "paused", up: "up"} {
				k.shows("status", want, "started", true)
			}
			c.advance(time.Microsecond)
			for _, k := range []check{fresh, paused, up} {
				k.shows("status", "down", "started", true)
				k.through("v1").shows("status", "down", "started", true)
			}
		}},
		{5, "the watcher", watched, func(c *client) {
			silent := c.make(minute)
			running := c.make(`{"timeout":3600,"grace":60,"channels":"*"}`)
			fresh := c.make(minute)
			silent.ping("")
			running.after("", "/start")
			fresh.ping("/start")
			began := c.site.clock.Now()
			c.watch(123 * time.Second)
			for k, deadline := range map[check]time.Time{silent: began.Add(2 * time.Minute), running: began.Add(time.Minute),
				fresh: began.Add(time.Minute)} {
				c.eventually("the check is down", func() bool { return k.stored().Status == monitor.StatusDown })
				k.shows("status", "down", "next_ping", nil, "started", k != silent)
				flips, err := c.site.Store().Flips(c.Context(), k.stored().ID, noFilter)
				if err != nil || !flips[0].CreatedAt.Equal(deadline) || flips[0].Reason != "timeout" {
					c.Errorf("flips %+v, %v; want one of reason timeout at %s", flips, err, deadline)
				}
			}
			c.watch(time.Minute)
			// while down
			silent.ping("/start")
			silent.shows("status", "down", "next_ping", nil, "started", true)
			c.watch(3 * time.Minute)
			silent.shows("status", "down", "next_ping", nil, "started", true)
			c.same("flips", silent.flips(), "1 0")
		}},
		{6, "changes that nobody is told of", watched, func(c *client) {
			k := c.make(minute)
			k.after("").paused().after("")
			k.post(k.path()+"/pause", "").is("200 {}")
			k.post(k.path()+"/resume", "").is("200 {}")
			c.same("flips", k.flips(), "1 0 1 0 0")
			c.same("told", k.notified(), "")
			k.ping("/fail")
			c.same("told of a failure", k.notified(), "down")
			k.ping("")
			c.same("told of its end", k.notified(), "down up")
			k.post(k.path()+"/pause", "").is("200 {}")
			k.ping("")
			c.same("told after a pause", k.notified(), "down up")
		}},
		{7, "cron and OnCalendar", once, schedules},
		{8, "pings by e-mail", watched, emailPings},
		{9, "a failure, a pause, a success", watched, func(c *client) {
			paused := c.make(minute).after("/fail").paused().after("")
			c.same("after a pause", paused.notified(), "down up")
			resumed := c.make(minute).after("/fail").paused()
			resumed.post(resumed.path()+"/resume", "").is("200 {}")
			c.same("after a resume", resumed.notified(), "down")
			resumed.ping("")
			c.same("after the success", resumed.notified(), "down up")
			again := c.make(minute).after("/fail").paused().after("/fail", "")
			c.same("after a failure in the pause", again.notified(), "down down up")
		}},
	}
}

// notified is what people are told of the check, in order.
func (k check) notified() string {
	k.Helper()
	deliveries, err := k.site.Store().DeliveriesOf(k.Context(), k.stored().ID, noDeliveryFilter)
	if err != nil {
		k.Fatal(err)
	}
	var notified []string
	for i := range deliveries {
		notified = append(notified, string(deliveries[len(deliveries)-1-i].Notified))
	}
	return strings.Join(notified, " ")
}

func schedules(c *client) {
	next := func(settings string, last time.Time, status, want any) {
		c.Helper()
		k := c.make(settings)
		_, err := c.site.Store().UpdateCheck(c.Context(), uuid.MustParse(k.code), pingedAt(last))
		if err != nil {
			c.Fatal(err)
		}
		k.shows("next_ping", want, "status", status)
	}
	at := func(s string) time.Time {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			c.Fatal(err)
		}
		return t
	}
	// 2026-03-01 12:00 UTC
	noon := c.site.clock.Now()
	next(`{"schedule":"30 14 * * *","tz":"Europe/Riga"}`, noon, "up", "2026-03-01T12:30:00+00:00")
	// a fraction of a second ago
	next(`{"schedule":"0 14 * * *","tz":"Europe/Riga"}`, noon, "up", "2026-03-02T12:00:00+00:00")
	next(`{"schedule":"*-*-* 14:30","tz":"Europe/Riga"}`, noon, "up", "2026-03-01T12:30:00+00:00")
	next(`{"schedule":"Mon..Fri 09:30 America/New_York","tz":"Europe/Riga"}`, noon, "up", "2026-03-02T14:30:00+00:00")
	// the hour does not exist
	next(`{"schedule":"30 2 * * *","tz":"Europe/Berlin","grace":31536000}`, at("2025-03-29T12:00:00Z"), "grace", "2025-03-30T01:00:00+00:00")
	next(`{"schedule":"0 9 * * *"}`, noon.Add(-24*time.Hour), "down", "2026-03-01T09:00:00+00:00")
	next(`{"schedule":"2020-01-01"}`, noon, "up", nil)
	next(`{"schedule":"2020-01-01\n2027-05-01 08:00","tz":"Europe/Riga"}`, noon, "up", "2027-05-01T05:00:00+00:00")
}

package check_test

import (
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/web/webtest"
)

// Who was told that a check went down, or why nobody was, is one sentence.
func TestADownSaysWhoWasTold(t *testing.T) {
	sent := store.Outcome{Verdict: store.Sent, ChannelOutcome: store.ChannelOutcome{Answer: "mx.example.org 250 Ok"}}
	add := func(s *webtest.Site, p *monitor.Project, edit func(*monitor.Channel)) {
		s.Helper()
		h := &monitor.Channel{ProjectID: p.ID, Kind: "webhook", Name: "Pager", Config: "{}", Verified: true}
		edit(h)
		if err := s.Store.CreateChannel(s.Context(), h); err != nil {
			s.Fatal(err)
		}
	}
	remove := func(s *webtest.Site) {
		s.Helper()
		if _, err := s.Store.DB().Exec(s.Context(), `DELETE FROM channels`); err != nil {
			s.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		before func(s *webtest.Site, p *monitor.Project)
		after  func(s *webtest.Site)
		want   string
	}{
		"told":    {nil, func(s *webtest.Site) { attempt(s, sent) }, "Told: Night shift at 14:00:01 EET."},
		"waiting": {nil, nil, "Nobody has been told yet: Night shift (not yet)."},
		"held": {nil, func(s *webtest.Site) {
			if err := s.Store.HoldAlerts(s.Context(), "jane", "", time.Time{}); err != nil {
				s.Fatal(err)
			}
		}, "Nobody has been told yet: Night shift (not yet). The operators of this site hold all alerts."},
		"given up": {nil, func(s *webtest.Site) { attempt(s, store.Outcome{Verdict: store.Failed}) },
			"Nobody was told: Night shift (given up)."},
		"not wanted": {nil, func(s *webtest.Site) {
			attempt(s, store.Outcome{Verdict: store.Unwanted, Untold: monitor.UntoldUnwanted})
		},
			"Nobody was told: Night shift (not told when a check goes down)."},
		"one is disabled": {func(s *webtest.Site, p *monitor.Project) { add(s, p, func(h *monitor.Channel) { h.Disabled = true }) },
			func(s *webtest.Site) { attempt(s, sent) }, "Told: Night shift at 14:00:01 EET. Not told: Pager (disabled)."},
		"none is usable": {func(s *webtest.Site, p *monitor.Project) {
			remove(s)
			add(s, p, func(h *monitor.Channel) { h.Verified = false })
		}, nil, "Nobody was told: Pager (its address had not agreed)."},
		"none at all": {func(s *webtest.Site, _ *monitor.Project) { remove(s) }, nil,
			"Nobody was told: the check had no integration, or it has been removed since."},
	} {
		t.Run(name, func(t *testing.T) {
			webtest.Each(t, func(s *webtest.Site) {
				_, p := s.Login("me@example.org")
				nightShift(s, p)
				if test.before != nil {
					test.before(s, p)
				}
				c := s.FirstCheck(p)
				s.Ping(c, monitor.PingFail)
				s.Clock.Advance(time.Second)
				if test.after != nil {
					test.after(s)
				}
				for _, page := range []string{"details/", "log/"} {
					got := s.Get("/checks/" + c.Code.String() + "/" + page).Text(".e-flip .proof")
					if got != test.want {
						t.Errorf("%s: %q, want %q", page, got, test.want)
					}
				}
			})
		})
	}
}

// What has been removed since is not made up.
func TestADownOfLongAgoSaysNothingOfWhoWasTold(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		s.Ping(c, monitor.PingFail)
		attempt(s, store.Outcome{Verdict: store.Sent})
		s.Clock.Advance(store.DeliveriesKept + time.Hour)
		s.Ping(c, monitor.PingSuccess)
		for _, query := range []string{`DELETE FROM pings WHERE kind = 'fail'`, `DELETE FROM deliveries WHERE status = 'sent'`} {
			if _, err := s.Store.DB().Exec(s.Context(), query); err != nil {
				s.Fatal(err)
			}
		}
		down := s.Get("/checks/" + c.Code.String() + "/log/")
		if got := down.Text(".e-flip .proof"); got != "" {
			t.Errorf("%q", got)
		}
	})
}

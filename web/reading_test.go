package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
	"punctual/web/badge"
	"punctual/web/project"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// While pings may have arrived that nobody knows of yet, nothing that shows a status
// shows a check as down whose deadline has passed meanwhile.
func TestNothingIsShownAsDownBeforeItIsHeard(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			const readKey = "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"
			e := newEverything(t, engine)
			s := e.jane
			_, err := e.Store.ChangeProject(t.Context(), e.project.ID, func(p *monitor.Project) error {
				p.APIKeyReadonly = readKey
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			taker := s.Taker()
			s.Ping(e.check, monitor.PingSuccess)
			c := s.Reload(e.check)
			wall := "/wall/" + e.wall.ID.String() + "/" + e.Server.Signer.Sign(project.PurposeWall, e.wall.ID.String()) + "/"
			badges := badge.Links{SecretKey: webtest.Secret}
			s.Header.Set("X-Api-Key", e.apiKey)
			list := func(state string) string { return "<span class=dot role=img title=" + state + ">" }
			// what each says before and after
			readers := map[string][2]string{
				"/api/v1/checks/" + c.Code.String():                          {`"grace"`, `"down"`},
				"/api/v3/checks/":                                            {`"grace"`, `"down"`},
				"/api/v3/checks/?status=down":                                {`"checks":[]`, `"checks":[{`},
				badges.Check(c.BadgeKey, 3, "json"):                          {`"late"`, `"down"`},
				badges.Tag(e.project.BadgeKey, badge.Project, 3, "shields"):  {`"late"`, `"down"`},
				"/projects/" + e.project.ID.String() + "/metrics/" + readKey: {"hc_checks_down_total 0", "hc_checks_down_total 1"},
				ui.ListURL(e.project.ID):                                     {list("Late"), list("Down")},
				"/checks/" + c.Code.String() + "/details/":                   {"Late by", "Down for"},
				wall: {"1 late", "1 down"},
			}
			check := func(after int) {
				t.Helper()
				for path, says := range readers {
					if got := s.Get(path).Is(http.StatusOK).Body; !strings.Contains(got, says[after]) {
						t.Errorf("%s does not say %s: %.3000s", path, says[after], got)
					}
				}
			}
			s.Clock.Set(c.AlertAt.Add(-time.Second))
			s.Sign(taker)
			s.Clock.Advance(time.Minute)
			if err := e.Store.RefreshHeard(t.Context()); err != nil {
				t.Fatal(err)
			}
			check(0)
			if _, err := e.Store.JudgeOverdue(t.Context(), 10); err != nil {
				t.Fatal(err)
			}
			if got := s.Reload(c).Status; got != monitor.StatusUp {
				t.Fatalf("judged too early: %s", got)
			}
			s.Sign(taker)
			check(1)
		})
	}
}

func TestTheAPITellsOfAnUnknownRun(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			e := newEverything(t, engine)
			s := e.jane
			s.Header.Set("X-Api-Key", e.apiKey)
			check := func(when string, want bool) {
				t.Helper()
				for _, path := range []string{"/api/v1/checks/" + e.check.Code.String(), "/api/v2/checks/", "/api/v3/checks/"} {
					got := s.Get(path).Is(http.StatusOK).Body
					if strings.Contains(got, `"last_run":"unknown"`) != want || strings.Count(got, "last_run") > 1 {
						t.Errorf("%s, %s says %s", when, path, got)
					}
				}
			}
			taker := s.Taker()
			s.Ping(e.check, monitor.PingSuccess)
			check("before", false)
			s.Outage(taker, 7*24*time.Hour)
			check("after the outage", true)
			c := s.Reload(e.check)
			if c.Status != monitor.StatusUp || !c.DueAt.Equal(s.Clock.Now().Add(c.Timeout)) {
				t.Errorf("it is %s, due at %v", c.Status, c.DueAt)
			}
			s.Ping(e.check, monitor.PingSuccess)
			check("after the next run", false)
		})
	}
}

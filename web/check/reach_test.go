package check_test

import (
	"net/http"
	"testing"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/web/webtest"
)

// A check says on its page that nobody hears of it, and why each of its integrations
// would not tell.
func TestThePageOfACheckShowsThatNobodyIsNotified(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := webtest.New(t, engine, webtest.Offering)
			_, p := s.Login("jane@example.org")
			c := s.FirstCheck(p)
			page := func() *webtest.Answer {
				s.Helper()
				return s.Get("/checks/" + c.Code.String() + "/details/").Is(http.StatusOK)
			}
			shows := func(reach, why string) {
				s.Helper()
				a := page()
				if a.Text("#reach") != reach || a.Text(".who .why") != why {
					t.Errorf("says %q, %q, want %q, %q", a.Text("#reach"), a.Text(".who .why"), reach, why)
				}
			}
			shows("", "")
			channels, err := s.Store.ChannelsOf(s.Context(), p.ID)
			if err != nil {
				t.Fatal(err)
			}
			outcome := store.ChannelOutcome{At: s.Clock.Now(), Error: "Connection refused"}
			if err := s.Store.NoteChannelOutcome(s.Context(), channels[0].ID, outcome); err != nil {
				t.Fatal(err)
			}
			const why = "The last message could not be delivered: Connection refused."
			shows("All its integrations are broken: when it goes down, an alert may reach nobody.", why)
			if page().Find(".who li.bad").Length() != 1 {
				t.Error("the broken one looks like one that works")
			}
			if err := s.Store.AssignChannel(s.Context(), c.ID, channels[0].ID, false); err != nil {
				t.Fatal(err)
			}
			shows("Nobody is told when it goes down: no integration that tells so is switched on for it.", why)
			only := monitor.Channel{ProjectID: p.ID, Kind: "webhook", Config: `{"url_up":"https://hooks.example.org/"}`, Verified: true}
			if err := s.Store.CreateChannel(s.Context(), &only); err != nil {
				t.Fatal(err)
			}
			shows("Nobody is told when it goes down: no integration that tells so is switched on for it.", why)
			for _, id := range []monitor.Channel{channels[0], only} {
				s.Post("/integrations/"+id.ID.String()+"/remove/", nil).Is(http.StatusSeeOther)
			}
			shows("Nobody is told when it goes down: the project has no integration yet.", "")
		})
	}
}

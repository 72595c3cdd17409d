package web

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"punctual/internal/auth"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// Where a cap of the owner is reached the page says which, and nothing is made.
func TestCapsOfTheOwnerAreSaidOnThePage(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		jane, p := s.login("jane@example.org")
		will := s.otherBrowser()
		_, theirs := will.login("will@example.org")
		s.store.SetCaps(store.Caps{Projects: 1, Channels: 1, Members: 1})
		hook := url.Values{"method_down": {"POST"}, "url_down": {"https://hooks.example.org/"}}
		s.post("/projects/add/", url.Values{"name": {"second"}}).is(http.StatusConflict).
			has("The limit on projects is reached: 1 per account.")
		s.post(addPath(p, "webhook"), hook).is(http.StatusConflict).
			has("The limit on integrations is reached: 1 in all projects of an owner together.")
		s.post(addPath(p, "email"), foreign).is(http.StatusConflict).
			has("The limit on integrations is reached: 1 in all projects of an owner together.")
		if n := len(s.sent.verifies); n != 0 {
			t.Errorf("%d addresses were asked", n)
		}
		members := "/projects/" + p.ID.String() + "/members/"
		invite := func(email string) *answer { return s.post(members, url.Values{"email": {email}, "role": {"w"}}) }
		invite("will@example.org").is(http.StatusSeeOther)
		will.post(s.linkTo("will@example.org"), url.Values{"accept": {"1"}}).is(http.StatusSeeOther)
		invite("rea@example.org").is(http.StatusBadRequest).
			has("The limit on members is reached: 1 in all projects of an owner together.")

		// Who takes a project over needs room for it.
		mine, err := s.store.UserByEmail(t.Context(), "will@example.org")
		if err != nil {
			t.Fatal(err)
		}
		s.post("/projects/"+p.ID.String()+"/transfer/", url.Values{"to": {mine.ID.String()}}).is(http.StatusSeeOther)
		will.post("/projects/"+p.ID.String()+"/transfer/", url.Values{"accept": {"1"}}).is(http.StatusConflict).
			has("The limit on projects is reached: 1 per account.")

		for _, u := range []*monitor.User{jane, mine} {
			owned := 0
			projects, err := s.store.ProjectsOf(t.Context(), u.ID)
			for _, row := range projects {
				if row.OwnerID == u.ID {
					owned++
				}
			}
			if err != nil || owned != 1 {
				t.Errorf("%s owns %d projects, %v", u.Email, owned, err)
			}
		}
		if n := len(s.channels(p)) + len(s.channels(theirs)); n != 2 {
			t.Errorf("%d integrations, want 2", n)
		}
	})
}

// limitedTester sends as many tests as are allowed, each of them accepted.
type limitedTester struct {
	auth **auth.Service
	sent *int
}

func (l limitedTester) SendTest(ctx context.Context, ch *monitor.Channel) (notify.Result, error) {
	if err := (*l.auth).MayTest(ctx, ch); err != nil {
		return notify.Result{}, err
	}
	*l.sent++
	return notify.Result{StatusCode: http.StatusOK}, nil
}

// One test too many is not sent, and the page says so: it has not failed.
func TestTheTestButtonSaysThatThereWereMany(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			var service *auth.Service
			sent := 0
			s := newTestSite(t, engine, withNotifiers, func(d *Deps) { d.Tester = limitedTester{&service, &sent} })
			service = s.auth
			_, p := s.login("jane@example.org")
			ch := s.add(p, "webhook", url.Values{"name": {"Bot"}, "method_down": {"POST"}, "url_down": {"https://hooks.example.org/"}})
			for range 10 {
				s.post(channelPath(ch, "test"), nil).leadsTo(integrationsPath(p.ID))
				s.get(integrationsPath(p.ID)).is(http.StatusOK).has("was accepted").hasNot("Too many tests.")
			}
			s.post(channelPath(ch, "test"), nil).leadsTo(integrationsPath(p.ID))
			s.get(integrationsPath(p.ID)).is(http.StatusOK).has("No test was sent to", "Too many tests. Please try again later.").hasNot("failed")
			if sent != 10 {
				t.Errorf("%d tests were sent, want 10", sent)
			}
		})
	}
}

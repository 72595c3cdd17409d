package integrations_test

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
	"punctual/web"
	"punctual/web/integrations"
	"punctual/web/webtest"
)

// Where a cap of the owner is reached the page says which, and nothing is made.
func TestCapsOfTheOwnerAreShownOnThePage(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		jane, p := s.Login("jane@example.org")
		will := s.OtherBrowser()
		_, theirs := will.Login("will@example.org")
		s.Store.SetCaps(store.Caps{Projects: 1, Channels: 1, Members: 1})
		hook := url.Values{"method_down": {"POST"}, "url_down": {"https://hooks.example.org/"}}
		s.Post("/projects/add/", url.Values{"name": {"second"}}).Is(http.StatusConflict).
			Has("The limit on projects is reached: 1 per account.")
		s.Post(addPath(p, "webhook"), hook).Is(http.StatusConflict).
			Has("The limit on integrations is reached: 1 in all projects of an owner together.")
		s.Post(addPath(p, "email"), foreign).Is(http.StatusConflict).
			Has("The limit on integrations is reached: 1 in all projects of an owner together.")
		n := len(s.Sent.Verifies)
		if n != 0 {
			t.Errorf("%d addresses were asked", n)
		}
		members := "/projects/" + p.ID.String() + "/members/"
		invite := func(email string) *webtest.Answer {
			return s.Post(members, url.Values{"email": {email}, "role": {"w"}})
		}
		invite("will@example.org").Is(http.StatusSeeOther)
		will.Post(s.LinkTo("will@example.org"), url.Values{"accept": {"1"}}).Is(http.StatusSeeOther)
		invite("rea@example.org").Is(http.StatusBadRequest).
			Has("The limit on members is reached: 1 in all projects of an owner together.")

		// Who takes a project over needs room for it.
		mine, err := s.Store.UserByEmail(t.Context(), "will@example.org")
		if err != nil {
			t.Fatal(err)
		}
		s.Post("/projects/"+p.ID.String()+"/transfer/", url.Values{"to": {mine.ID.String()}}).Is(http.StatusSeeOther)
		will.Post("/projects/"+p.ID.String()+"/transfer/", url.Values{"accept": {"1"}}).Is(http.StatusConflict).
			Has("The limit on projects is reached: 1 per account.")

		for _, u := range []*monitor.User{jane, mine} {
			owned := 0
			projects, err := s.Store.ProjectsOf(t.Context(), u.ID)
			for _, row := range projects {
				if row.OwnerID == u.ID {
					owned++
				}
			}
			if err != nil || owned != 1 {
				t.Errorf("%s owns %d projects, %v", u.Email, owned, err)
			}
		}
		if n := len(channels(s, p)) + len(channels(s, theirs)); n != 2 {
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
func TestTheTestButtonReportsThatThereWereMany(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			var service *auth.Service
			sent := 0
			s := webtest.New(t, engine, withNotifiers, func(d *web.Deps) { d.Tester = limitedTester{&service, &sent} })
			service = s.Auth
			_, p := s.Login("jane@example.org")
			ch := add(s, p, "webhook", url.Values{"name": {"Bot"}, "method_down": {"POST"}, "url_down": {"https://hooks.example.org/"}})
			for range 10 {
				s.Post(channelPath(ch, "test"), nil).LeadsTo(integrations.ListPath(p.ID))
				s.Get(integrations.ListPath(p.ID)).Is(http.StatusOK).Has("was accepted").HasNot("Too many tests.")
			}
			s.Post(channelPath(ch, "test"), nil).LeadsTo(integrations.ListPath(p.ID))
			s.Get(integrations.ListPath(p.ID)).Is(http.StatusOK).Has("No test was sent to",
				"Too many tests. Please try again later.").HasNot("failed")
			if sent != 10 {
				t.Errorf("%d tests were sent, want 10", sent)
			}
		})
	}
}

func TestATestLeadsBackToThePageItWasAskedOn(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			var service *auth.Service
			sent := 0
			s := webtest.New(t, engine, withNotifiers, func(d *web.Deps) { d.Tester = limitedTester{&service, &sent} })
			service = s.Auth
			_, p := s.Login("jane@example.org")
			check := "/checks/" + s.FirstCheck(p).Code.String() + "/details/"
			form := s.Get(check).Is(http.StatusOK).Has("Send a test alert to jane@example.org").Find(".first-step form")
			s.Post(form.AttrOr("action", ""), url.Values{"next": {form.Find("[name=next]").AttrOr("value", "")}}).LeadsTo(check)
			s.Get(check).Has("The test to jane@example.org was accepted")

			elsewhere := url.Values{"next": {"//evil.example.org/"}}
			s.Post(channelPath(newest(s, p, "email"), "test"), elsewhere).LeadsTo(integrations.ListPath(p.ID))
		})
	}
}

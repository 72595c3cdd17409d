package integrations_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/web/integrations"
	"punctual/web/webtest"
)

const pushoverKey = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"

// subscribe goes to Pushover and returns the addresses to come back to.
func subscribe(s *webtest.Site, p *monitor.Project) (success, failure string) {
	s.Helper()
	s.Get(addPath(p, "po")).Is(http.StatusOK).Has("Subscribe at Pushover")
	there := s.Post(addPath(p, "po"), nil).Is(http.StatusSeeOther).Header.Get("Location")
	target, err := url.Parse(there)
	if err != nil || !strings.HasPrefix(there, subscription+"?") {
		s.Fatalf("leads to %s, %v", there, err)
	}
	return target.Query().Get("success"), target.Query().Get("failure")
}

func TestPushoverIsAddedByWayOfItsSite(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		success, failure := subscribe(s, p)
		if failure != s.URL+integrations.ListPath(p.ID) {
			s.Errorf("whoever changes their mind comes back to %s", failure)
		}
		page := s.Get(success + "?pushover_user_key=" + pushoverKey).Is(http.StatusOK).Has("How urgent")
		form := url.Values{"prio": {"2"}, "prio_up": {"-1"}}
		form.Set("value", page.Find("[name=value]").AttrOr("value", ""))
		action := page.Find("main form").AttrOr("action", "")
		s.Post(action, form).LeadsTo(integrations.ListPath(p.ID))
		c := newest(s, p, "po")
		if !c.Ready() || !strings.Contains(c.Config, pushoverKey) {
			s.Errorf("%+v", c)
		}
		list := s.Get(integrations.ListPath(p.ID)).Has("Pushover", "1 of 1 check")
		list.HasNot(pushoverKey)
	})
}

func TestTheWayBackFromPushoverIsForOneUserAndAnHour(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		success, _ := subscribe(s, p)
		back := success + "?pushover_user_key=" + pushoverKey

		stranger := s.OtherBrowser()
		// to the login form
		stranger.Get(back).Is(http.StatusSeeOther)
		_, other := stranger.Login("mallory@example.org")
		stranger.Get(back).Is(http.StatusNotFound)
		stranger.Get(strings.Replace(back, p.ID.String(), other.ID.String(), 1)).Is(http.StatusForbidden)

		// without a key
		s.Get(success).Is(http.StatusBadRequest)
		s.Clock.Advance(integrations.ConnectTime + time.Second)
		s.Get(back).Is(http.StatusForbidden)
	})
}

func TestUnsubscribingAtPushoverRemovesTheIntegration(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		form := url.Values{"value": {pushoverKey}, "prio": {"0"}, "prio_up": {"0"}}
		add(s, p, "po", form)
		success, _ := subscribe(s, p)
		before := len(channels(s, p))
		s.Get(success + "?pushover_unsubscribed=1").LeadsTo(integrations.ListPath(p.ID))
		s.Get(integrations.ListPath(p.ID)).Has("remove the integration that was yours")
		n := len(channels(s, p))
		if n != before {
			s.Errorf("%d channels are left of %d, though nobody has posted anything", n, before)
		}
	})
}

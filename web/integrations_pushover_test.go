package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/internal/monitor"
)

const pushoverKey = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"

// subscribe goes to Pushover and returns the addresses to come back to.
func (s *testSite) subscribe(p *monitor.Project) (success, failure string) {
	s.Helper()
	s.get(addPath(p, "po")).is(http.StatusOK).has("Subscribe at Pushover")
	there := s.post(addPath(p, "po"), nil).is(http.StatusSeeOther).header.Get("Location")
	target, err := url.Parse(there)
	if err != nil || !strings.HasPrefix(there, subscription+"?") {
		s.Fatalf("leads to %s, %v", there, err)
	}
	return target.Query().Get("success"), target.Query().Get("failure")
}

func TestPushoverIsAddedByWayOfItsSite(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		success, failure := s.subscribe(p)
		if failure != s.url+integrationsPath(p.ID) {
			s.Errorf("whoever changes their mind comes back to %s", failure)
		}
		page := s.get(success + "?pushover_user_key=" + pushoverKey).is(http.StatusOK).has("How urgent")
		form := url.Values{"prio": {"2"}, "prio_up": {"-1"}}
		form.Set("value", page.Find("[name=value]").AttrOr("value", ""))
		action := page.Find("main form").AttrOr("action", "")
		s.post(action, form).leadsTo(integrationsPath(p.ID))
		c := s.newest(p, "po")
		if !c.Ready() || !strings.Contains(c.Config, pushoverKey) {
			s.Errorf("%+v", c)
		}
		list := s.get(integrationsPath(p.ID)).has("Pushover", "1 of 1 check")
		list.hasNot(pushoverKey)
	})
}

func TestTheWayBackFromPushoverIsForOneUserAndAnHour(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		success, _ := s.subscribe(p)
		back := success + "?pushover_user_key=" + pushoverKey

		stranger := s.otherBrowser()
		stranger.get(back).is(http.StatusSeeOther) // to the login form
		_, other := stranger.login("mallory@example.org")
		stranger.get(back).is(http.StatusNotFound)
		stranger.get(strings.Replace(back, p.ID.String(), other.ID.String(), 1)).is(http.StatusForbidden)

		s.get(success).is(http.StatusBadRequest) // without a key
		s.clock.Advance(subscribeTime + time.Second)
		s.get(back).is(http.StatusForbidden)
	})
}

func TestUnsubscribingAtPushoverRemovesTheIntegration(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		form := url.Values{"value": {pushoverKey}, "prio": {"0"}, "prio_up": {"0"}}
		s.add(p, "po", form)
		success, _ := s.subscribe(p)
		before := len(s.channels(p))
		s.get(success + "?pushover_unsubscribed=1").leadsTo(integrationsPath(p.ID))
		s.get(integrationsPath(p.ID)).has("remove the integration that was yours")
		if n := len(s.channels(p)); n != before {
			s.Errorf("%d channels are left of %d, though nobody has posted anything", n, before)
		}
	})
}

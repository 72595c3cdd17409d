package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/internal/monitor"
)

// unsubscribed is a project whose owner's own e-mail channel has been
// unsubscribed from by one click.
func unsubscribed(s *testSite) (*monitor.Project, monitor.Channel) {
	s.Helper()
	_, p := s.login("jane@example.org")
	ch := s.newest(p, "email")
	s.otherBrowser().post(s.server.Signer.UnsubscribePath(ch.ID), url.Values{"List-Unsubscribe": {"One-Click"}}).is(http.StatusOK)
	return p, s.newest(p, "email")
}

var janesForm = url.Values{"value": {"jane@example.org"}, "down": {"on"}, "up": {"on"}}

func TestUnsubscribingHolds(t *testing.T) {
	for name, act := range map[string]func(s *testSite, p *monitor.Project, ch monitor.Channel){
		"saving the form": func(s *testSite, _ *monitor.Project, ch monitor.Channel) {
			s.post(channelPath(ch, "edit"), janesForm).is(http.StatusSeeOther)
		},
		"saving it twice": func(s *testSite, _ *monitor.Project, ch monitor.Channel) {
			s.post(channelPath(ch, "edit"), janesForm).is(http.StatusSeeOther)
			s.post(channelPath(ch, "edit"), janesForm).is(http.StatusSeeOther)
		},
		"another spelling": func(s *testSite, _ *monitor.Project, ch monitor.Channel) {
			s.post(channelPath(ch, "edit"), url.Values{"value": {"Jane@Example.org"}, "down": {"on"}}).is(http.StatusSeeOther)
		},
		"another address and back": func(s *testSite, _ *monitor.Project, ch monitor.Channel) {
			s.post(channelPath(ch, "edit"), url.Values{"value": {"ops@example.org"}, "down": {"on"}}).is(http.StatusSeeOther)
			s.post(channelPath(ch, "edit"), janesForm).is(http.StatusSeeOther)
		},
		"another name": func(s *testSite, _ *monitor.Project, ch monitor.Channel) {
			s.post(channelPath(ch, "name"), url.Values{"name": {"Ops"}}).is(http.StatusSeeOther)
		},
		"removing and making it anew": func(s *testSite, p *monitor.Project, ch monitor.Channel) {
			s.post(channelPath(ch, "remove"), nil).is(http.StatusSeeOther)
			s.post(addPath(p, "email"), janesForm).is(http.StatusSeeOther)
		},
		"a second channel": func(s *testSite, p *monitor.Project, _ monitor.Channel) {
			s.post(addPath(p, "email"), janesForm).is(http.StatusSeeOther)
		},
		"asking again": func(s *testSite, _ *monitor.Project, ch monitor.Channel) {
			s.post(channelPath(ch, "resend"), nil).is(http.StatusSeeOther)
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachIntegrations(t, func(s *testSite) {
				p, ch := unsubscribed(s)
				act(s, p, ch)
				for _, ch := range s.channels(p) {
					if strings.EqualFold(ch.Address(), "jane@example.org") && ch.Ready() {
						s.Errorf("mailed again without asking: %+v", ch)
					}
				}
			})
		})
	}
}

func TestARefusalHoldsInOtherProjects(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		p, _ := unsubscribed(s)
		s.post("/projects/"+p.ID.String()+"/remove/", url.Values{"confirmation": {p.Title()}}).is(http.StatusSeeOther)
		s.post("/projects/add/", url.Values{"name": {"Second"}}).is(http.StatusSeeOther)
		projects, err := s.store.ProjectsOf(s.Context(), p.OwnerID)
		if err != nil || len(projects) != 1 {
			s.Fatal(projects, err)
		}
		second := &projects[0].Project
		if own := s.newest(second, "email"); own.Ready() {
			s.Errorf("the first channel of a new project mails who has unsubscribed: %+v", own)
		}
		s.post(addPath(second, "email"), janesForm).is(http.StatusSeeOther)
		for _, ch := range s.channels(second) {
			if ch.Ready() {
				s.Errorf("a channel made by hand mails who has unsubscribed: %+v", ch)
			}
		}
	})
}

func TestOnlyTheAddressEndsThatItHasUnsubscribed(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		p, ch := unsubscribed(s)
		s.get(integrationsPath(p.ID)).has("Unsubscribed", "Ask again")
		s.post(channelPath(ch, "edit"), janesForm).leadsTo(integrationsPath(p.ID))
		s.get(integrationsPath(p.ID)).has("gets alerts again as soon as it agrees")
		if len(s.sent.verifies) != 1 {
			s.Fatalf("%d questions", len(s.sent.verifies))
		}
		// One question a day, whatever the owner tries.
		s.post(channelPath(ch, "edit"), janesForm).leadsTo(integrationsPath(p.ID))
		s.get(integrationsPath(p.ID)).has("was asked within a day already")
		s.post(channelPath(ch, "resend"), nil).is(http.StatusTooManyRequests)
		if len(s.sent.verifies) != 1 {
			s.Errorf("%d questions within a day", len(s.sent.verifies))
		}
		s.clock.Advance(25 * time.Hour)
		s.post(channelPath(ch, "resend"), nil).leadsTo(integrationsPath(p.ID))
		if len(s.sent.verifies) != 2 {
			s.Errorf("%d questions after a day", len(s.sent.verifies))
		}

		s.otherBrowser().post(s.sent.verifies[0].Link, nil).is(http.StatusOK).has("Confirmed")
		if ch := s.newest(p, "email"); !ch.Ready() || ch.LastError != "" || !ch.UnsubscribedAt.IsZero() {
			s.Errorf("the address has agreed: %+v", ch)
		}
		if refused, err := s.store.Refused(s.Context(), "jane@example.org"); refused || err != nil {
			s.Errorf("the refusal is remembered after it agreed: %v, %v", refused, err)
		}
	})
}

// A link that was mailed before the address unsubscribed is no answer to a
// question asked after it.
func TestAnOldConfirmationDoesNotUndoAnUnsubscription(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		ch := s.add(p, "email", foreign)
		old := s.sent.verifies[0].Link
		s.post(old, nil).is(http.StatusOK)
		s.otherBrowser().post(s.server.Signer.UnsubscribePath(ch.ID), nil).is(http.StatusOK)
		s.post(old, nil).is(http.StatusNotFound)
		if ch := s.newest(p, "email"); ch.Ready() {
			s.Errorf("an old link has switched it on: %+v", ch)
		}
	})
}

func TestUnsubscribingEndsAllChannelsOfTheProjectToTheAddress(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		first := s.newest(p, "email")
		s.add(p, "email", url.Values{"value": {"JANE@example.org"}, "up": {"on"}})
		other := s.add(p, "webhook", url.Values{"method_down": {"GET"}, "url_down": {"https://a.example.org/"}})
		s.otherBrowser().post(s.server.Signer.UnsubscribePath(first.ID), nil).is(http.StatusOK)
		for _, ch := range s.channels(p) {
			if ready := ch.ID == other.ID; ch.Ready() != ready {
				s.Errorf("%s %s: ready %v", ch.Kind, ch.Config, ch.Ready())
			}
		}
	})
}

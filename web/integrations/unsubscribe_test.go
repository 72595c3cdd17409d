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

// unsubscribed is a project whose owner's own e-mail channel has been
// unsubscribed from by one click.
func unsubscribed(s *webtest.Site) (*monitor.Project, monitor.Channel) {
	s.Helper()
	_, p := s.Login("jane@example.org")
	ch := newest(s, p, "email")
	s.OtherBrowser().Post(s.Server.Signer.UnsubscribePath(ch.ID), url.Values{"List-Unsubscribe": {"One-Click"}}).Is(http.StatusOK)
	return p, newest(s, p, "email")
}

var janesForm = url.Values{"value": {"jane@example.org"}, "down": {"on"}, "up": {"on"}}

func TestUnsubscribingHolds(t *testing.T) {
	for name, act := range map[string]func(s *webtest.Site, p *monitor.Project, ch monitor.Channel){
		"saving the form": func(s *webtest.Site, _ *monitor.Project, ch monitor.Channel) {
			s.Post(channelPath(ch, "edit"), janesForm).Is(http.StatusSeeOther)
		},
		"saving it twice": func(s *webtest.Site, _ *monitor.Project, ch monitor.Channel) {
			s.Post(channelPath(ch, "edit"), janesForm).Is(http.StatusSeeOther)
			s.Post(channelPath(ch, "edit"), janesForm).Is(http.StatusSeeOther)
		},
		"another spelling": func(s *webtest.Site, _ *monitor.Project, ch monitor.Channel) {
			s.Post(channelPath(ch, "edit"), url.Values{"value": {"Jane@Example.org"}, "down": {"on"}}).Is(http.StatusSeeOther)
		},
		"another address and back": func(s *webtest.Site, _ *monitor.Project, ch monitor.Channel) {
			s.Post(channelPath(ch, "edit"), url.Values{"value": {"ops@example.org"}, "down": {"on"}}).Is(http.StatusSeeOther)
			s.Post(channelPath(ch, "edit"), janesForm).Is(http.StatusSeeOther)
		},
		"another name": func(s *webtest.Site, _ *monitor.Project, ch monitor.Channel) {
			s.Post(channelPath(ch, "name"), url.Values{"name": {"Ops"}}).Is(http.StatusSeeOther)
		},
		"removing and making it anew": func(s *webtest.Site, p *monitor.Project, ch monitor.Channel) {
			s.Post(channelPath(ch, "remove"), nil).Is(http.StatusSeeOther)
			s.Post(addPath(p, "email"), janesForm).Is(http.StatusSeeOther)
		},
		"a second channel": func(s *webtest.Site, p *monitor.Project, _ monitor.Channel) {
			s.Post(addPath(p, "email"), janesForm).Is(http.StatusSeeOther)
		},
		"asking again": func(s *webtest.Site, _ *monitor.Project, ch monitor.Channel) {
			s.Post(channelPath(ch, "resend"), nil).Is(http.StatusSeeOther)
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachIntegrations(t, func(s *webtest.Site) {
				p, ch := unsubscribed(s)
				act(s, p, ch)
				for _, ch := range channels(s, p) {
					if strings.EqualFold(s.Store.AddressOf(&ch), "jane@example.org") && ch.Ready() {
						s.Errorf("mailed again without asking: %+v", ch)
					}
				}
			})
		})
	}
}

func TestARefusalHoldsInOtherProjects(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		p, _ := unsubscribed(s)
		s.Post("/projects/"+p.ID.String()+"/remove/", url.Values{"confirmation": {p.Title()}}).Is(http.StatusSeeOther)
		s.Post("/projects/add/", url.Values{"name": {"Second"}}).Is(http.StatusSeeOther)
		projects, err := s.Store.ProjectsOf(s.Context(), p.OwnerID)
		if err != nil || len(projects) != 1 {
			s.Fatal(projects, err)
		}
		second := &projects[0].Project
		own := newest(s, second, "email")
		if own.Ready() {
			s.Errorf("the first channel of a new project mails who has unsubscribed: %+v", own)
		}
		s.Post(addPath(second, "email"), janesForm).Is(http.StatusSeeOther)
		for _, ch := range channels(s, second) {
			if ch.Ready() {
				s.Errorf("a channel made by hand mails who has unsubscribed: %+v", ch)
			}
		}
	})
}

func TestOnlyTheAddressEndsThatItHasUnsubscribed(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		p, ch := unsubscribed(s)
		s.Get(integrations.ListPath(p.ID)).Has("Unsubscribed", "Ask again")
		s.Post(channelPath(ch, "edit"), janesForm).LeadsTo(integrations.ListPath(p.ID))
		s.Get(integrations.ListPath(p.ID)).Has("gets alerts again as soon as it agrees")
		if len(s.Sent.Verifies) != 1 {
			s.Fatalf("%d questions", len(s.Sent.Verifies))
		}
		// One question a day, whatever the owner tries.
		s.Post(channelPath(ch, "edit"), janesForm).LeadsTo(integrations.ListPath(p.ID))
		s.Get(integrations.ListPath(p.ID)).Has("was asked within a day already")
		s.Post(channelPath(ch, "resend"), nil).Is(http.StatusTooManyRequests)
		if len(s.Sent.Verifies) != 1 {
			s.Errorf("%d questions within a day", len(s.Sent.Verifies))
		}
		s.Clock.Advance(25 * time.Hour)
		s.Post(channelPath(ch, "resend"), nil).LeadsTo(integrations.ListPath(p.ID))
		if len(s.Sent.Verifies) != 2 {
			s.Errorf("%d questions after a day", len(s.Sent.Verifies))
		}

		s.OtherBrowser().Post(s.Sent.Verifies[0].Link, nil).Is(http.StatusOK).Has("Confirmed")
		if ch := newest(s, p, "email"); !ch.Ready() || ch.LastError != "" || !ch.UnsubscribedAt.IsZero() {
			s.Errorf("the address has agreed: %+v", ch)
		}
		refused, err := s.Store.Refused(s.Context(), "jane@example.org")
		if refused || err != nil {
			s.Errorf("the refusal is remembered after it agreed: %v, %v", refused, err)
		}
	})
}

// A link that was mailed before the address unsubscribed is no answer to a
// question asked after it.
func TestAnOldConfirmationDoesNotUndoAnUnsubscription(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		ch := add(s, p, "email", foreign)
		old := s.Sent.Verifies[0].Link
		s.Post(old, nil).Is(http.StatusOK)
		s.OtherBrowser().Post(s.Server.Signer.UnsubscribePath(ch.ID), nil).Is(http.StatusOK)
		s.Post(old, nil).Is(http.StatusNotFound)
		if ch := newest(s, p, "email"); ch.Ready() {
			s.Errorf("an old link has switched it on: %+v", ch)
		}
	})
}

func TestUnsubscribingEndsAllChannelsOfTheProjectToTheAddress(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		first := newest(s, p, "email")
		add(s, p, "email", url.Values{"value": {"JANE@example.org"}, "up": {"on"}})
		other := add(s, p, "webhook", url.Values{"method_down": {"GET"}, "url_down": {"https://a.example.org/"}})
		s.OtherBrowser().Post(s.Server.Signer.UnsubscribePath(first.ID), nil).Is(http.StatusOK)
		for _, ch := range channels(s, p) {
			ready := ch.ID == other.ID
			if ch.Ready() != ready {
				s.Errorf("%s %s: ready %v", ch.Kind, ch.Config, ch.Ready())
			}
		}
	})
}

package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// deliver makes alerts for all channels of the check, one for each verdict, and
// records what came of them.
func (s *testSite) deliver(c *monitor.Check, verdicts ...store.Outcome) {
	s.Helper()
	worker := uuid.New()
	for i, o := range verdicts {
		s.ping(c, []monitor.PingKind{monitor.PingFail, monitor.PingSuccess}[i%2])
		claimed, err := s.store.ClaimDeliveries(s.Context(), store.Claim{Worker: worker, Limit: 10, PerChannel: 10, Lease: time.Minute})
		if err != nil {
			s.Fatal(err)
		}
		var outcomes []store.Outcome
		for _, d := range claimed {
			o.ID, o.Attempt, o.Channel, o.Tried, o.At = d.ID, d.Attempts, d.ChannelID, true, s.clock.Now()
			outcomes = append(outcomes, o)
		}
		if _, err := s.store.FinishDeliveries(s.Context(), worker, outcomes); err != nil {
			s.Fatal(err)
		}
		s.clock.Advance(time.Minute)
	}
}

func failedWith(text string) store.Outcome {
	return store.Outcome{Verdict: store.Failed, ChannelOutcome: store.ChannelOutcome{Error: text}}
}

func TestTheHealthOfAnIntegrationShows(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		c := s.firstCheck(p)
		sent := store.Outcome{Verdict: store.Sent, ChannelOutcome: store.ChannelOutcome{Latency: 120 * time.Millisecond}}
		s.deliver(c, sent, sent)
		s.get(integrationsPath(p.ID)).has("2 alerts in 30 days, all delivered", "in 120 ms").hasNot("Repair", "Look at its settings")
		s.deliver(c, sent, failedWith("Received status code 500"))
		page := s.get(integrationsPath(p.ID))
		page.has("3 of 4 alerts delivered in 30 days (75 %)", "Received status code 500", "Last delivery failed")
		if page.text(".why a") != "Look at its settings" {
			t.Errorf("the way to repair it: %q", page.text(".why"))
		}
		broken := failedWith("The key is not valid")
		broken.Disable = true
		s.deliver(c, broken)
		page = s.get(integrationsPath(p.ID))
		page.has("Disabled since Sun, 1 Mar 2026, 14:04:00 EET", "Last tried 1 min ago")
		if got := page.text(".why a"); got != "Repair and switch on" {
			t.Errorf("the way to repair it: %q", got)
		}
		s.clock.Advance(31 * 24 * time.Hour)
		s.get(integrationsPath(p.ID)).hasNot("in 30 days")
	})
}

func TestEveryPageOfAProjectTellsThatNobodyWouldHear(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		c := s.firstCheck(p)
		banner := func(path string) *answer { s.Helper(); return s.get(path).is(http.StatusOK) }
		pages := []string{listURL(p.ID), "/checks/" + c.Code.String() + "/details/", "/projects/" + p.ID.String() + "/settings/", "/checks/" + c.Code.String() + "/timeout/"}
		for _, page := range pages {
			if banner(page).Find(".banner").Length() != 0 {
				t.Errorf("%s has a banner without a reason", page)
			}
		}
		hook := s.add(p, "webhook", url.Values{"method_down": {"POST"}, "url_down": {"https://hooks.example.org/"}})
		hook.LastError = "Connection failed"
		if err := testdb.PutChannel(s.Context(), s.store, &hook); err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			a := banner(page)
			if got := a.text(".banner.grace"); !strings.HasPrefix(got, "1 of 2 integrations") || a.Find(`.banner a`).AttrOr("href", "") != integrationsPath(p.ID) {
				t.Errorf("%s: %q", page, got)
			}
		}
		mail := s.newest(p, "email")
		mail.Disabled = true
		if err := testdb.PutChannel(s.Context(), s.store, &mail); err != nil {
			t.Fatal(err)
		}
		if got := banner(pages[0]).text(".banner.down"); !strings.Contains(got, "No integration") {
			t.Errorf("none works: %q", got)
		}
		for _, h := range []monitor.Channel{hook, mail} {
			s.post(channelPath(h, "remove"), nil).is(http.StatusSeeOther)
		}
		if got := banner(pages[1]).text(".banner.down"); !strings.Contains(got, "Nobody is told when a check of") || !strings.Contains(got, "Add an integration") {
			t.Errorf("there is none: %q", got)
		}
		if a := banner(integrationsPath(p.ID)); a.Find(".banner.down").Length() != 1 || a.Find(".banner a").Length() != 0 {
			t.Error("the page of integrations needs no link to itself")
		}
		if banner("/accounts/profile/").Find(".banner").Length() != 0 {
			t.Error("the profile is no page of a project")
		}
	})
}

func TestATestTellsWhatWasAnswered(t *testing.T) {
	s := newTestSite(t, db.SQLite, withNotifiers)
	_, p := s.login("jane@example.org")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "queued as 17")
	}))
	t.Cleanup(server.Close)
	hook := s.add(p, "webhook", url.Values{"method_down": {"POST"}, "url_down": {server.URL}})
	s.post(channelPath(hook, "test"), nil).leadsTo(integrationsPath(p.ID))
	got := s.get(integrationsPath(p.ID)).text(".flash")
	for _, words := range []string{"was accepted in 230 ms", "202 Accepted", "queued as 17"} {
		if !strings.Contains(got, words) {
			t.Errorf("the answer does not say %q: %s", words, got)
		}
	}
}

// offered is a notifier of a kind that is only named.
type offered struct {
	notify.Notifier
	kind string
}

func (o offered) Kind() string  { return o.kind }
func (o offered) Label() string { return "The " + o.kind }

func TestTheGalleryIsGroupedAndSearched(t *testing.T) {
	kinds := []string{"webhook", "gotify", "email", "ntfy", "po", "slack", "sms"}
	s := newTestSite(t, db.SQLite, func(d *Deps) {
		var all []notify.Notifier
		for _, k := range kinds {
			all = append(all, offered{notify.NewEmail(nil, nil, d.Signer.UnsubscribePath, d.Site.Root.String()), k})
		}
		d.Notifiers = notify.NewRegistry(all...)
	})
	_, p := s.login("jane@example.org")
	page := s.get(integrationsPath(p.ID))
	var groups []string
	for _, g := range page.Find("#kinds section").EachIter() {
		groups = append(groups, strings.Join(strings.Fields(g.Find("h3, h4").Text()), " "))
	}
	if want := []string{"For peopleThe emailThe po", "For programsThe webhook", "MoreThe gotifyThe ntfyThe slackThe sms"}; !slices.Equal(groups, want) {
		t.Errorf("groups %q, want %q", groups, want)
	}
	if page.Find(`input[data-filter="#kinds"]`).Length() != 1 {
		t.Error("seven kinds cannot be searched")
	}
}

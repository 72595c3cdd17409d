package integrations_test

import (
	"context"
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
	"punctual/internal/testkit/kindtest"
	"punctual/internal/testkit/testdb"
	"punctual/web"
	"punctual/web/integrations"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// deliver makes alerts for all channels of the check, one for each verdict, and
// records what came of them.
func deliver(s *webtest.Site, c *monitor.Check, verdicts ...store.Outcome) {
	s.Helper()
	worker := uuid.New()
	for i, o := range verdicts {
		s.Ping(c, []monitor.PingKind{monitor.PingFail, monitor.PingSuccess}[i%2])
		claimed, err := s.Store.ClaimDeliveries(s.Context(), store.Claim{Worker: worker, Limit: 10, PerChannel: 10, Lease: time.Minute})
		if err != nil {
			s.Fatal(err)
		}
		var outcomes []store.Outcome
		for _, d := range claimed {
			o.ID = d.ID
			o.Attempt = d.Attempts
			o.Channel = d.ChannelID
			o.Tried = true
			o.At = s.Clock.Now()
			outcomes = append(outcomes, o)
		}
		if _, err := s.Store.FinishDeliveries(s.Context(), worker, outcomes); err != nil {
			s.Fatal(err)
		}
		s.Clock.Advance(time.Minute)
	}
}

func failedWith(text string) store.Outcome {
	return store.Outcome{Verdict: store.Failed, ChannelOutcome: store.ChannelOutcome{Error: text}}
}

func TestTheHealthOfAnIntegrationShows(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		c := s.FirstCheck(p)
		sent := store.Outcome{Verdict: store.Sent, ChannelOutcome: store.ChannelOutcome{Latency: 120 * time.Millisecond}}
		deliver(s, c, sent, sent)
		s.Get(integrations.ListPath(p.ID)).Has("2 alerts in 30 days, all delivered", "in 120 ms").HasNot("Repair", "Look at its settings")
		deliver(s, c, sent, failedWith("Received status code 500"))
		page := s.Get(integrations.ListPath(p.ID))
		page.Has("3 of 4 alerts delivered in 30 days (75 %)", "Received status code 500", "Last delivery failed")
		if page.Text(".why a") != "Look at its settings" {
			t.Errorf("the way to repair it: %q", page.Text(".why"))
		}
		broken := failedWith("The key is not valid")
		broken.Disable = true
		deliver(s, c, broken)
		page = s.Get(integrations.ListPath(p.ID))
		page.Has("Disabled since Sun, 1 Mar 2026, 14:04:00 EET", "Last tried 1 min ago")
		got := page.Text(".why a")
		if got != "Repair and switch on" {
			t.Errorf("the way to repair it: %q", got)
		}
		s.Clock.Advance(31 * 24 * time.Hour)
		s.Get(integrations.ListPath(p.ID)).HasNot("in 30 days")
	})
}

func TestEveryPageOfAProjectWarnsThatNobodyWouldBeNotified(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		c := s.FirstCheck(p)
		banner := func(path string) *webtest.Answer { s.Helper(); return s.Get(path).Is(http.StatusOK) }
		pages := []string{ui.ListURL(p.ID), "/checks/" + c.Code.String() + "/details/", "/projects/" + p.ID.String() + "/settings/",
			"/checks/" + c.Code.String() + "/timeout/"}
		for _, page := range pages {
			if banner(page).Find(".banner").Length() != 0 {
				t.Errorf("%s has a banner without a reason", page)
			}
		}
		hook := add(s, p, "webhook", url.Values{"method_down": {"POST"}, "url_down": {"https://hooks.example.org/"}})
		hook.LastError = "Connection failed"
		if err := testdb.PutChannel(s.Context(), s.Store, &hook); err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			a := banner(page)
			got := a.Text(".banner.grace")
			if !strings.HasPrefix(got, "1 of 2 integrations") || a.Find(`.banner a`).AttrOr("href", "") != integrations.ListPath(p.ID) {
				t.Errorf("%s: %q", page, got)
			}
		}
		mail := newest(s, p, "email")
		mail.Disabled = true
		if err := testdb.PutChannel(s.Context(), s.Store, &mail); err != nil {
			t.Fatal(err)
		}
		got := banner(pages[0]).Text(".banner.down")
		if !strings.Contains(got, "No integration") {
			t.Errorf("none works: %q", got)
		}
		for _, h := range []monitor.Channel{hook, mail} {
			s.Post(channelPath(h, "remove"), nil).Is(http.StatusSeeOther)
		}
		if got := banner(pages[1]).Text(".banner.down"); !strings.Contains(got, "Nobody is told when a check of") ||
			!strings.Contains(got, "Add an integration") {
			t.Errorf("there is none: %q", got)
		}
		a := banner(integrations.ListPath(p.ID))
		if a.Find(".banner.down").Length() != 1 || a.Find(".banner a").Length() != 0 {
			t.Error("the page of integrations needs no link to itself")
		}
		if banner("/accounts/profile/").Find(".banner").Length() != 0 {
			t.Error("the profile is no page of a project")
		}
	})
}

func TestATestShowsWhatWasAnswered(t *testing.T) {
	s := webtest.New(t, db.SQLite, withNotifiers)
	_, p := s.Login("jane@example.org")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "queued as 17")
	}))
	t.Cleanup(server.Close)
	hook := add(s, p, "webhook", url.Values{"method_down": {"POST"}, "url_down": {server.URL}})
	s.Post(channelPath(hook, "test"), nil).LeadsTo(integrations.ListPath(p.ID))
	got := s.Get(integrations.ListPath(p.ID)).Text(".flash")
	for _, words := range []string{"was accepted in 230 ms", "202 Accepted", "queued as 17"} {
		if !strings.Contains(got, words) {
			t.Errorf("the answer does not say %q: %s", words, got)
		}
	}
}

// named is a kind that is only named.
func named(name string, group notify.Group) *notify.Kind {
	none := func(*struct{}) string { return "" }
	return notify.Declare(notify.Declaration[struct{}]{
		Name: name, Label: "The " + name, Group: group, Blurb: "For tests.", Destination: none, Summary: none,
		Fields: func(*struct{}) []notify.Field { return nil },
		Send:   func(context.Context, *notify.Delivery[struct{}]) (notify.Result, error) { return notify.Result{}, nil },
	})
}

func TestTheGalleryIsGroupedAndSearched(t *testing.T) {
	s := webtest.New(t, db.SQLite, func(d *web.Deps) {
		d.Notifiers = kindtest.Registry(notify.Env{}, nil,
			named("webhook", notify.Programs), named("gotify", notify.Phones), named("email", notify.People), named("ntfy", notify.Phones),
			named("po", notify.People), named("slack", notify.Chat), named("sms", notify.Phones),
		)
	})
	_, p := s.Login("jane@example.org")
	page := s.Get(integrations.ListPath(p.ID))
	var groups []string
	for _, g := range page.Find("#kinds section").EachIter() {
		groups = append(groups, strings.Join(strings.Fields(g.Find("h3, h4").Text()), " "))
	}
	want := []string{"For peopleThe emailThe po", "ChatThe slack", "PhonesThe gotifyThe ntfyThe sms", "For programsThe webhook"}
	if !slices.Equal(groups, want) {
		t.Errorf("groups %q, want %q", groups, want)
	}
	if page.Find(`input[data-filter="#kinds"]`).Length() != 1 {
		t.Error("seven kinds cannot be searched")
	}
}

package web

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/internal/auth"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// subscription stands for the page of our application at Pushover.
const subscription = "https://pushover.example/subscribe/Punctual-abc"

// oneShot sends a test as the dispatcher does: one attempt, remembered on the channel.
type oneShot struct {
	store     *store.Store
	notifiers *notify.Registry
}

func (o oneShot) SendTest(ctx context.Context, ch *monitor.Channel) (notify.Result, error) {
	check := monitor.NewCheck(ch.ProjectID, o.store.Now())
	check.Name = "TEST"
	result, err := o.notifiers.Notifier(ch.Kind).Send(ctx, notify.Event{
		Check: check, Channel: *ch, Status: monitor.StatusDown, Test: true, Attempt: 1, Key: "key", Now: o.store.Now(),
		Flip: monitor.Flip{Old: monitor.StatusUp, New: monitor.StatusDown, CreatedAt: o.store.Now()},
	})
	outcome := store.ChannelOutcome{At: o.store.Now(), Latency: 230 * time.Millisecond}
	if err != nil {
		outcome.Error = err.Error()
	}
	if noteErr := o.store.NoteChannelOutcome(ctx, ch.ID, outcome); noteErr != nil {
		return result, noteErr
	}
	return result, err
}

// eachIntegrations runs the test on a site with real notifiers, once on each engine.
func eachIntegrations(t *testing.T, test func(s *testSite)) {
	t.Helper()
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(newTestSite(t, engine, withNotifiers))
		})
	}
}

func withNotifiers(d *Deps) {
	client := notify.NewClient(notify.ClientConfig{Version: "test", AllowPrivate: true})
	d.Notifiers = notify.NewRegistry(
		notify.NewEmail(nil, nil, d.Signer.UnsubscribePath, d.Site.Root.String()),
		notify.NewWebhook(client, func(monitor.Check) []byte { return []byte("{}") }, d.Store.Now),
		notify.NewPushover(notify.PushoverConfig{Client: client, Now: d.Store.Now}),
	)
	d.Tester = oneShot{d.Store, d.Notifiers}
	d.PushoverSubscription = subscription
}

// channels are those of the project, oldest first.
func (s *testSite) channels(p *monitor.Project) []monitor.Channel {
	s.Helper()
	channels, err := s.store.ChannelsOf(s.Context(), p.ID)
	if err != nil {
		s.Fatal(err)
	}
	return channels
}

// newest is the channel of the kind that came last, as it is stored now.
func (s *testSite) newest(p *monitor.Project, kind string) monitor.Channel {
	s.Helper()
	var found *monitor.Channel
	for _, c := range s.channels(p) {
		if c.Kind == kind && (found == nil || !c.CreatedAt.Before(found.CreatedAt)) {
			found = &c
		}
	}
	if found == nil {
		s.Fatalf("there is no channel of the kind %s", kind)
	}
	return *found
}

func addPath(p *monitor.Project, kind string) string {
	return "/projects/" + p.ID.String() + "/add_" + kind + "/"
}

func channelPath(c monitor.Channel, page string) string {
	return "/integrations/" + c.ID.String() + "/" + page + "/"
}

// add adds a channel with the form and returns it; the clock moves so that it is
// the newest.
func (s *testSite) add(p *monitor.Project, kind string, form url.Values) monitor.Channel {
	s.Helper()
	s.clock.Advance(1e9)
	s.post(addPath(p, kind), form).leadsTo(integrationsPath(p.ID))
	return s.newest(p, kind)
}

var foreign = url.Values{"value": {"ops@example.org"}, "down": {"on"}, "up": {"on"}}

func TestIntegrationsListWhoIsTold(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		s.add(p, "webhook", url.Values{"name": {"Incident bot"}, "method_down": {"POST"}, "url_down": {"https://hooks.example.org/secret"}})
		page := s.get(integrationsPath(p.ID)).is(http.StatusOK)
		page.has("jane@example.org", "Ready", "Nothing sent yet", "Incident bot", "hooks.example.org", "Tells when a check goes down", "1 of 1 check")
		page.hasNot("secret")
		if kinds := page.text(".kind-card h4"); kinds != "EmailPushoverWebhook" {
			s.Errorf("the gallery has %s", kinds)
		}
		if page.Find(".alarm").Length() != 0 {
			s.Error("all is well, but the navigation warns")
		}
	})
}

func TestEachPageWarnsWhenNobodyWouldBeTold(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		email := s.newest(p, "email")
		warned := func(why string) {
			s.Helper()
			for _, path := range []string{integrationsPath(p.ID), addPath(p, "email")} {
				if s.get(path).Find("nav .alarm").Length() == 0 {
					s.Errorf("%s: %s does not warn", why, path)
				}
			}
		}
		if err := s.store.NoteChannelOutcome(s.Context(), email.ID, store.ChannelOutcome{At: s.store.Now(), Error: "The mailbox is full."}); err != nil {
			s.Fatal(err)
		}
		warned("a failed delivery")
		s.get(integrationsPath(p.ID)).has("Last delivery failed", "The mailbox is full.")
		s.post(channelPath(email, "remove"), nil).leadsTo(integrationsPath(p.ID))
		warned("no channel")
		s.get(integrationsPath(p.ID)).has("Nobody is told")
	})
}

func TestAWebhookIsAddedForAllChecksAndTested(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		var status int
		var got string
		hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = r.Method + " " + r.URL.Path + " " + r.Header.Get("X-Room") + " " + string(body)
			w.WriteHeader(status)
			io.WriteString(w, "said the hook")
		}))
		defer hook.Close()
		_, p := s.login("jane@example.org")
		c := s.add(p, "webhook", url.Values{
			"method_down": {"POST"}, "url_down": {hook.URL + "/in"}, "body_down": {"$NAME is $STATUS"}, "headers_down": {"X-Room: night"},
		})
		if channels, err := s.store.ChannelsOfCheck(s.Context(), s.firstCheck(p).ID); err != nil || len(channels) != 2 {
			s.Errorf("the check has %d channels, %v", len(channels), err)
		}

		status = http.StatusOK
		s.post(channelPath(c, "test"), nil).leadsTo(integrationsPath(p.ID))
		s.get(integrationsPath(p.ID)).has("was accepted", "The server answered 200 OK: said the hook", "just now")
		if got != "POST /in night TEST is down" {
			s.Errorf("the hook got %q", got)
		}

		status = http.StatusBadGateway
		s.post(channelPath(c, "test"), nil).leadsTo(integrationsPath(p.ID))
		page := s.get(integrationsPath(p.ID)).has("failed", "The server answered 502 Bad Gateway: said the hook", "Last delivery failed")
		if page.Find(".flash.error").Length() != 1 {
			s.Error("the failed test is not shown as an error")
		}
	})
}

func TestAWrongFormComesBackWithWhatWasTyped(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		before := len(s.channels(p))
		for kind, form := range map[string]url.Values{
			"email":   {"value": {"no address"}, "name": {"Typed before"}, "down": {"on"}},
			"webhook": {"url_down": {"not an address"}, "name": {"Typed before"}},
			"po":      {"value": {"short"}, "name": {"Typed before"}},
		} {
			page := s.post(addPath(p, kind), form).is(http.StatusBadRequest)
			if typed, _ := page.Find("[name=name]").Attr("value"); typed != "Typed before" {
				s.Errorf("%s: the name is %q", kind, typed)
			}
			if page.Find("form .error").Length() != 1 {
				s.Errorf("%s: %d messages", kind, page.Find("form .error").Length())
			}
		}
		s.post(addPath(p, "email"), url.Values{"value": {"ops@example.org"}, "down": {"on"}, "name": {strings.Repeat("n", 101)}}).
			is(http.StatusBadRequest).has("at most 100 characters")
		if after := len(s.channels(p)); after != before {
			s.Errorf("%d channels were added", after-before)
		}
	})
}

func TestAnAddressOfSomebodyElseIsAskedFirst(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		if own := s.add(p, "email", url.Values{"value": {"Jane@example.org"}, "down": {"on"}}); !own.Verified {
			s.Error("the user's own address is asked")
		}
		c := s.add(p, "email", foreign)
		s.get(integrationsPath(p.ID)).has("Unconfirmed", "Ask again")
		if c.Verified || len(s.sent.verifies) != 1 {
			s.Fatalf("verified %v, %d mails", c.Verified, len(s.sent.verifies))
		}
		asked := s.sent.verifies[0]
		if asked.To != "ops@example.org" || asked.By != "jane@example.org" || asked.Project != p.Name {
			s.Errorf("asked %+v", asked)
		}

		recipient := s.otherBrowser()
		recipient.get(asked.Link).is(http.StatusOK).has("ops@example.org", "Yes, send me alerts")
		if s.newest(p, "email").Verified {
			s.Error("opening the link was enough: mail scanners do that")
		}
		recipient.post(asked.Link, nil).is(http.StatusOK).has("Confirmed")
		if !s.newest(p, "email").Verified {
			s.Error("the button did nothing")
		}
	})
}

func TestANewAddressOfAChannelIsAskedAgain(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		c := s.add(p, "email", foreign)
		old := s.sent.verifies[0].Link
		s.post(old, nil).is(http.StatusOK)
		s.post(channelPath(c, "edit"), url.Values{"value": {"night@example.org"}, "down": {"on"}}).leadsTo(integrationsPath(p.ID))
		if s.newest(p, "email").Verified || len(s.sent.verifies) != 2 {
			s.Fatalf("verified %v, %d mails", s.newest(p, "email").Verified, len(s.sent.verifies))
		}
		s.post(old, nil).is(http.StatusNotFound)
		s.post(channelPath(c, "resend"), nil).leadsTo(integrationsPath(p.ID))
		s.post(s.sent.verifies[2].Link, nil).is(http.StatusOK)
		if !s.newest(p, "email").Verified {
			s.Error("the new address could not confirm")
		}
	})
}

func TestOneUserCannotHaveManyAddressesAsked(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		for i := range auth.VerifyMails {
			// One address is asked less often than that.
			another := maps.Clone(foreign)
			another.Set("value", fmt.Sprintf("somebody%d@example.net", i))
			s.post(addPath(p, "email"), another).leadsTo(integrationsPath(p.ID))
		}
		before := len(s.channels(p))
		s.post(addPath(p, "email"), foreign).is(http.StatusTooManyRequests)
		if len(s.sent.verifies) != auth.VerifyMails || len(s.channels(p)) != before {
			s.Errorf("%d mails, %d channels more", len(s.sent.verifies), len(s.channels(p))-before)
		}
	})
}

func TestOneClickUnsubscribes(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		c := s.newest(p, "email")
		link := s.server.Signer.UnsubscribePath(c.ID)
		program := s.otherBrowser()
		program.header = http.Header{"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}}

		program.get(link).is(http.StatusOK).has("jane@example.org", "Unsubscribe")
		if s.newest(p, "email").Disabled {
			s.Fatal("opening the link was enough: mail scanners do that")
		}
		program.post(strings.Replace(link, c.ID.String(), p.ID.String(), 1), nil).is(http.StatusNotFound)
		wrong := "/integrations/" + c.ID.String() + "/unsub/" + s.server.Signer.Sign(auth.PurposeVerify, c.ID.String()) + "/"
		program.post(wrong, nil).is(http.StatusNotFound)

		program.post(link, url.Values{"List-Unsubscribe": {"One-Click"}}).is(http.StatusOK).has("no more alerts")
		if !s.newest(p, "email").Disabled {
			s.Fatal("the click did nothing")
		}
		program.post(link, url.Values{"List-Unsubscribe": {"One-Click"}}).is(http.StatusOK)
		s.get(integrationsPath(p.ID)).has("Unsubscribed", "The recipient has unsubscribed.", "until it agrees again")
	})
}

func TestAChannelIsEditedRenamedAndRemoved(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		c := s.add(p, "webhook", url.Values{"method_down": {"GET"}, "url_down": {"https://a.example.org/"}, "method_up": {"PUT"}, "url_up": {"https://b.example.org/"}})
		form := s.get(channelPath(c, "edit")).is(http.StatusOK)
		if u, _ := form.Find("[name=url_up]").Attr("value"); u != "https://b.example.org/" || form.text("[name=method_up] [selected]") != "PUT" {
			s.Errorf("the form has %s %s", form.text("[name=method_up] [selected]"), u)
		}
		s.post(channelPath(c, "edit"), url.Values{"name": {"Both"}, "method_up": {"GET"}, "url_up": {"https://c.example.org/"}}).leadsTo(integrationsPath(p.ID))
		s.get(integrationsPath(p.ID)).has("Both", "c.example.org", "comes back up")

		s.post(channelPath(c, "name"), url.Values{"name": {" Night shift "}}).leadsTo(integrationsPath(p.ID))
		if name := s.newest(p, "webhook").Name; name != "Night shift" {
			s.Errorf("the name is %q", name)
		}
		s.post(channelPath(c, "remove"), nil).leadsTo(integrationsPath(p.ID))
		s.get(integrationsPath(p.ID)).has("Removed Night shift")
		s.get(channelPath(c, "edit")).is(http.StatusNotFound)
	})
}

func TestAChannelIsGivenItsChecks(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		second := monitor.NewCheck(p.ID, s.store.Now())
		second.Name = "Second check"
		if err := s.store.CreateCheck(s.Context(), &second, store.Channels{All: true}); err != nil {
			s.Fatal(err)
		}
		c := s.newest(p, "email")
		if on := s.get(channelPath(c, "checks")).has("Second check").Find("[name=checks][checked]").Length(); on != 2 {
			s.Errorf("%d checks are on", on)
		}
		s.post(channelPath(c, "checks"), url.Values{"checks": {second.Code.String(), "not of this project"}}).leadsTo(integrationsPath(p.ID))
		s.get(integrationsPath(p.ID)).has("now tells of 1 check", "1 of 2 checks")
		if channels, err := s.store.ChannelsOfCheck(s.Context(), s.firstCheck(p).ID); err != nil || len(channels) != 0 {
			s.Errorf("the other check still has %d, %v", len(channels), err)
		}
	})
}

func TestOnlyMembersMayTouchIntegrations(t *testing.T) {
	eachIntegrations(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		c := s.newest(p, "email")
		stranger := s.otherBrowser()
		if stranger.get(integrationsPath(p.ID)).is(http.StatusSeeOther); stranger.get(channelPath(c, "edit")).location == "" {
			s.Error("a visitor is not asked to log in")
		}
		reader, _ := stranger.login("reader@example.org")
		posts := []string{channelPath(c, "edit"), channelPath(c, "name"), channelPath(c, "test"), channelPath(c, "remove"), channelPath(c, "checks"), channelPath(c, "resend"), addPath(p, "email")}
		stranger.get(integrationsPath(p.ID)).is(http.StatusNotFound)
		for _, path := range posts {
			stranger.post(path, url.Values{}).is(http.StatusNotFound)
		}

		_, err := s.store.DB().Exec(s.Context(), `INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, 'r', $3)`, reader.ID, p.ID, s.store.Now())
		if err != nil {
			s.Fatal(err)
		}
		page := stranger.get(integrationsPath(p.ID)).is(http.StatusOK).has("jane@example.org")
		if page.Find("main form, .kind-card").Length() != 0 {
			s.Error("somebody who may only look is offered changes")
		}
		for _, path := range posts {
			stranger.post(path, url.Values{}).is(http.StatusForbidden)
		}
	})
}

func TestKindsThatAreNotOfferedCannotBeAdded(t *testing.T) {
	eachSite(t, func(s *testSite) { // a site without notifiers
		_, p := s.login("jane@example.org")
		s.get(addPath(p, "po")).is(http.StatusNotFound)
		s.post(addPath(p, "email"), foreign).is(http.StatusNotFound)
		s.get(integrationsPath(p.ID)).is(http.StatusOK).has("no longer offers")
	})
}

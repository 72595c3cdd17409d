package integrations_test

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
	"punctual/internal/testkit/kindtest"
	"punctual/internal/testkit/testdb"
	"punctual/web"
	"punctual/web/integrations"
	"punctual/web/webtest"
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
	result, err := o.notifiers.Send(ctx, notify.Event{
		Check: check, Channel: *ch, Status: monitor.StatusDown, Test: true, Attempt: 1, Key: "key", Now: o.store.Now(),
		Flip: monitor.Flip{Old: monitor.StatusUp, New: monitor.StatusDown, CreatedAt: o.store.Now()},
	})
	outcome := store.ChannelOutcome{At: o.store.Now(), Latency: 230 * time.Millisecond}
	if err != nil {
		outcome.Error = err.Error()
	}
	noteErr := o.store.NoteChannelOutcome(ctx, ch.ID, outcome)
	if noteErr != nil {
		return result, noteErr
	}
	return result, err
}

// eachIntegrations runs the test on a site with real notifiers, once on each engine.
func eachIntegrations(t *testing.T, test func(s *webtest.Site)) {
	t.Helper()
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(webtest.New(t, engine, withNotifiers))
		})
	}
}

func withNotifiers(d *web.Deps) {
	client := notify.NewClient(notify.ClientConfig{Version: "test", AllowPrivate: true})
	env := notify.Env{Client: client, Now: d.Store.Now, SiteRoot: d.Site.Root.String(), Unsubscribe: d.Signer.UnsubscribePath}
	d.Notifiers = kindtest.Registry(env, map[string]string{"pushover-subscription-url": subscription},
		kindtest.Kinds("email", "webhook", "po")...)
	d.Tester = oneShot{d.Store, d.Notifiers}
}

// channels are those of the project, oldest first.
func channels(s *webtest.Site, p *monitor.Project) []monitor.Channel {
	s.Helper()
	channels, err := s.Store.ChannelsOf(s.Context(), p.ID)
	if err != nil {
		s.Fatal(err)
	}
	return channels
}

// newest is the channel of the kind that came last, as it is stored now.
func newest(s *webtest.Site, p *monitor.Project, kind string) monitor.Channel {
	s.Helper()
	var found *monitor.Channel
	for _, c := range channels(s, p) {
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
func add(s *webtest.Site, p *monitor.Project, kind string, form url.Values) monitor.Channel {
	s.Helper()
	s.Clock.Advance(1e9)
	s.Post(addPath(p, kind), form).LeadsTo(integrations.ListPath(p.ID))
	return newest(s, p, kind)
}

var foreign = url.Values{"value": {"ops@example.org"}, "down": {"on"}, "up": {"on"}}

func TestIntegrationsListWhoIsNotified(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		add(s, p, "webhook", url.Values{"name": {"Incident bot"}, "method_down": {"POST"}, "url_down": {"https://hooks.example.org/secret"}})
		page := s.Get(integrations.ListPath(p.ID)).Is(http.StatusOK)
		page.Has("jane@example.org", "Ready", "Nothing sent yet", "Incident bot", "hooks.example.org", "Alerts when a check goes down",
			"1 of 1 check")
		page.HasNot("secret")
		kinds := page.Text(".kind-card h4")
		if kinds != "EmailPushoverWebhook" {
			s.Errorf("the gallery has %s", kinds)
		}
		if page.Find(".alarm").Length() != 0 {
			s.Error("all is well, but the navigation warns")
		}
	})
}

func TestEachPageWarnsWhenNobodyWouldBeNotified(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		email := newest(s, p, "email")
		warned := func(why string) {
			s.Helper()
			for _, path := range []string{integrations.ListPath(p.ID), addPath(p, "email")} {
				if s.Get(path).Find("nav .alarm").Length() == 0 {
					s.Errorf("%s: %s does not warn", why, path)
				}
			}
		}
		if err := s.Store.NoteChannelOutcome(s.Context(), email.ID,
			store.ChannelOutcome{At: s.Store.Now(), Error: "The mailbox is full."}); err != nil {
			s.Fatal(err)
		}
		warned("a failed delivery")
		s.Get(integrations.ListPath(p.ID)).Has("Last delivery failed", "The mailbox is full.")
		s.Post(channelPath(email, "remove"), nil).LeadsTo(integrations.ListPath(p.ID))
		warned("no channel")
		s.Get(integrations.ListPath(p.ID)).Has("Nobody is told")
	})
}

func TestAWebhookIsAddedForAllChecksAndTested(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		var status int
		var got string
		hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = r.Method + " " + r.URL.Path + " " + r.Header.Get("X-Room") + " " + string(body)
			w.WriteHeader(status)
			io.WriteString(w, "said the hook")
		}))
		defer hook.Close()
		_, p := s.Login("jane@example.org")
		c := add(s, p, "webhook", url.Values{
			"method_down": {"POST"}, "url_down": {hook.URL + "/in"}, "body_down": {"$NAME is $STATUS"}, "headers_down": {"X-Room: night"},
		})
		channels, err := s.Store.ChannelsOfCheck(s.Context(), s.FirstCheck(p).ID)
		if err != nil || len(channels) != 2 {
			s.Errorf("the check has %d channels, %v", len(channels), err)
		}

		status = http.StatusOK
		s.Post(channelPath(c, "test"), nil).LeadsTo(integrations.ListPath(p.ID))
		s.Get(integrations.ListPath(p.ID)).Has("was accepted", "The server answered 200 OK: said the hook", "just now")
		if got != "POST /in night TEST is down" {
			s.Errorf("the hook got %q", got)
		}

		status = http.StatusBadGateway
		s.Post(channelPath(c, "test"), nil).LeadsTo(integrations.ListPath(p.ID))
		page := s.Get(integrations.ListPath(p.ID)).Has("failed", "The server answered 502 Bad Gateway: said the hook", "Last delivery failed")
		if page.Find(".flash.error").Length() != 1 {
			s.Error("the failed test is not shown as an error")
		}
	})
}

func TestAWrongFormComesBackWithWhatWasTyped(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		before := len(channels(s, p))
		for kind, form := range map[string]url.Values{
			"email":   {"value": {"no address"}, "name": {"Typed before"}, "down": {"on"}},
			"webhook": {"url_down": {"not an address"}, "name": {"Typed before"}},
			"po":      {"value": {"short"}, "name": {"Typed before"}},
		} {
			page := s.Post(addPath(p, kind), form).Is(http.StatusBadRequest)
			typed, _ := page.Find("[name=name]").Attr("value")
			if typed != "Typed before" {
				s.Errorf("%s: the name is %q", kind, typed)
			}
			if page.Find("form .error").Length() != 1 {
				s.Errorf("%s: %d messages", kind, page.Find("form .error").Length())
			}
		}
		s.Post(addPath(p, "email"), url.Values{"value": {"ops@example.org"}, "down": {"on"}, "name": {strings.Repeat("n", 101)}}).
			Is(http.StatusBadRequest).Has("at most 100 characters")
		after := len(channels(s, p))
		if after != before {
			s.Errorf("%d channels were added", after-before)
		}
	})
}

func TestAnAddressOfSomebodyElseIsAskedFirst(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		own := add(s, p, "email", url.Values{"value": {"Jane@example.org"}, "down": {"on"}})
		if !own.Verified {
			s.Error("the user's own address is asked")
		}
		c := add(s, p, "email", foreign)
		s.Get(integrations.ListPath(p.ID)).Has("Unconfirmed", "Ask again")
		if c.Verified || len(s.Sent.Verifies) != 1 {
			s.Fatalf("verified %v, %d mails", c.Verified, len(s.Sent.Verifies))
		}
		asked := s.Sent.Verifies[0]
		if asked.To != "ops@example.org" || asked.By != "jane@example.org" || asked.Project != p.Name {
			s.Errorf("asked %+v", asked)
		}

		recipient := s.OtherBrowser()
		recipient.Get(asked.Link).Is(http.StatusOK).Has("ops@example.org", "Yes, send me alerts")
		if newest(s, p, "email").Verified {
			s.Error("opening the link was enough: mail scanners do that")
		}
		recipient.Post(asked.Link, nil).Is(http.StatusOK).Has("Confirmed")
		if !newest(s, p, "email").Verified {
			s.Error("the button did nothing")
		}
	})
}

func TestANewAddressOfAChannelIsAskedAgain(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		c := add(s, p, "email", foreign)
		old := s.Sent.Verifies[0].Link
		s.Post(old, nil).Is(http.StatusOK)
		s.Post(channelPath(c, "edit"), url.Values{"value": {"night@example.org"}, "down": {"on"}}).LeadsTo(integrations.ListPath(p.ID))
		if newest(s, p, "email").Verified || len(s.Sent.Verifies) != 2 {
			s.Fatalf("verified %v, %d mails", newest(s, p, "email").Verified, len(s.Sent.Verifies))
		}
		s.Post(old, nil).Is(http.StatusNotFound)
		s.Post(channelPath(c, "resend"), nil).LeadsTo(integrations.ListPath(p.ID))
		s.Post(s.Sent.Verifies[2].Link, nil).Is(http.StatusOK)
		if !newest(s, p, "email").Verified {
			s.Error("the new address could not confirm")
		}
	})
}

func TestOneUserCannotHaveManyAddressesAsked(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		for i := range auth.VerifyMails {
			// One address is asked less often than that.
			another := maps.Clone(foreign)
			another.Set("value", fmt.Sprintf("somebody%d@example.net", i))
			s.Post(addPath(p, "email"), another).LeadsTo(integrations.ListPath(p.ID))
		}
		before := len(channels(s, p))
		s.Post(addPath(p, "email"), foreign).Is(http.StatusTooManyRequests)
		if len(s.Sent.Verifies) != auth.VerifyMails || len(channels(s, p)) != before {
			s.Errorf("%d mails, %d channels more", len(s.Sent.Verifies), len(channels(s, p))-before)
		}
	})
}

func TestOneClickUnsubscribes(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		c := newest(s, p, "email")
		link := s.Server.Signer.UnsubscribePath(c.ID)
		program := s.OtherBrowser()
		program.Header = http.Header{"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}}

		program.Get(link).Is(http.StatusOK).Has("jane@example.org", "Unsubscribe")
		if newest(s, p, "email").Disabled {
			s.Fatal("opening the link was enough: mail scanners do that")
		}
		program.Post(strings.Replace(link, c.ID.String(), p.ID.String(), 1), nil).Is(http.StatusNotFound)
		wrong := "/integrations/" + c.ID.String() + "/unsub/" + s.Server.Signer.Sign(auth.PurposeVerify, c.ID.String()) + "/"
		program.Post(wrong, nil).Is(http.StatusNotFound)

		program.Post(link, url.Values{"List-Unsubscribe": {"One-Click"}}).Is(http.StatusOK).Has("no more alerts")
		if !newest(s, p, "email").Disabled {
			s.Fatal("the click did nothing")
		}
		program.Post(link, url.Values{"List-Unsubscribe": {"One-Click"}}).Is(http.StatusOK)
		s.Get(integrations.ListPath(p.ID)).Has("Unsubscribed", "The recipient has unsubscribed.", "until it agrees again")
	})
}

func TestAChannelIsEditedRenamedAndRemoved(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		c := add(s, p, "webhook", url.Values{"method_down": {"GET"}, "url_down": {"https://a.example.org/"}, "method_up": {"PUT"},
			"url_up": {"https://b.example.org/"}})
		form := s.Get(channelPath(c, "edit")).Is(http.StatusOK)
		u, _ := form.Find("[name=url_up]").Attr("value")
		if u != "https://b.example.org/" || form.Text("[name=method_up] [selected]") != "PUT" {
			s.Errorf("the form has %s %s", form.Text("[name=method_up] [selected]"), u)
		}
		s.Post(channelPath(c, "edit"), url.Values{"name": {"Both"}, "method_up": {"GET"}, "url_up": {"https://c.example.org/"}}).LeadsTo(
			integrations.ListPath(p.ID))
		s.Get(integrations.ListPath(p.ID)).Has("Both", "c.example.org", "comes back up")

		s.Post(channelPath(c, "name"), url.Values{"name": {" Night shift "}}).LeadsTo(integrations.ListPath(p.ID))
		name := newest(s, p, "webhook").Name
		if name != "Night shift" {
			s.Errorf("the name is %q", name)
		}
		s.Post(channelPath(c, "remove"), nil).LeadsTo(integrations.ListPath(p.ID))
		s.Get(integrations.ListPath(p.ID)).Has("Removed Night shift")
		s.Get(channelPath(c, "edit")).Is(http.StatusNotFound)
	})
}

func TestAChannelIsGivenItsChecks(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		second := monitor.NewCheck(p.ID, s.Store.Now())
		second.Name = "Second check"
		if err := s.Store.CreateCheck(s.Context(), &second, store.Channels{All: true}); err != nil {
			s.Fatal(err)
		}
		c := newest(s, p, "email")
		on := s.Get(channelPath(c, "checks")).Has("Second check").Find("[name=checks][checked]").Length()
		if on != 2 {
			s.Errorf("%d checks are on", on)
		}
		s.Post(channelPath(c, "checks"), url.Values{"checks": {second.Code.String(), "not of this project"}}).LeadsTo(integrations.ListPath(p.ID))
		s.Get(integrations.ListPath(p.ID)).Has("is now on for 1 check", "1 of 2 checks")
		channels, err := s.Store.ChannelsOfCheck(s.Context(), s.FirstCheck(p).ID)
		if err != nil || len(channels) != 0 {
			s.Errorf("the other check still has %d, %v", len(channels), err)
		}
	})
}

func TestOnlyMembersMayTouchIntegrations(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		c := newest(s, p, "email")
		stranger := s.OtherBrowser()
		if stranger.Get(integrations.ListPath(p.ID)).Is(http.StatusSeeOther); stranger.Get(channelPath(c, "edit")).Location == "" {
			s.Error("a visitor is not asked to log in")
		}
		reader, _ := stranger.Login("reader@example.org")
		posts := []string{channelPath(c, "edit"), channelPath(c, "name"), channelPath(c, "test"), channelPath(c, "remove"),
			channelPath(c, "checks"), channelPath(c, "resend"), addPath(p, "email")}
		stranger.Get(integrations.ListPath(p.ID)).Is(http.StatusNotFound)
		for _, path := range posts {
			stranger.Post(path, url.Values{}).Is(http.StatusNotFound)
		}

		_, err := s.Store.DB().Exec(s.Context(), `INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, 'r', $3)`,
			reader.ID, p.ID, s.Store.Now())
		if err != nil {
			s.Fatal(err)
		}
		page := stranger.Get(integrations.ListPath(p.ID)).Is(http.StatusOK).Has("jane@example.org")
		if page.Find("main form, .kind-card").Length() != 0 {
			s.Error("somebody who may only look is offered changes")
		}
		for _, path := range posts {
			stranger.Post(path, url.Values{}).Is(http.StatusForbidden)
		}
	})
}

func TestKindsThatAreNotOfferedCannotBeAdded(t *testing.T) {
	// a site without notifiers
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		s.Get(addPath(p, "po")).Is(http.StatusNotFound)
		s.Post(addPath(p, "email"), foreign).Is(http.StatusNotFound)
		s.Get(integrations.ListPath(p.ID)).Is(http.StatusOK).Has("no longer offers")
	})
}

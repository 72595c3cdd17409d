package integrations_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"punctual/internal/auth"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/testkit/kindtest"
	"punctual/internal/testkit/testdb"
	"punctual/web"
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
		if !strings.HasPrefix(success, s.URL+"/integrations/pushover/done/?state=") {
			s.Errorf("comes back to %s", success)
		}
		page := s.Get(success + "&pushover_user_key=" + pushoverKey).Is(http.StatusOK).Has("How urgent")
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

// Who left before there was one address for each provider comes back to one with the
// project and a signature in it.
func TestTheFormerWayBackIsForOneUserAndAnHour(t *testing.T) {
	eachIntegrations(t, func(s *webtest.Site) {
		jane, p := s.Login("jane@example.org")
		stamp := strconv.FormatInt(s.Clock.Now().Unix(), 10)
		signature := auth.NewSigner(webtest.Secret).Sign("pushover", jane.ID.String()+" "+p.ID.String()+" "+stamp)
		success := "/integrations/pushover/done/" + p.ID.String() + "/" + stamp + "." + signature + "/"
		back := success + "?pushover_user_key=" + pushoverKey
		s.Get(back).Is(http.StatusOK).Has("How urgent")

		stranger := s.OtherBrowser()
		// to the login form
		stranger.Get(back).Is(http.StatusSeeOther)
		_, other := stranger.Login("mallory@example.org")
		stranger.Get(back).Is(http.StatusNotFound)
		stranger.Get(strings.Replace(back, p.ID.String(), other.ID.String(), 1)).Is(http.StatusForbidden)

		// without a key
		s.Get(success).Is(http.StatusBadRequest)
		s.Clock.Advance(integrations.FormerConnectTime + time.Second)
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
		s.Get(success + "&pushover_unsubscribed=1").LeadsTo(integrations.ListPath(p.ID))
		s.Get(integrations.ListPath(p.ID)).Has("remove the integration that was yours")
		n := len(channels(s, p))
		if n != before {
			s.Errorf("%d channels are left of %d, though nobody has posted anything", n, before)
		}
	})
}

const authorize = "https://rooms.example/oauth/authorize?client_id=17"

type roomConfig struct{ Code string }

// room is a kind whose provider accepts one registered address to come back to.
func room() *notify.Kind {
	return notify.Declare(notify.Declaration[roomConfig]{
		Name: "room", Label: "Room", Group: notify.Chat, Blurb: "For tests.",
		Fields: func(c *roomConfig) []notify.Field {
			return []notify.Field{{Key: "code", Value: notify.String(&c.Code), Label: "Code", Required: "Please give a code."}}
		},
		Destination: func(*roomConfig) string { return "rooms.example" },
		Summary:     func(c *roomConfig) string { return "room " + c.Code },
		Connect: &notify.Connect{
			Path: "rooms", Setting: "rooms-url", Field: "code", Invite: "Choose a room.", Button: "Go to Rooms", Welcome: "Rooms has agreed.",
			Leave: func(query url.Values, back notify.ConnectReturn) {
				query.Set("redirect_uri", back.Address)
				query.Set("state", back.State)
			},
			Return: func(query url.Values) (value, notice string, err error) {
				if query.Get("error") != "" {
					return "", "Rooms has not agreed.", nil
				}
				return query.Get("code"), "", nil
			},
		},
		Send: func(context.Context, *notify.Delivery[roomConfig]) (notify.Result, error) {
			return notify.Result{}, nil
		},
	})
}

// eachWithRooms runs the test on a site that has such a kind, once on each engine.
func eachWithRooms(t *testing.T, test func(s *webtest.Site)) {
	t.Helper()
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(webtest.New(t, engine, func(d *web.Deps) {
				settings := map[string]string{"rooms-url": authorize, "pushover-subscription-url": subscription}
				d.Notifiers = kindtest.Registry(notify.Env{}, settings, append(kindtest.Kinds("email", "po"), room())...)
			}))
		})
	}
}

// visitRooms leaves for the provider and returns the full address to come back to.
func visitRooms(s *webtest.Site, p *monitor.Project) string {
	s.Helper()
	there := s.Post(addPath(p, "room"), nil).Is(http.StatusSeeOther).Header.Get("Location")
	target, err := url.Parse(there)
	if err != nil || !strings.HasPrefix(there, "https://rooms.example/oauth/authorize?") || target.Query().Get("client_id") != "17" {
		s.Fatalf("leads to %s, %v", there, err)
	}
	back := target.Query().Get("redirect_uri")
	if back != s.URL+"/integrations/rooms/done/" {
		s.Fatalf("comes back to %s, which cannot be registered", back)
	}
	return back + "?code=4711&state=" + url.QueryEscape(target.Query().Get("state"))
}

// nothingAdded holds that a way back is refused, and that it has made nothing.
func nothingAdded(s *webtest.Site, p *monitor.Project, back string) {
	s.Helper()
	s.Get(back).Is(http.StatusForbidden).Has("Nothing was added.", "start again").HasNot("4711")
	for _, c := range channels(s, p) {
		if c.Kind == "room" {
			s.Errorf("%s has added %+v", back, c)
		}
	}
}

func TestAProviderHasOneAddressToComeBackTo(t *testing.T) {
	eachWithRooms(t, func(s *webtest.Site) {
		user, p := s.Login("jane@example.org")
		second := &monitor.Project{OwnerID: user.ID, Name: "Second"}
		if err := s.Store.CreateProject(s.Context(), second); err != nil {
			t.Fatal(err)
		}
		// in two tabs at once
		first := visitRooms(s, p)
		other := visitRooms(s, second)
		for back, project := range map[string]*monitor.Project{other: second, first: p} {
			page := s.Get(back).Is(http.StatusOK).Has("Rooms has agreed.")
			form := url.Values{"code": {page.Find("[name=code]").AttrOr("value", "")}}
			s.Post(page.Find("main form").AttrOr("action", ""), form).LeadsTo(integrations.ListPath(project.ID))
			c := newest(s, project, "room")
			if !strings.Contains(c.Config, "4711") {
				t.Errorf("%+v", c)
			}
		}
	})
}

func TestAWayBackIsTakenOnce(t *testing.T) {
	eachWithRooms(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		back := visitRooms(s, p)
		s.Get(back).Is(http.StatusOK)
		nothingAdded(s, p, back)
	})
}

func TestAWayBackNeedsTheStateItWasGiven(t *testing.T) {
	eachWithRooms(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		back := visitRooms(s, p)
		path, state, _ := strings.Cut(back, "&state=")
		nothingAdded(s, p, path)
		nothingAdded(s, p, path+"&state=")
		nothingAdded(s, p, path+"&state="+state[1:])
		nothingAdded(s, p, path+"&state="+strings.Repeat("A", len(state)))
		// that of another provider
		success, _ := subscribe(s, p)
		_, foreign, _ := strings.Cut(success, "state=")
		nothingAdded(s, p, path+"&state="+foreign)
		s.Get(back).Is(http.StatusOK)
	})
}

func TestAWayBackIsForTheOneWhoLeft(t *testing.T) {
	eachWithRooms(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		back := visitRooms(s, p)
		stranger := s.OtherBrowser()
		nothingAdded(stranger, p, back)
		_, theirs := stranger.Login("mallory@example.org")
		nothingAdded(stranger, theirs, back)
		// another user in the same browser
		s.Post("/accounts/logout/", nil).Is(http.StatusSeeOther)
		s.Login("rea@example.org")
		nothingAdded(s, p, back)
	})
}

func TestAWayBackEndsAfterAWhile(t *testing.T) {
	eachWithRooms(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		back := visitRooms(s, p)
		late := visitRooms(s, p)
		s.Clock.Advance(integrations.ConnectTime)
		s.Get(back).Is(http.StatusOK)
		s.Clock.Advance(time.Second)
		nothingAdded(s, p, late)
	})
}

func TestWhoMayOnlyLookByNowComesBackInVain(t *testing.T) {
	eachWithRooms(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		guest := s.OtherBrowser()
		rea, _ := guest.Login("rea@example.org")
		if err := s.Store.AddMember(s.Context(), p.ID, rea.ID, monitor.RoleMember); err != nil {
			t.Fatal(err)
		}
		back := visitRooms(guest, p)
		if err := s.Store.SetMemberRole(s.Context(), p.ID, rea.ID, monitor.RoleReadonly); err != nil {
			t.Fatal(err)
		}
		guest.Get(back).Is(http.StatusForbidden).HasNot("4711", "Rooms has agreed.")
	})
}

func TestAProviderMayRefuse(t *testing.T) {
	eachWithRooms(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		s.Get(strings.Replace(visitRooms(s, p), "code=4711", "error=access_denied", 1)).LeadsTo(integrations.ListPath(p.ID))
		s.Get(integrations.ListPath(p.ID)).Has("Rooms has not agreed.")
	})
}

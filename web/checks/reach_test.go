package checks_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/testkit/kindtest"
	"punctual/internal/testkit/testdb"
	"punctual/web"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// channelSite is a project whose checks are named after the channels they have.
type channelSite struct {
	*webtest.Site
	project *monitor.Project
	by      map[string]*monitor.Channel
}

// eachChannelSite runs the test on a site with integrations in all states, once on each
// engine.
func eachChannelSite(t *testing.T, test func(s *channelSite)) {
	t.Helper()
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := webtest.New(t, engine, func(d *web.Deps) {
				d.Notifiers = kindtest.Registry(notify.Env{}, map[string]string{"pushover-api-token": ""})
			})
			_, p := s.Login("jane@example.org")
			test(newChannelSite(s, p))
		})
	}
}

func newChannelSite(s *webtest.Site, p *monitor.Project) *channelSite {
	s.Helper()
	out := &channelSite{s, p, map[string]*monitor.Channel{}}
	const hook = `{"url_down":"https://hooks.example.org/"}`
	for _, c := range []struct {
		monitor.Channel
		store.ChannelOutcome
	}{
		{Channel: monitor.Channel{Name: "works", Kind: "webhook", Config: hook, Verified: true}},
		{monitor.Channel{Name: "fails", Kind: "webhook", Config: hook, Verified: true}, store.ChannelOutcome{Error: "Connection refused."}},
		{monitor.Channel{Name: "disabled", Kind: "webhook", Config: hook, Verified: true},
			store.ChannelOutcome{Error: "Gone.", Disable: true}},
		{Channel: monitor.Channel{Name: "asked", Kind: "email", Config: `{"address":"ops@example.org","down":true,"up":true}`}},
		{Channel: monitor.Channel{Name: "withdrawn", Kind: "po", Config: `{"user":"u","priority_down":0}`, Verified: true}},
		{Channel: monitor.Channel{Name: "ups", Kind: "webhook", Config: `{"url_up":"https://hooks.example.org/"}`, Verified: true}},
	} {
		s.Clock.Advance(1e9)
		c.ProjectID = p.ID
		if err := s.Store.CreateChannel(s.Context(), &c.Channel); err != nil {
			s.Fatal(err)
		}
		if c.Error != "" {
			c.At = s.Clock.Now()
			if err := s.Store.NoteChannelOutcome(s.Context(), c.ID, c.ChannelOutcome); err != nil {
				s.Fatal(err)
			}
		}
		out.by[c.Name] = &c.Channel
	}
	for _, names := range []string{
		"none", "works", "fails", "disabled", "asked", "withdrawn", "ups", "works fails", "fails asked", "ups fails",
	} {
		c := monitor.NewCheck(p.ID, s.Clock.Now())
		c.Name = "told by " + names
		var ids []uuid.UUID
		for name := range strings.FieldsSeq(names) {
			if out.by[name] != nil {
				ids = append(ids, out.by[name].ID)
			}
		}
		if err := s.Store.CreateCheck(s.Context(), &c, store.Channels{IDs: ids}); err != nil {
			s.Fatal(err)
		}
	}
	return out
}

// marks are the checks of a list by their names, with what their row says of who is
// told.
func marks(a *webtest.Answer) map[string]string {
	out := map[string]string{}
	for _, row := range a.Find("#checks tbody tr").EachIter() {
		name := row.Find(".nm a").Text()
		by, ok := strings.CutPrefix(name, "told by ")
		if ok {
			out[by] = row.Find(".nm .untold").Text()
		}
	}
	return out
}

func TestRowsShowThatNobodyIsNotified(t *testing.T) {
	eachChannelSite(t, func(s *channelSite) {
		const broken = "All its integrations are broken"
		want := map[string]string{
			"none": "Nobody is told", "ups": "Nobody is told", "works": "", "works fails": "", "fails": broken, "disabled": broken, "asked": broken,
			"withdrawn": broken, "fails asked": broken, "ups fails": broken,
		}
		list := ui.ListURL(s.project.ID)
		page := s.Get(list).Is(http.StatusOK)
		diff := cmp.Diff(want, marks(page))
		if diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		chip := page.Find("a[data-told]")
		if strings.Join(strings.Fields(chip.Text()), " ") != "Nobody is told 8" {
			t.Errorf("the chip says %q", chip.Text())
		}
		found := marks(s.Get(list + chip.AttrOr("href", "")).Is(http.StatusOK))
		delete(want, "works")
		delete(want, "works fails")
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("filtered (-want +got):\n%s", diff)
		}
	})
}

func TestTheFilterForUnreachedChecksIsOneOfSeveral(t *testing.T) {
	eachChannelSite(t, func(s *channelSite) {
		list := ui.ListURL(s.project.ID)
		page := s.Get(list + "?told=nobody&search=by+ups&select=1").Is(http.StatusOK)
		want := map[string]string{"ups": "Nobody is told", "ups fails": "All its integrations are broken"}
		diff := cmp.Diff(want, marks(page))
		if diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if page.Find(`form[role=search] input[name=told]`).AttrOr("value", "") != "nobody" {
			t.Error("a search would forget the filter")
		}
		// what is done to all that match is done to these
		back := page.Find("#bulk [name=back]").AttrOr("value", "")
		pause := url.Values{"back": {back}, "all": {"1"}, "action": {"pause"}}
		s.Post("/projects/"+s.project.ID.String()+"/checks/bulk/", pause).Is(http.StatusSeeOther)
		paused := s.Get(list + "?status=paused")
		if diff := cmp.Diff(want, marks(paused)); diff != "" {
			t.Errorf("paused (-want +got):\n%s", diff)
		}
	})
}

// spokenIcons is how a screen reader names the picture of channels in the row of a check.
func spokenIcons(a *webtest.Answer, check string) string {
	var words []string
	for _, row := range a.Find("#checks tbody tr").EachIter() {
		if row.Find(".nm a").Text() != "told by "+check {
			continue
		}
		// Scripts draw the picture themselves, with the same name; its markup is for those without.
		_, rest, _ := strings.Cut(row.Find(".ch noscript").Text(), `aria-labelledby=`)
		id, _, _ := strings.Cut(rest, `>`)
		words = append(words, a.Find("#"+id).AttrOr("aria-label", "no name"))
	}
	return strings.Join(words, " ")
}

func TestTheIconsOfARowAreNamedWithTheirState(t *testing.T) {
	eachChannelSite(t, func(s *channelSite) {
		page := s.Get(ui.ListURL(s.project.ID)).Is(http.StatusOK)
		got := spokenIcons(page, "works fails")
		want := "On: works (Webhook). fails (Webhook), last delivery failed. Off: jane@example.org (Email). disabled (Webhook), disabled. " +
			"asked (Email), unconfirmed. withdrawn (Pushover), not offered any more. ups (Webhook)."
		if got != want {
			t.Errorf("the picture is named\n%q, want\n%q", got, want)
		}
		tips := map[string]string{}
		broken := 0
		for _, icon := range page.Find("#channels > g").EachIter() {
			name, _, _ := strings.Cut(icon.AttrOr("data-tip", ""), " (")
			tips[name] = icon.AttrOr("data-tip", "")
			broken += icon.Find(".slash").Length()
		}
		if tips["fails"] != "fails (Webhook): the last message could not be delivered: Connection refused." || tips["works"] != "works (Webhook)." {
			t.Errorf("tips %q", tips)
		}
		if broken != 4 {
			t.Errorf("%d icons have a line through them, want 4", broken)
		}
	})
}

func TestALivePageLearnsThatAnIntegrationBroke(t *testing.T) {
	eachChannelSite(t, func(s *channelSite) {
		list := ui.ListURL(s.project.ID)
		version := s.Get(list).Find("#checks").AttrOr("data-version", "")
		poll := list + "status/?v=" + version
		before := s.Get(poll).Is(http.StatusOK)
		if strings.Contains(before.Body, `"icons"`) {
			t.Error("nothing has changed, but the icons are sent")
		}
		outcome := store.ChannelOutcome{At: s.Clock.Now(), Error: "Connection refused."}
		if err := s.Store.NoteChannelOutcome(s.Context(), s.by["works"].ID, outcome); err != nil {
			t.Fatal(err)
		}
		after := s.Get(poll).Is(http.StatusOK)
		for _, news := range []string{`"icons"`, `"icon_menu"`, `"unreached":10`, "works (Webhook): the last message could not be delivered"} {
			if !strings.Contains(after.Body, news) {
				t.Errorf("the news does not say %s", news)
			}
		}
	})
}

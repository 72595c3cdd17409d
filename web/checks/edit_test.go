package checks_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/web/checks"
	"punctual/web/ui"
	"punctual/web/webtest"
)

func TestAddingACheck(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		form := s.Get(ui.ListURL(p.ID) + "add/").Is(http.StatusOK)
		got := form.Find("#tz option").First().Text()
		if got != "Europe/Riga" {
			t.Errorf("the first zone offered is %q", got)
		}
		a := s.Post(ui.ListURL(p.ID)+"add/", url.Values{
			"name": {" Nightly\tdump "}, "tags": {"prod, db  prod2"}, "desc": {"line 1\r\nline 2"},
			"kind": {"cron"}, "schedule": {" 0 3 * * * "}, "tz": {"Europe/Riga"}, "grace_value": {"1.5"}, "grace_unit": {"3600"},
		}).Is(http.StatusSeeOther)
		checks, err := testdb.ChecksOf(s.Context(), s.Store, p.ID)
		if err != nil || len(checks) != 2 {
			t.Fatal(checks, err)
		}
		c := &checks[1]
		if a.Location != "/checks/"+c.Code.String()+"/details/" {
			t.Errorf("leads to %s", a.Location)
		}
		want := *c
		want.Name = "Nightly\tdump"
		want.Slug = "nightly-dump"
		want.Tags = "prod db prod2"
		want.Description = "line 1\nline 2"
		want.Kind = "cron"
		want.Schedule = "0 3 * * *"
		want.TZ = "Europe/Riga"
		want.Grace = 90 * time.Minute
		want.Timeout = 24 * time.Hour
		diff := cmp.Diff(want, *c)
		if diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		if on, err := s.Store.ChannelsOfCheck(s.Context(), c.ID); err != nil || len(on) != 1 {
			t.Errorf("a new check is watched through %v, %v", on, err)
		}
	})
}

func TestANameAloneIsEnough(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		s.Post(ui.ListURL(p.ID)+"add/", url.Values{"name": {"Bare"}}).Is(http.StatusSeeOther)
		checks, _ := testdb.ChecksOf(s.Context(), s.Store, p.ID)
		c := checks[1]
		if c.Kind != "simple" || c.Timeout != 24*time.Hour || c.Grace != time.Hour || c.Slug != "bare" {
			t.Errorf("stored: %+v", c)
		}
	})
}

func TestMistakesAreShownBesideTheirField(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		add := ui.ListURL(p.ID) + "add/"
		name := "name/"
		timeout := "timeout/"
		filtering := "filtering_rules/"
		for _, tc := range []struct {
			path, field, value, wrong, message string
		}{
			{add, "name", strings.Repeat("é", 101), "name", "at most 100 characters"},
			{name, "name", strings.Repeat("x", 101), "name", "at most 100 characters"},
			{name, "slug", "Nightly Dump", "slug", `such as "nightly-dump"`},
			{name, "tags", strings.Repeat("t ", 300), "tags", "at most 500 characters"},
			{timeout, "kind", "weekly", "kind", "Choose a kind"},
			{timeout, "timeout", "59", "timeout", "at least one minute"},
			{timeout, "timeout", "31536001", "timeout", "at most 365 days"},
			{timeout, "timeout", "90.5", "timeout", "whole seconds"},
			{timeout, "timeout", "NaN", "timeout", "must be a number"},
			{timeout, "timeout_value", "soon", "timeout", "must be a number"},
			{timeout, "grace", "0", "grace", "at least one minute"},
			{timeout, "grace", "-3600", "grace", "at least one minute"},
			{filtering, "methods", "PUT", "methods", "Choose"},
			{filtering, "success_kw", strings.Repeat("x", 201), "success_kw", "At most 200"},
			{filtering, "filter_http_body", "on", "filter_http_body", "at least one keyword"},
		} {
			path := tc.path
			if path != add {
				path = "/checks/" + c.Code.String() + "/" + path
			}
			form := url.Values{"name": {"A name"}, "kind": {"simple"}, "timeout": {"3600"}, "grace": {"3600"}, "tz": {"UTC"}}
			if strings.HasSuffix(tc.field, "_value") {
				form.Del("timeout")
			}
			form.Set(tc.field, tc.value)
			a := s.Post(path, form).Is(http.StatusBadRequest)
			got := a.Text(".error, .error-text")
			if !strings.Contains(got, tc.message) {
				t.Errorf("%s %s=%.20s: says %q, want %q", tc.path, tc.field, tc.value, got, tc.message)
			}
			if got := a.Find(`input[name=name]`).AttrOr("value", ""); tc.path == add && tc.field != "name" && got != "A name" {
				t.Errorf("%s: what was typed is lost: %q", tc.field, got)
			}
		}
		diff := cmp.Diff(c, s.Reload(c))
		if diff != "" {
			t.Errorf("a refused form has changed something:\n%s", diff)
		}
	})
}

func TestWrongSchedulesAreExplained(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		for _, tc := range []struct{ kind, schedule, tz, field, message string }{
			{"cron", "61 * * * *", "UTC", "schedule", "61"},
			{"cron", "", "UTC", "schedule", "Write when"},
			{"cron", "0 0 31 2 *", "UTC", "schedule", "never"},
			{"cron", "0 3 * * *", "Europe/Kiev", "tz", "time zone"},
			{"oncalendar", "noon", "UTC", "schedule", "noon"},
			{"oncalendar", "daily Mars/Phobos", "UTC", "schedule", ""},
			{"cron", strings.Repeat("1,", 60) + "1 * * * *", "UTC", "schedule", "at most 100"},
		} {
			form := url.Values{"kind": {tc.kind}, "schedule": {tc.schedule}, "tz": {tc.tz}, "grace": {"3600"}}
			a := s.Post("/checks/"+c.Code.String()+"/timeout/", form).Is(http.StatusBadRequest)
			got := a.Text("#" + tc.field + "-error")
			if got == "" || !strings.Contains(got, tc.message) {
				t.Errorf("%s %q: %q", tc.kind, tc.schedule, got)
			}
			if got := a.Text("textarea[name=schedule]"); got != tc.schedule {
				t.Errorf("typed %q, shown again %q", tc.schedule, got)
			}
			preview := s.Post("/checks/"+tc.kind+"_preview/", form).Is(http.StatusOK)
			if preview.Find(".error").Length() == 0 && tc.field == "schedule" {
				t.Errorf("%s %q: the preview sees nothing wrong: %s", tc.kind, tc.schedule, preview.Body)
			}
		}
	})
}

func TestAScheduleIsStored(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		path := "/checks/" + c.Code.String() + "/timeout/"
		s.Post(path, url.Values{"kind": {"oncalendar"}, "schedule": {"Mon..Fri 03:00\r\n*-*-01 06:30"}, "tz": {"Europe/Riga"},
			"grace_value": {"2"}, "grace_unit": {"86400"}}).
			LeadsTo("/checks/" + c.Code.String() + "/details/")
		got := s.Reload(c)
		if got.Kind != "oncalendar" || got.Schedule != "Mon..Fri 03:00\n*-*-01 06:30" || got.TZ != "Europe/Riga" || got.Grace != 48*time.Hour {
			t.Errorf("stored: %+v", got)
		}
		s.Post(path, url.Values{"kind": {"simple"}, "timeout": {"5400"}, "grace": {"90"}, "from": {"list"}}).LeadsTo(ui.ListURL(p.ID))
		got = s.Reload(c)
		if got.Kind != "simple" || got.Timeout != 90*time.Minute || got.Grace != 90*time.Second || got.Schedule == "" {
			t.Errorf("the expression must stay for later: %+v", got)
		}
		form := s.Get(path)
		v := form.Find(`[name=timeout_value]`).AttrOr("value", "")
		if v != "90" || form.Find(`[name=timeout_unit] [selected]`).Text() != "minutes" {
			t.Errorf("the period is shown as %s %s", v, form.Find(`[name=timeout_unit] [selected]`).Text())
		}
		if v := form.Find(`[name=grace_value]`).AttrOr("value", ""); v != "90" || form.Find(`[name=grace_unit] [selected]`).Text() != "seconds" {
			t.Errorf("the grace time is shown as %s %s", v, form.Find(`[name=grace_unit] [selected]`).Text())
		}
	})
}

func TestAnEditThatMakesACheckOverdueNotifiesNobody(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		s.Ping(c, monitor.PingSuccess)
		s.Clock.Advance(3 * time.Hour)
		s.Post("/checks/"+c.Code.String()+"/timeout/", url.Values{"kind": {"simple"}, "timeout": {"60"}, "grace": {"60"}}).Is(http.StatusSeeOther)
		got := s.Reload(c)
		if got.Status != monitor.StatusDown {
			t.Errorf("status %s", got.Status)
		}
		d, err := s.Store.DeliveriesOf(s.Context(), c.ID, store.DeliveryFilter{})
		if err != nil || len(d) != 0 {
			t.Errorf("deliveries %v, %v", d, err)
		}
		s.Ping(c, monitor.PingSuccess)
		if got := s.Reload(c); got.Status != monitor.StatusUp {
			t.Errorf("after a ping: %s", got.Status)
		}
	})
}

func TestThePreviewShowsWhatAScheduleMeans(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("me@example.org")
		a := s.Post("/checks/cron_preview/", url.Values{"schedule": {"30 3 * * MON-FRI"}, "tz": {"Europe/Riga"}}).Is(http.StatusOK)
		got := a.Text(".means")
		if !strings.Contains(got, "At 03:30 on Monday through Friday") {
			t.Errorf("means %q", got)
		}
		first := a.Find(".runs tbody tr").First().Find("td")
		if a.Find(".runs tbody tr").Length() != 6 || first.Eq(1).Text() != "Mon, 2 Mar 2026, 03:30" ||
			first.Eq(2).Text() != "Mon, 2 Mar 2026, 01:30" {
			t.Errorf("runs: %s", a.Text(".runs"))
		}
		a = s.Post("/checks/cron_preview/", url.Values{"schedule": {"* * * * *"}, "tz": {"UTC"}})
		if a.Find(".warn").Length() != 1 {
			t.Errorf("every minute is worth a warning: %s", a.Body)
		}
		a = s.Post("/checks/oncalendar_preview/", url.Values{"schedule": {"2027-01-01 08:00:30"}, "tz": {"UTC"}})
		if a.Find(".runs tbody tr").Length() != 1 || !strings.Contains(a.Body, "08:00:30") || !strings.Contains(a.Body, "no more after that") {
			t.Errorf("a schedule that ends: %s", a.Body)
		}
		for query, want := range map[string]string{
			"kind=cron&schedule=0+3+*+*+*":   `{"result":true}`,
			"kind=cron&schedule=0+3+*+*":     `{"result":false}`,
			"kind=oncalendar&schedule=daily": `{"result":true}`,
			"kind=simple&schedule=daily":     `{"result":false}`,
		} {
			got := s.Get("/checks/validate_schedule/?" + query).Is(http.StatusOK)
			if got.Body != want {
				t.Errorf("%s: %s", query, got.Body)
			}
		}
		s.OtherBrowser().Post("/checks/cron_preview/", url.Values{"schedule": {"* * * * *"}}).Is(http.StatusSeeOther)
	})
}

func TestPauseAndResume(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		base := "/checks/" + c.Code.String() + "/"
		s.Ping(c, monitor.PingSuccess)
		s.Post(base+"pause/", url.Values{}).LeadsTo(base + "details/")
		s.Get(base+"details/").Has("Paused for", "Resume").HasNot("The last ping came")
		s.Post(base+"pause/", url.Values{"from": {"list"}}).LeadsTo(ui.ListURL(p.ID))
		s.Post(base+"resume/", url.Values{}).LeadsTo(base + "details/")
		got := s.Reload(c)
		flips, _ := s.Store.Flips(s.Context(), c.ID, store.FlipFilter{})
		if got.Status != monitor.StatusNew || !got.LastPing.IsZero() || len(flips) != 3 {
			t.Errorf("after the pause: %+v, %d flips", got.State, len(flips))
		}
	})
}

func TestCopyingACheck(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, p := s.Login("me@example.org")
		c := s.AddNamed(p, "Nightly dump", func(c *monitor.Check) {
			c.Tags = "prod"
			c.Description = "text"
			c.Kind = "cron"
			c.Schedule = "0 3 * * *"
			c.Filter.Methods = "POST"
			c.ManualResume = true
		})
		s.Ping(c, monitor.PingFail)
		channels, _ := s.Store.ChannelsOf(s.Context(), p.ID)
		if err := s.Store.AssignChannel(s.Context(), c.ID, channels[0].ID, false); err != nil {
			t.Fatal(err)
		}
		s.Post("/checks/"+c.Code.String()+"/copy/", url.Values{}).Is(http.StatusSeeOther)
		checks, _ := testdb.ChecksOf(s.Context(), s.Store, p.ID)
		twin := checks[2]
		want := *s.Reload(c)
		want.ID = twin.ID
		want.Code = twin.Code
		want.BadgeKey = twin.BadgeKey
		want.CreatedAt = twin.CreatedAt
		want.State = twin.State
		want.Name = "Nightly dump (copy)"
		want.Slug = "nightly-dump-copy"
		diff := cmp.Diff(want, twin)
		if diff != "" || twin.Status != monitor.StatusNew || twin.Code == c.Code {
			t.Errorf("copy (-want +got):\n%s", diff)
		}
		on, _ := s.Store.ChannelsOfCheck(s.Context(), twin.ID)
		if len(on) != 0 {
			t.Errorf("the copy has channels the original has not: %v", on)
		}
		user.CheckLimit = 3
		if err := testdb.PutUser(s.Context(), s.Store, user); err != nil {
			t.Fatal(err)
		}
		s.Post("/checks/"+c.Code.String()+"/copy/", url.Values{}).Is(http.StatusSeeOther)
		s.Get("/checks/" + c.Code.String() + "/details/").Has("The limit of 3 checks is reached")
		s.Post(ui.ListURL(p.ID)+"add/", url.Values{"name": {"one too many"}}).Is(http.StatusBadRequest).Has("The limit of 3 checks is reached")
	})
}

func TestClearingAndRemoving(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		base := "/checks/" + c.Code.String() + "/"
		s.Ping(c, monitor.PingSuccess)
		s.Ping(c, monitor.PingFail)
		s.Post(base+"clear_events/", url.Values{}).LeadsTo(base + "details/")
		s.Get(base+"details/").Has("Nothing has happened yet", "Waiting for the next ping")
		got := s.Reload(c)
		if got.NPings != 2 || got.Status != monitor.StatusNew {
			t.Errorf("after clearing: %+v", got.State)
		}
		s.Get(base + "remove/").Is(http.StatusOK).Has("2 pings")
		s.Post(base+"remove/", url.Values{}).LeadsTo(ui.ListURL(p.ID))
		s.Get(ui.ListURL(p.ID)).Has("has been removed", "No checks yet")
		s.Get(base + "details/").Is(http.StatusNotFound)
	})
}

func TestSwitchingAChannel(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		channels, _ := s.Store.ChannelsOf(s.Context(), p.ID)
		path := "/checks/" + c.Code.String() + "/channels/" + channels[0].ID.String() + "/enabled"
		count := func() int {
			on, err := s.Store.ChannelsOfCheck(s.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return len(on)
		}
		s.Post(path, url.Values{"state": {"off"}}).LeadsTo("/checks/" + c.Code.String() + "/details/#channels")
		if count() != 0 || s.Get(ui.ListURL(p.ID)).Find("td.ch").AttrOr("data-on", "") != "" {
			t.Error("still on")
		}
		s.Header.Set("Accept", "application/json")
		s.Post(path, url.Values{"state": {"on"}}).Is(http.StatusNoContent)
		s.Header.Del("Accept")
		if count() != 1 || s.Get(ui.ListURL(p.ID)).Find("td.ch").AttrOr("data-on", "") != "a" {
			t.Error("still off")
		}
		other := s.OtherBrowser()
		_, theirs := other.Login("other@example.org")
		foreign, _ := s.Store.ChannelsOf(s.Context(), theirs.ID)
		s.Post("/checks/"+c.Code.String()+"/channels/"+foreign[0].ID.String()+"/enabled", url.Values{"state": {"on"}}).Is(http.StatusNotFound)
	})
}

func TestManyChannelsAreCounted(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		for range checks.MaxRowIcons {
			ch := &monitor.Channel{ProjectID: p.ID, Kind: "webhook", Config: "{}", Verified: true}
			if err := s.Store.CreateChannel(s.Context(), ch); err != nil {
				t.Fatal(err)
			}
		}
		got := s.Get(ui.ListURL(p.ID)).Text("td.ch")
		if got != "11 of 11" {
			t.Errorf("shown: %q", got)
		}
	})
}

func TestFilteringRulesAreStored(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.AddNamed(p, "mail too", func(c *monitor.Check) { c.Filter.Subject = true })
		base := "/checks/" + c.Code.String() + "/"
		s.Post(base+"filtering_rules/", url.Values{
			"methods": {"POST"}, "filter_http_body": {"on"}, "filter_body": {"on"}, "filter_default_fail": {"on"}, "manual_resume": {"on"},
			"start_kw": {"begin"}, "success_kw": {" done , ok "}, "failure_kw": {"ERROR"},
		}).LeadsTo(base + "details/")
		got := s.Reload(c)
		want := monitor.Filter{Methods: "POST", Body: true, HTTPBody: true, DefaultFail: true, StartKW: "begin", SuccessKW: "done , ok",
			FailureKW: "ERROR"}
		diff := cmp.Diff(want, got.Filter)
		if diff != "" || !got.ManualResume {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		s.Get(base+"details/").Has("Only POST requests count", "Keywords in the body of a request or the text of a mail", "Failure for ERROR",
			"Failure when none matches", "ignored while the check is paused")
		if s.Get(base+"filtering_rules/").Find("[name=filter_default_fail][checked]").Length() != 1 {
			t.Error("the form does not show what is stored")
		}

		// Where no mail is taken and none is filtered, its rules are neither shown nor touched.
		plain := s.AddNamed(p, "no mail")
		base = "/checks/" + plain.Code.String() + "/"
		if s.Get(base+"filtering_rules/").Find("[name=filter_subject], [name=filter_body]").Length() != 0 {
			t.Error("rules of mail are shown")
		}
		s.Post(base+"filtering_rules/", url.Values{"filter_subject": {"on"}, "manual_resume": {"on"}}).LeadsTo(base + "details/")
		if got := s.Reload(plain); got.Filter.Subject || !got.ManualResume {
			t.Errorf("stored %+v", got)
		}
	})
}

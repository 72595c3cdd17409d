package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestAddingACheck(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		form := s.get(listURL(p.ID) + "add/").is(http.StatusOK)
		if got := form.Find("#tz option").First().Text(); got != "Europe/Riga" {
			t.Errorf("the first zone offered is %q", got)
		}
		a := s.post(listURL(p.ID)+"add/", url.Values{
			"name": {" Nightly\tdump "}, "tags": {"prod, db  prod2"}, "desc": {"line 1\r\nline 2"},
			"kind": {"cron"}, "schedule": {" 0 3 * * * "}, "tz": {"Europe/Riga"}, "grace_value": {"1.5"}, "grace_unit": {"3600"},
		}).is(http.StatusSeeOther)
		checks, err := testdb.ChecksOf(s.Context(), s.store, p.ID)
		if err != nil || len(checks) != 2 {
			t.Fatal(checks, err)
		}
		c := &checks[1]
		if a.location != "/checks/"+c.Code.String()+"/details/" {
			t.Errorf("leads to %s", a.location)
		}
		want := *c
		want.Name, want.Slug, want.Tags, want.Description = "Nightly\tdump", "nightly-dump", "prod db prod2", "line 1\nline 2"
		want.Kind, want.Schedule, want.TZ, want.Grace, want.Timeout = "cron", "0 3 * * *", "Europe/Riga", 90*time.Minute, 24*time.Hour
		if diff := cmp.Diff(want, *c); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		if on, err := s.store.ChannelsOfCheck(s.Context(), c.ID); err != nil || len(on) != 1 {
			t.Errorf("a new check is watched through %v, %v", on, err)
		}
	})
}

func TestANameAloneIsEnough(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		s.post(listURL(p.ID)+"add/", url.Values{"name": {"Bare"}}).is(http.StatusSeeOther)
		checks, _ := testdb.ChecksOf(s.Context(), s.store, p.ID)
		if c := checks[1]; c.Kind != "simple" || c.Timeout != 24*time.Hour || c.Grace != time.Hour || c.Slug != "bare" {
			t.Errorf("stored: %+v", c)
		}
	})
}

func TestMistakesAreToldBesideTheirField(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		add, name, timeout, filtering := listURL(p.ID)+"add/", "name/", "timeout/", "filtering_rules/"
		for _, tc := range []struct {
			path, field, value, wrong, says string
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
			a := s.post(path, form).is(http.StatusBadRequest)
			if got := a.text(".error, .error-text"); !strings.Contains(got, tc.says) {
				t.Errorf("%s %s=%.20s: says %q, want %q", tc.path, tc.field, tc.value, got, tc.says)
			}
			if got := a.Find(`input[name=name]`).AttrOr("value", ""); tc.path == add && tc.field != "name" && got != "A name" {
				t.Errorf("%s: what was typed is lost: %q", tc.field, got)
			}
		}
		if diff := cmp.Diff(c, s.reload(c)); diff != "" {
			t.Errorf("a refused form has changed something:\n%s", diff)
		}
	})
}

func TestWrongSchedulesAreExplained(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		for _, tc := range []struct{ kind, schedule, tz, field, says string }{
			{"cron", "61 * * * *", "UTC", "schedule", "61"},
			{"cron", "", "UTC", "schedule", "Write when"},
			{"cron", "0 0 31 2 *", "UTC", "schedule", "never"},
			{"cron", "0 3 * * *", "Europe/Kiev", "tz", "time zone"},
			{"oncalendar", "noon", "UTC", "schedule", "noon"},
			{"oncalendar", "daily Mars/Phobos", "UTC", "schedule", ""},
			{"cron", strings.Repeat("1,", 60) + "1 * * * *", "UTC", "schedule", "at most 100"},
		} {
			form := url.Values{"kind": {tc.kind}, "schedule": {tc.schedule}, "tz": {tc.tz}, "grace": {"3600"}}
			a := s.post("/checks/"+c.Code.String()+"/timeout/", form).is(http.StatusBadRequest)
			if got := a.text("#" + tc.field + "-error"); got == "" || !strings.Contains(got, tc.says) {
				t.Errorf("%s %q: %q", tc.kind, tc.schedule, got)
			}
			if got := a.text("textarea[name=schedule]"); got != tc.schedule {
				t.Errorf("typed %q, shown again %q", tc.schedule, got)
			}
			preview := s.post("/checks/"+tc.kind+"_preview/", form).is(http.StatusOK)
			if preview.Find(".error").Length() == 0 && tc.field == "schedule" {
				t.Errorf("%s %q: the preview sees nothing wrong: %s", tc.kind, tc.schedule, preview.body)
			}
		}
	})
}

func TestAScheduleIsStored(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		path := "/checks/" + c.Code.String() + "/timeout/"
		s.post(path, url.Values{"kind": {"oncalendar"}, "schedule": {"Mon..Fri 03:00\r\n*-*-01 06:30"}, "tz": {"Europe/Riga"}, "grace_value": {"2"}, "grace_unit": {"86400"}}).
			leadsTo("/checks/" + c.Code.String() + "/details/")
		got := s.reload(c)
		if got.Kind != "oncalendar" || got.Schedule != "Mon..Fri 03:00\n*-*-01 06:30" || got.TZ != "Europe/Riga" || got.Grace != 48*time.Hour {
			t.Errorf("stored: %+v", got)
		}
		s.post(path, url.Values{"kind": {"simple"}, "timeout": {"5400"}, "grace": {"90"}, "from": {"list"}}).leadsTo(listURL(p.ID))
		got = s.reload(c)
		if got.Kind != "simple" || got.Timeout != 90*time.Minute || got.Grace != 90*time.Second || got.Schedule == "" {
			t.Errorf("the expression must stay for later: %+v", got)
		}
		form := s.get(path)
		if v := form.Find(`[name=timeout_value]`).AttrOr("value", ""); v != "90" || form.Find(`[name=timeout_unit] [selected]`).Text() != "minutes" {
			t.Errorf("the period is shown as %s %s", v, form.Find(`[name=timeout_unit] [selected]`).Text())
		}
		if v := form.Find(`[name=grace_value]`).AttrOr("value", ""); v != "90" || form.Find(`[name=grace_unit] [selected]`).Text() != "seconds" {
			t.Errorf("the grace time is shown as %s %s", v, form.Find(`[name=grace_unit] [selected]`).Text())
		}
	})
}

func TestAnEditThatMakesACheckOverdueTellsNobody(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		s.ping(c, monitor.PingSuccess)
		s.clock.Advance(3 * time.Hour)
		s.post("/checks/"+c.Code.String()+"/timeout/", url.Values{"kind": {"simple"}, "timeout": {"60"}, "grace": {"60"}}).is(http.StatusSeeOther)
		if got := s.reload(c); got.Status != monitor.StatusDown {
			t.Errorf("status %s", got.Status)
		}
		if d, err := s.store.DeliveriesOf(s.Context(), c.ID, store.DeliveryFilter{}); err != nil || len(d) != 0 {
			t.Errorf("deliveries %v, %v", d, err)
		}
		s.ping(c, monitor.PingSuccess)
		if got := s.reload(c); got.Status != monitor.StatusUp {
			t.Errorf("after a ping: %s", got.Status)
		}
	})
}

func TestThePreviewShowsWhatAScheduleMeans(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("me@example.org")
		a := s.post("/checks/cron_preview/", url.Values{"schedule": {"30 3 * * MON-FRI"}, "tz": {"Europe/Riga"}}).is(http.StatusOK)
		if got := a.text(".means"); !strings.Contains(got, "At 03:30 on Monday through Friday") {
			t.Errorf("means %q", got)
		}
		first := a.Find(".runs tbody tr").First().Find("td")
		if a.Find(".runs tbody tr").Length() != 6 || first.Eq(1).Text() != "Mon, 2 Mar 2026, 03:30" || first.Eq(2).Text() != "Mon, 2 Mar 2026, 01:30" {
			t.Errorf("runs: %s", a.text(".runs"))
		}
		if a = s.post("/checks/cron_preview/", url.Values{"schedule": {"* * * * *"}, "tz": {"UTC"}}); a.Find(".warn").Length() != 1 {
			t.Errorf("every minute is worth a warning: %s", a.body)
		}
		a = s.post("/checks/oncalendar_preview/", url.Values{"schedule": {"2027-01-01 08:00:30"}, "tz": {"UTC"}})
		if a.Find(".runs tbody tr").Length() != 1 || !strings.Contains(a.body, "08:00:30") || !strings.Contains(a.body, "no more after that") {
			t.Errorf("a schedule that ends: %s", a.body)
		}
		for query, want := range map[string]string{
			"kind=cron&schedule=0+3+*+*+*":   `{"result":true}`,
			"kind=cron&schedule=0+3+*+*":     `{"result":false}`,
			"kind=oncalendar&schedule=daily": `{"result":true}`,
			"kind=simple&schedule=daily":     `{"result":false}`,
		} {
			if got := s.get("/checks/validate_schedule/?" + query).is(http.StatusOK); got.body != want {
				t.Errorf("%s: %s", query, got.body)
			}
		}
		s.otherBrowser().post("/checks/cron_preview/", url.Values{"schedule": {"* * * * *"}}).is(http.StatusSeeOther)
	})
}

func TestPauseAndResume(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		base := "/checks/" + c.Code.String() + "/"
		s.ping(c, monitor.PingSuccess)
		s.post(base+"pause/", url.Values{}).leadsTo(base + "details/")
		s.get(base+"details/").has("Paused for", "Resume").hasNot("The last ping came")
		s.post(base+"pause/", url.Values{"from": {"list"}}).leadsTo(listURL(p.ID))
		s.post(base+"resume/", url.Values{}).leadsTo(base + "details/")
		got := s.reload(c)
		flips, _ := s.store.Flips(s.Context(), c.ID, store.FlipFilter{})
		if got.Status != monitor.StatusNew || !got.LastPing.IsZero() || len(flips) != 3 {
			t.Errorf("after the pause: %+v, %d flips", got.State, len(flips))
		}
	})
}

func TestCopyingACheck(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, p := s.login("me@example.org")
		c := s.addNamed(p, "Nightly dump", func(c *monitor.Check) {
			c.Tags, c.Description, c.Kind, c.Schedule, c.Filter.Methods, c.ManualResume = "prod", "text", "cron", "0 3 * * *", "POST", true
		})
		s.ping(c, monitor.PingFail)
		channels, _ := s.store.ChannelsOf(s.Context(), p.ID)
		if err := s.store.AssignChannel(s.Context(), c.ID, channels[0].ID, false); err != nil {
			t.Fatal(err)
		}
		s.post("/checks/"+c.Code.String()+"/copy/", url.Values{}).is(http.StatusSeeOther)
		checks, _ := testdb.ChecksOf(s.Context(), s.store, p.ID)
		twin := checks[2]
		want := *s.reload(c)
		want.ID, want.Code, want.BadgeKey, want.CreatedAt, want.State = twin.ID, twin.Code, twin.BadgeKey, twin.CreatedAt, twin.State
		want.Name, want.Slug = "Nightly dump (copy)", "nightly-dump-copy"
		if diff := cmp.Diff(want, twin); diff != "" || twin.Status != monitor.StatusNew || twin.Code == c.Code {
			t.Errorf("copy (-want +got):\n%s", diff)
		}
		if on, _ := s.store.ChannelsOfCheck(s.Context(), twin.ID); len(on) != 0 {
			t.Errorf("the copy has channels the original has not: %v", on)
		}
		user.CheckLimit = 3
		if err := testdb.PutUser(s.Context(), s.store, user); err != nil {
			t.Fatal(err)
		}
		s.post("/checks/"+c.Code.String()+"/copy/", url.Values{}).is(http.StatusSeeOther)
		s.get("/checks/" + c.Code.String() + "/details/").has("The limit of 3 checks is reached")
		s.post(listURL(p.ID)+"add/", url.Values{"name": {"one too many"}}).is(http.StatusBadRequest).has("The limit of 3 checks is reached")
	})
}

func TestLongNamesAreCopiedShortened(t *testing.T) {
	c := monitor.NewCheck(uuid.New(), time.Now())
	c.Name, c.Slug = strings.Repeat("é", 100), strings.Repeat("x", 97)
	twin := copyOf(&c, monitor.NewCheck(c.ProjectID, time.Now()))
	if twin.Name != strings.Repeat("é", 93)+" (copy)" || twin.Slug != strings.Repeat("x", 95)+"-copy" {
		t.Errorf("%q, %q", twin.Name, twin.Slug)
	}
	c.Name, c.Slug = "", ""
	if twin = copyOf(&c, c); twin.Name != "" || twin.Slug != "" {
		t.Errorf("nameless: %q, %q", twin.Name, twin.Slug)
	}
}

func TestClearingAndRemoving(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		base := "/checks/" + c.Code.String() + "/"
		s.ping(c, monitor.PingSuccess)
		s.ping(c, monitor.PingFail)
		s.post(base+"clear_events/", url.Values{}).leadsTo(base + "details/")
		s.get(base+"details/").has("Nothing has happened yet", "Waiting for the first ping")
		if got := s.reload(c); got.NPings != 2 || got.Status != monitor.StatusNew {
			t.Errorf("after clearing: %+v", got.State)
		}
		s.get(base + "remove/").is(http.StatusOK).has("2 pings")
		s.post(base+"remove/", url.Values{}).leadsTo(listURL(p.ID))
		s.get(listURL(p.ID)).has("has been removed", "No checks yet")
		s.get(base + "details/").is(http.StatusNotFound)
	})
}

func TestSwitchingAChannel(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		channels, _ := s.store.ChannelsOf(s.Context(), p.ID)
		path := "/checks/" + c.Code.String() + "/channels/" + channels[0].ID.String() + "/enabled"
		count := func() int {
			on, err := s.store.ChannelsOfCheck(s.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return len(on)
		}
		s.post(path, url.Values{"state": {"off"}}).leadsTo("/checks/" + c.Code.String() + "/details/#channels")
		if count() != 0 || s.get(listURL(p.ID)).Find("td.ch").AttrOr("data-on", "") != "" {
			t.Error("still on")
		}
		s.header.Set("Accept", "application/json")
		s.post(path, url.Values{"state": {"on"}}).is(http.StatusNoContent)
		s.header.Del("Accept")
		if count() != 1 || s.get(listURL(p.ID)).Find("td.ch").AttrOr("data-on", "") != "a" {
			t.Error("still off")
		}
		other := s.otherBrowser()
		_, theirs := other.login("other@example.org")
		foreign, _ := s.store.ChannelsOf(s.Context(), theirs.ID)
		s.post("/checks/"+c.Code.String()+"/channels/"+foreign[0].ID.String()+"/enabled", url.Values{"state": {"on"}}).is(http.StatusNotFound)
	})
}

func TestManyChannelsAreCounted(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		for range maxRowIcons {
			ch := &monitor.Channel{ProjectID: p.ID, Kind: "webhook", Config: "{}", Verified: true}
			if err := s.store.CreateChannel(s.Context(), ch); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.get(listURL(p.ID)).text("td.ch"); got != "11 of 11" {
			t.Errorf("shown: %q", got)
		}
	})
}

func TestFilteringRulesAreStored(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.addNamed(p, "mail too", func(c *monitor.Check) { c.Filter.Subject = true })
		base := "/checks/" + c.Code.String() + "/"
		s.post(base+"filtering_rules/", url.Values{
			"methods": {"POST"}, "filter_http_body": {"on"}, "filter_body": {"on"}, "filter_default_fail": {"on"}, "manual_resume": {"on"},
			"start_kw": {"begin"}, "success_kw": {" done , ok "}, "failure_kw": {"ERROR"},
		}).leadsTo(base + "details/")
		got := s.reload(c)
		want := monitor.Filter{Methods: "POST", Body: true, HTTPBody: true, DefaultFail: true, StartKW: "begin", SuccessKW: "done , ok", FailureKW: "ERROR"}
		if diff := cmp.Diff(want, got.Filter); diff != "" || !got.ManualResume {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		s.get(base+"details/").has("Only POST requests count", "Keywords in the body of a request or the text of a mail", "Failure for ERROR", "Failure when none matches", "ignored while the check is paused")
		if s.get(base+"filtering_rules/").Find("[name=filter_default_fail][checked]").Length() != 1 {
			t.Error("the form does not show what is stored")
		}

		// Where no mail is taken and none is filtered, its rules are neither shown nor touched.
		plain := s.addNamed(p, "no mail")
		base = "/checks/" + plain.Code.String() + "/"
		if s.get(base+"filtering_rules/").Find("[name=filter_subject], [name=filter_body]").Length() != 0 {
			t.Error("rules of mail are shown")
		}
		s.post(base+"filtering_rules/", url.Values{"filter_subject": {"on"}, "manual_resume": {"on"}}).leadsTo(base + "details/")
		if got := s.reload(plain); got.Filter.Subject || !got.ManualResume {
			t.Errorf("stored %+v", got)
		}
	})
}

package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The form takes what the API takes, says in words what other programs have and
// we do not, and offers what to write instead with one click.
func TestTheFormHelpsWithSchedulesOfOtherPrograms(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		form := "/checks/" + c.Code.String() + "/timeout/"
		save := func(kind, expr string, more ...string) *answer {
			v := url.Values{"kind": {kind}, "schedule": {expr}, "tz": {"UTC"}, "grace": {"3600"}}
			for i := 0; i < len(more); i += 2 {
				v.Set(more[i], more[i+1])
			}
			return s.post(form, v)
		}
		for _, kind := range []string{"cron", "oncalendar"} {
			for expr, stored := range map[string]string{"@daily": "cron", "0 3 * * *": "cron", "daily": "oncalendar", "08:00\r\n\r\n09:00": "oncalendar"} {
				save(kind, expr).is(http.StatusSeeOther)
				if got, err := s.store.CheckByCode(t.Context(), c.Code); err != nil || string(got.Kind) != stored {
					t.Errorf("%q as %s is stored as %s, %v", expr, kind, got.Kind, err)
				}
			}
			save(kind, "*-02-30").is(http.StatusBadRequest)
			save(kind, "@reboot").is(http.StatusBadRequest).has("@reboot names no time")
		}
		a := save("cron", "CRON_TZ=Europe/Riga 0 3 * * *").is(http.StatusBadRequest).has("choose Europe/Riga")
		if use := a.Find("button[name=use]"); use.AttrOr("value", "") != "0 3 * * *" || a.Find("input[name=use_tz]").AttrOr("value", "") != "Europe/Riga" {
			t.Errorf("offered: %q", use.AttrOr("value", "none"))
		}
		a = save("cron", "CRON_TZ=Europe/Riga 0 3 * * *", "use", "0 3 * * *", "use_tz", "Europe/Riga").is(http.StatusOK)
		if got := a.Find("textarea[name=schedule]").Text(); got != "0 3 * * *" || a.Find("select[name=tz] option[selected]").First().Text() != "Europe/Riga" {
			t.Errorf("the click puts %q into the form", got)
		}
		a = s.post("/checks/cron_preview/", url.Values{"schedule": {"0 0 3 * * *"}, "tz": {"UTC"}}).is(http.StatusOK)
		if !strings.Contains(a.body, "seconds") {
			t.Errorf("the preview says %s", a.body)
		}
		if use := a.Find("button[name=use]"); use.AttrOr("value", "") != "0 3 * * *" {
			t.Errorf("the preview offers %q", use.AttrOr("value", "none"))
		}
	})
}

package checks_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"punctual/web/webtest"
)

// The form takes what the API takes, says in words what other programs have and
// we do not, and offers what to write instead with one click.
func TestTheFormHelpsWithSchedulesOfOtherPrograms(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		form := "/checks/" + c.Code.String() + "/timeout/"
		save := func(kind, expr string, more ...string) *webtest.Answer {
			v := url.Values{"kind": {kind}, "schedule": {expr}, "tz": {"UTC"}, "grace": {"3600"}}
			for i := 0; i < len(more); i += 2 {
				v.Set(more[i], more[i+1])
			}
			return s.Post(form, v)
		}
		for _, kind := range []string{"cron", "oncalendar"} {
			for expr, stored := range map[string]string{"@daily": "cron", "0 3 * * *": "cron", "daily": "oncalendar",
				"08:00\r\n\r\n09:00": "oncalendar"} {
				save(kind, expr).Is(http.StatusSeeOther)
				got, err := s.Store.CheckByCode(t.Context(), c.Code)
				if err != nil || string(got.Kind) != stored {
					t.Errorf("%q as %s is stored as %s, %v", expr, kind, got.Kind, err)
				}
			}
			save(kind, "*-02-30").Is(http.StatusBadRequest)
			save(kind, "@reboot").Is(http.StatusBadRequest).Has("@reboot names no time")
		}
		a := save("cron", "CRON_TZ=Europe/Riga 0 3 * * *").Is(http.StatusBadRequest).Has("choose Europe/Riga")
		use := a.Find("button[name=use]")
		if use.AttrOr("value", "") != "0 3 * * *" || a.Find("input[name=use_tz]").AttrOr("value", "") != "Europe/Riga" {
			t.Errorf("offered: %q", use.AttrOr("value", "none"))
		}
		a = save("cron", "CRON_TZ=Europe/Riga 0 3 * * *", "use", "0 3 * * *", "use_tz", "Europe/Riga").Is(http.StatusOK)
		got := a.Find("textarea[name=schedule]").Text()
		if got != "0 3 * * *" || a.Find("select[name=tz] option[selected]").First().Text() != "Europe/Riga" {
			t.Errorf("the click puts %q into the form", got)
		}
		a = s.Post("/checks/cron_preview/", url.Values{"schedule": {"0 0 3 * * *"}, "tz": {"UTC"}}).Is(http.StatusOK)
		if !strings.Contains(a.Body, "seconds") {
			t.Errorf("the preview says %s", a.Body)
		}
		if use := a.Find("button[name=use]"); use.AttrOr("value", "") != "0 3 * * *" {
			t.Errorf("the preview offers %q", use.AttrOr("value", "none"))
		}
	})
}

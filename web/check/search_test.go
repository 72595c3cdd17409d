package check_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
	"punctual/web/webtest"
)

func TestBodiesAreSearched(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		mail := "Subject: =?utf-8?B?QmFja3VwIOKckw==?=\nContent-Transfer-Encoding: base64\n\nZmVydGlnIMO8YmVyIE5hY2h0\n"
		for i, body := range []string{"Disk FULL", "nothing", strings.Repeat("x ", 45_000) + "needle in the end", "\x00\xffbinary needle\xfe",
			mail, "100% _done_ (a.b)", strings.Repeat("y", 100_001) + "needle"} {
			s.Ping(c, monitor.PingSuccess, func(p *monitor.Ping) {
				p.Body = []byte(body)
				if i == 4 {
					p.Scheme = "email"
					p.Method = ""
				}
			})
			s.Clock.Advance(time.Minute)
		}
		base := "/checks/" + c.Code.String() + "/log/"
		for q, want := range map[string][]string{
			"disk+full": {"1"},
			"DISK":      {"1"},
			// of very long bodies the beginning is searched
			"needle":     {"4", "3"},
			"%C3%9Cber":  {"5"},
			"%E2%9C%93":  {"5"},
			"%25":        {"6"},
			"_":          {"6"},
			"(a.b)":      {"6"},
			"(a+b)":      nil,
			"nosuchtext": nil,
		} {
			var got []string
			for _, row := range s.Get(base + "?q=" + q).Is(http.StatusOK).Find(".event .n").EachIter() {
				got = append(got, row.Text())
			}
			diff := cmp.Diff(want, got)
			if diff != "" {
				t.Errorf("search for %s (-want +got):\n%s", q, diff)
			}
		}
		a := s.Get(base + "?q=needle").Has("2 events match")
		got := a.Find(".e-success .body").Last().Text()
		if got != "… "+strings.Repeat("x ", 20)+"needle in the end" {
			t.Errorf("around the hit: %q", got)
		}
		if got := a.Find(".e-success mark").First().Text(); got != "needle" {
			t.Errorf("marked: %q", got)
		}
		s.Get(base+"?q=nosuchtext").Has("Nothing matches", "Show everything")
		s.Get(base + "?q=" + strings.Repeat("a", monitor.MaxSearchLength+1)).Is(http.StatusBadRequest).Has("at most 200 characters")
		// cleaned like all that no text can have
		s.Get(base + "?q=%FF").Is(http.StatusOK)
	})
}

func TestTheLogIsRestrictedToATime(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		// in Riga: noon UTC is 14:00
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		for range 5 {
			s.Ping(c, monitor.PingLog)
			s.Clock.Advance(time.Minute + time.Second)
		}
		base := "/checks/" + c.Code.String() + "/log/"
		for query, want := range map[string]string{
			"":                      "54321",
			"from=2026-03-01T14:02": "543",
			// the whole minute
			"until=2026-03-01T14:02":                       "321",
			"until=2026-03-01T14:02:02":                    "321",
			"until=2026-03-01T14:02:01":                    "21",
			"from=2026-03-01T14:01&until=2026-03-01T14:03": "432",
			"from=2027-01-01T00:00":                        "",
		} {
			a := s.Get(base + "?" + query).Is(http.StatusOK)
			got := a.Text(".event .n")
			if strings.ReplaceAll(got, " ", "") != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		s.Get(base+"?from=yesterday").Is(http.StatusBadRequest).Has(`"yesterday" is none`, "2026-03-01T14:00")
		s.Get(base + "?from=2026-03-02T00:00&until=2026-03-01T00:00").Is(http.StatusBadRequest).Has("The end is before the beginning")
	})
}

func TestTheLogHasPages(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, "sqlite")
	user, p := s.Login("me@example.org")
	user.PingLogLimit = 1000
	if err := testdb.PutUser(s.Context(), s.Store, user); err != nil {
		t.Fatal(err)
	}
	c := s.FirstCheck(p)
	for i := range 230 {
		s.Ping(c, monitor.PingLog, func(p *monitor.Ping) { p.Body = fmt.Appendf(nil, "line %d", i) })
	}
	base := "/checks/" + c.Code.String() + "/log/"
	at := func(a *webtest.Answer) string {
		return fmt.Sprint(a.Find(".event").Length(), " ", a.Find(".event .n").First().Text(), "–", a.Find(".event .n").Last().Text())
	}
	a := s.Get(base + "?kind=log&q=line").Is(http.StatusOK).Has("1–100 of 230")
	got := at(a)
	if got != "100 230–131" {
		t.Errorf("first page: %s", got)
	}
	a = s.Get(a.Find("a[rel=next]").AttrOr("href", "")).Is(http.StatusOK).Has("101–200 of 230")
	if got := at(a); got != "100 130–31" {
		t.Errorf("second page: %s", got)
	}
	a = s.Get(a.Find("a[rel=next]").AttrOr("href", "")).Is(http.StatusOK)
	if got := at(a); got != "30 30–1" || a.Find("a[rel=next]").Length() != 0 {
		t.Errorf("last page: %s", got)
	}
	for _, p := range []string{"0", "-1", "x", "99"} {
		got := at(s.Get(base + "?p=" + p).Is(http.StatusOK))
		if got != "100 230–131" {
			t.Errorf("page %s: %s", p, got)
		}
	}
}

package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
)

func TestBodiesAreSearched(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		mail := "Subject: =?utf-8?B?QmFja3VwIOKckw==?=\nContent-Transfer-Encoding: base64\n\nZmVydGlnIMO8YmVyIE5hY2h0\n"
		for i, body := range []string{"Disk FULL", "nothing", strings.Repeat("x ", 45_000) + "needle in the end", "\x00\xffbinary needle\xfe", mail, "100% _done_ (a.b)", strings.Repeat("y", 100_001) + "needle"} {
			s.ping(c, monitor.PingSuccess, func(p *monitor.Ping) {
				if p.Body = []byte(body); i == 4 {
					p.Scheme, p.Method = "email", ""
				}
			})
			s.clock.Advance(time.Minute)
		}
		base := "/checks/" + c.Code.String() + "/log/"
		for q, want := range map[string][]string{
			"disk+full":  {"1"},
			"DISK":       {"1"},
			"needle":     {"4", "3"}, // of very long bodies the beginning is searched
			"%C3%9Cber":  {"5"},
			"%E2%9C%93":  {"5"},
			"%25":        {"6"},
			"_":          {"6"},
			"(a.b)":      {"6"},
			"(a+b)":      nil,
			"nosuchtext": nil,
		} {
			var got []string
			for _, row := range s.get(base + "?q=" + q).is(http.StatusOK).Find(".event .n").EachIter() {
				got = append(got, row.Text())
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("search for %s (-want +got):\n%s", q, diff)
			}
		}
		a := s.get(base + "?q=needle").has("2 events match")
		if got := a.Find(".e-success .body").Last().Text(); got != "… "+strings.Repeat("x ", 20)+"needle in the end" {
			t.Errorf("around the hit: %q", got)
		}
		if got := a.Find(".e-success mark").First().Text(); got != "needle" {
			t.Errorf("marked: %q", got)
		}
		s.get(base+"?q=nosuchtext").has("Nothing matches", "Show everything")
		s.get(base + "?q=" + strings.Repeat("a", monitor.MaxSearchLength+1)).is(http.StatusBadRequest).has("at most 200 characters")
		s.get(base + "?q=%FF").is(http.StatusOK) // cleaned like all that no text can have
	})
}

func TestTheLogIsRestrictedToATime(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org") // in Riga: noon UTC is 14:00
		c := s.firstCheck(p)
		for range 5 {
			s.ping(c, monitor.PingLog)
			s.clock.Advance(time.Minute + time.Second)
		}
		base := "/checks/" + c.Code.String() + "/log/"
		for query, want := range map[string]string{
			"":                          "54321",
			"from=2026-03-01T14:02":     "543",
			"until=2026-03-01T14:02":    "321", // the whole minute
			"until=2026-03-01T14:02:02": "321",
			"until=2026-03-01T14:02:01": "21",
			"from=2026-03-01T14:01&until=2026-03-01T14:03": "432",
			"from=2027-01-01T00:00":                        "",
		} {
			a := s.get(base + "?" + query).is(http.StatusOK)
			if got := a.text(".event .n"); strings.ReplaceAll(got, " ", "") != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		s.get(base+"?from=yesterday").is(http.StatusBadRequest).has(`"yesterday" is none`, "2026-03-01T14:00")
		s.get(base + "?from=2026-03-02T00:00&until=2026-03-01T00:00").is(http.StatusBadRequest).has("The end is before the beginning")
	})
}

func TestTheLogHasPages(t *testing.T) {
	t.Parallel()
	s := newTestSite(t, "sqlite")
	user, p := s.login("me@example.org")
	user.PingLogLimit = 1000
	if err := testdb.PutUser(s.Context(), s.store, user); err != nil {
		t.Fatal(err)
	}
	c := s.firstCheck(p)
	for i := range 230 {
		s.ping(c, monitor.PingLog, func(p *monitor.Ping) { p.Body = fmt.Appendf(nil, "line %d", i) })
	}
	base := "/checks/" + c.Code.String() + "/log/"
	at := func(a *answer) string {
		return fmt.Sprint(a.Find(".event").Length(), " ", a.Find(".event .n").First().Text(), "–", a.Find(".event .n").Last().Text())
	}
	a := s.get(base + "?kind=log&q=line").is(http.StatusOK).has("1–100 of 230")
	if got := at(a); got != "100 230–131" {
		t.Errorf("first page: %s", got)
	}
	a = s.get(a.Find("a[rel=next]").AttrOr("href", "")).is(http.StatusOK).has("101–200 of 230")
	if got := at(a); got != "100 130–31" {
		t.Errorf("second page: %s", got)
	}
	a = s.get(a.Find("a[rel=next]").AttrOr("href", "")).is(http.StatusOK)
	if got := at(a); got != "30 30–1" || a.Find("a[rel=next]").Length() != 0 {
		t.Errorf("last page: %s", got)
	}
	for _, p := range []string{"0", "-1", "x", "99"} {
		if got := at(s.get(base + "?p=" + p).is(http.StatusOK)); got != "100 230–131" {
			t.Errorf("page %s: %s", p, got)
		}
	}
}

func FuzzSearchShowsWhatItFound(f *testing.F) {
	f.Add([]byte("Disk FULL on /var"), 5, 9)
	f.Add([]byte("\xff\xc3é\x00"), 1, 4)
	f.Fuzz(func(t *testing.T, body []byte, from, until int) {
		if from < 0 || until < from || until > len(body) {
			t.Skip()
		}
		h := around(body, from, until)
		if h.Text != string(body[from:until]) || len(h.Before) > 200 || len(h.After) > 500 || strings.ContainsAny(h.Before+h.After, "\n\r\x00") {
			t.Errorf("%q", h)
		}
	})
}

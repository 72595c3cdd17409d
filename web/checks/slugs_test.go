package checks_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/web/webtest"
)

// Two checks of one name are two checks that pings can mean: the second gets a
// number at the end of its slug, and so does a copy of a copy.
func TestChecksOfOneNameDoNotShareASlug(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		add := func(values url.Values) *webtest.Answer {
			return s.Post("/projects/"+p.ID.String()+"/checks/add/", values)
		}
		long := strings.Repeat("x", monitor.MaxSlugLength)
		for range 3 {
			add(url.Values{"name": {"Off site"}}).Is(http.StatusSeeOther)
			add(url.Values{"name": {"Off site"}, "slug": {"off-site"}}).Is(http.StatusSeeOther)
			add(url.Values{"name": {long}}).Is(http.StatusSeeOther)
			add(url.Values{"name": {"日本"}}).Is(http.StatusSeeOther)
		}
		checks, err := testdb.ChecksOf(t.Context(), s.Store, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for i := range checks {
			c := &checks[i]
			if c.Slug != "" && seen[c.Slug] || !monitor.ValidSlug(c.Slug) {
				t.Errorf("%q has the slug %q", c.Name, c.Slug)
			}
			seen[c.Slug] = true
		}
		for _, want := range []string{"off-site", "off-site-2", "off-site-6", long, long[:98] + "-2", long[:98] + "-3", ""} {
			if !seen[want] {
				t.Errorf("no check has the slug %q: %v", want, seen)
			}
		}
		add(url.Values{"name": {"Other"}, "slug": {"off-site"}}).Is(http.StatusBadRequest).Has("off-site-7")
		one := &checks[len(checks)-1]
		rename := func(slug string) *webtest.Answer {
			return s.Post("/checks/"+one.Code.String()+"/name/", url.Values{"name": {"Renamed"}, "slug": {slug}})
		}
		rename("off-site").Is(http.StatusBadRequest).Has("off-site-7")
		rename("off-site-9").Is(http.StatusSeeOther)
		rename("off-site-9").Is(http.StatusSeeOther)
		for range 2 {
			s.Post("/checks/"+one.Code.String()+"/copy/", nil).Is(http.StatusSeeOther)
		}
		copies, err := testdb.ChecksOf(t.Context(), s.Store, p.ID)
		n := len(copies)
		if err != nil || copies[n-1].Slug != "off-site-9-copy-2" || copies[n-2].Slug != "off-site-9-copy" {
			t.Errorf("copies: %v", err)
		}
	})
}

// The API may give one slug to several checks, as its clients expect. Then the
// list and the pages of these checks say so, and each may be saved as it is.
func TestAnAmbiguousSlugIsWarnedOf(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		list := "/projects/" + p.ID.String() + "/checks/"
		one := s.AddNamed(p, "one", func(c *monitor.Check) { c.Slug = "same" })
		page := "/checks/" + one.Code.String() + "/details/"
		s.Get(list).Is(http.StatusOK).HasNot("same slug")
		s.Get(page).Is(http.StatusOK).HasNot("have the slug")
		twin := monitor.NewCheck(p.ID, s.Clock.Now())
		twin.Name = "two"
		twin.Slug = "same"
		if err := s.Store.CreateCheck(t.Context(), &twin, store.Channels{}); err != nil {
			t.Fatal(err)
		}
		s.Get(list).Is(http.StatusOK).Has("Several checks have the same slug: same.", "409")
		s.Get(page).Is(http.StatusOK).Has("2 checks of this project have the slug same", "409", "Change the slug")
		s.Post("/checks/"+one.Code.String()+"/name/", url.Values{"name": {"renamed"}, "slug": {"same"}}).Is(http.StatusSeeOther)
	})
}

// Two who rename at once do not both get the slug: the second is told what is free.
func TestTwoRenamesAtOnceDoNotShareASlug(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		one := s.AddNamed(p, "one", func(*monitor.Check) {})
		two := s.AddNamed(p, "two", func(*monitor.Check) {})
		for try := range 40 {
			slug := fmt.Sprintf("try-%d", try)
			answers := make([]*webtest.Answer, 2)
			var both sync.WaitGroup
			for i, c := range []*monitor.Check{one, two} {
				both.Go(func() {
					answers[i] = s.Post("/checks/"+c.Code.String()+"/name/", url.Values{"name": {c.Name}, "slug": {slug}})
				})
			}
			both.Wait()
			first := answers[0]
			second := answers[1]
			if first.Status != http.StatusSeeOther {
				first, second = second, first
			}
			first.Is(http.StatusSeeOther)
			second.Is(http.StatusBadRequest).Has(slug + "-2")
			n, err := s.Store.ChecksWithSlug(t.Context(), p.ID, slug)
			if err != nil || n != 1 {
				t.Fatalf("%d checks have the slug %s, %v", n, slug, err)
			}
		}
	})
}

package web

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
)

// Two checks of one name are two checks that pings can mean: the second gets a
// number at the end of its slug, and so does a copy of a copy.
func TestChecksOfOneNameDoNotShareASlug(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		add := func(values url.Values) *answer { return s.post("/projects/"+p.ID.String()+"/checks/add/", values) }
		long := strings.Repeat("x", monitor.MaxSlugLength)
		for range 3 {
			add(url.Values{"name": {"Off site"}}).is(http.StatusSeeOther)
			add(url.Values{"name": {"Off site"}, "slug": {"off-site"}}).is(http.StatusSeeOther)
			add(url.Values{"name": {long}}).is(http.StatusSeeOther)
			add(url.Values{"name": {"日本"}}).is(http.StatusSeeOther)
		}
		checks, err := testdb.ChecksOf(t.Context(), s.store, p.ID)
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
		add(url.Values{"name": {"Other"}, "slug": {"off-site"}}).is(http.StatusBadRequest).has("off-site-7")
		one := &checks[len(checks)-1]
		rename := func(slug string) *answer {
			return s.post("/checks/"+one.Code.String()+"/name/", url.Values{"name": {"Renamed"}, "slug": {slug}})
		}
		rename("off-site").is(http.StatusBadRequest).has("off-site-7")
		rename("off-site-9").is(http.StatusSeeOther)
		rename("off-site-9").is(http.StatusSeeOther)
		for range 2 {
			s.post("/checks/"+one.Code.String()+"/copy/", nil).is(http.StatusSeeOther)
		}
		copies, err := testdb.ChecksOf(t.Context(), s.store, p.ID)
		if n := len(copies); err != nil || copies[n-1].Slug != "off-site-9-copy-2" || copies[n-2].Slug != "off-site-9-copy" {
			t.Errorf("copies: %v", err)
		}
	})
}

// The API may give one slug to several checks, as its clients expect. Then the
// list and the pages of these checks say so, and each may be saved as it is.
func TestAnAmbiguousSlugIsWarnedOf(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		list := "/projects/" + p.ID.String() + "/checks/"
		one := s.addNamed(p, "one", func(c *monitor.Check) { c.Slug = "same" })
		page := "/checks/" + one.Code.String() + "/details/"
		s.get(list).is(http.StatusOK).hasNot("same slug")
		s.get(page).is(http.StatusOK).hasNot("have the slug")
		twin := monitor.NewCheck(p.ID, s.clock.Now())
		twin.Name, twin.Slug = "two", "same"
		if err := s.store.CreateCheck(t.Context(), &twin, store.Channels{}); err != nil {
			t.Fatal(err)
		}
		s.get(list).is(http.StatusOK).has("Several checks have the same slug: same.", "409")
		s.get(page).is(http.StatusOK).has("2 checks of this project have the slug same", "409", "Change the slug")
		s.post("/checks/"+one.Code.String()+"/name/", url.Values{"name": {"renamed"}, "slug": {"same"}}).is(http.StatusSeeOther)
	})
}

// Two who rename at once do not both get the slug: the second is told what is free.
func TestTwoRenamesAtOnceDoNotShareASlug(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		one := s.addNamed(p, "one", func(*monitor.Check) {})
		two := s.addNamed(p, "two", func(*monitor.Check) {})
		for try := range 40 {
			slug := fmt.Sprintf("try-%d", try)
			answers := make([]*answer, 2)
			var both sync.WaitGroup
			for i, c := range []*monitor.Check{one, two} {
				both.Go(func() {
					answers[i] = s.post("/checks/"+c.Code.String()+"/name/", url.Values{"name": {c.Name}, "slug": {slug}})
				})
			}
			both.Wait()
			first, second := answers[0], answers[1]
			if first.status != http.StatusSeeOther {
				first, second = second, first
			}
			first.is(http.StatusSeeOther)
			second.is(http.StatusBadRequest).has(slug + "-2")
			if n, err := s.store.ChecksWithSlug(t.Context(), p.ID, slug); err != nil || n != 1 {
				t.Fatalf("%d checks have the slug %s, %v", n, slug, err)
			}
		}
	})
}

package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// bulk sends the form of the list about the checks.
func (s *testSite) bulk(p *monitor.Project, action string, form url.Values, checks ...*monitor.Check) *answer {
	s.Helper()
	form = maps.Clone(form)
	if form == nil {
		form = url.Values{}
	}
	form.Set("action", action)
	for _, c := range checks {
		form.Add("check", c.Code.String())
	}
	return s.post(listURL(p.ID)+"bulk/", form)
}

// said is what the next page tells, and where its button takes that back.
func (s *testSite) said(p *monitor.Project) (text, undo string) {
	s.Helper()
	a := s.get(listURL(p.ID)).is(http.StatusOK)
	return a.text(".flash p"), a.Find(".flash form").AttrOr("action", "")
}

// states are the fields of the checks that actions change.
func (s *testSite) states(checks ...*monitor.Check) string {
	s.Helper()
	var out []string
	for _, c := range checks {
		c = s.reload(c)
		on, err := s.store.ChannelsOfCheck(s.Context(), c.ID)
		if err != nil {
			s.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s [%s] %t %d", c.Name, c.Status, c.Tags, c.LastPing.IsZero(), len(on)))
	}
	return strings.Join(out, "\n")
}

func TestActionsOnManyChecksCanBeTakenBack(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		z := s.zoo(p)
		up, down, paused := z["up 9"], z["down 2"], z["paused 4"]
		channels, _ := s.store.ChannelsOf(s.Context(), p.ID)
		channel := url.Values{"channel": {channels[0].ID.String()}}
		before := s.states(up, down, paused)
		for _, tc := range []struct {
			action      string
			form        url.Values
			says, after string
		}{
			{"pause", nil, "Paused 2 checks; 1 paused already.", "up 9 paused [web] false 1\ndown 2 paused [prod db] false 1\npaused 4 paused [] true 1"},
			{"resume", nil, "Resumed 1 check; 2 not paused already.", "up 9 up [web] false 1\ndown 2 down [prod db] false 1\npaused 4 new [] true 1"},
			{"tag", url.Values{"tag": {"db, night"}}, "Tagged 3 checks.", "up 9 up [web db night] false 1\ndown 2 down [prod db night] false 1\npaused 4 paused [db night] true 1"},
			{"untag", url.Values{"tag": {"prod"}}, "Took “prod” from 1 check; 2 did not have it already.", "up 9 up [web] false 1\ndown 2 down [db] false 1\npaused 4 paused [] true 1"},
			{"unassign", channel, "Switched alerts off for 3 checks.", "up 9 up [web] false 0\ndown 2 down [prod db] false 0\npaused 4 paused [] true 0"},
		} {
			s.bulk(p, tc.action, tc.form, up, down, paused).leadsTo(listURL(p.ID))
			text, undo := s.said(p)
			if text != tc.says {
				t.Errorf("%s says %q, want %q", tc.action, text, tc.says)
			}
			if diff := cmp.Diff(tc.after, s.states(up, down, paused)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.action, diff)
			}
			s.post(undo, url.Values{}).leadsTo(listURL(p.ID))
			if text, again := s.said(p); text != "Undone." || again != "" {
				t.Errorf("undoing %s says %q, and offers %q", tc.action, text, again)
			}
			if diff := cmp.Diff(before, s.states(up, down, paused)); diff != "" {
				t.Errorf("%s taken back (-want +got):\n%s", tc.action, diff)
			}
			s.post(undo, url.Values{}).is(http.StatusConflict)
		}
		s.bulk(p, "assign", channel, up, down).leadsTo(listURL(p.ID))
		if text, undo := s.said(p); text != "Nothing to do: 2 checks had them already." || undo != "" {
			t.Errorf("%q, %q", text, undo)
		}
		for _, c := range []*monitor.Check{up, down, paused} {
			told, err := s.store.DeliveriesOf(s.Context(), c.ID, store.DeliveryFilter{Limit: 10})
			if want := btoi(c == down); err != nil || len(told) != want { // of its failure, at first
				t.Errorf("%s: %d deliveries, %v; want %d: people are not told of what a person does", c.Name, len(told), err, want)
			}
		}
	})
}

func TestAnUndoLeavesWhatHasChangedSince(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		z := s.zoo(p)
		up, late, paused := z["up 9"], z["late 1"], z["paused 4"]
		s.bulk(p, "pause", nil, up, late)
		_, undo := s.said(p)
		s.ping(late, monitor.PingSuccess)
		s.post(undo, url.Values{})
		if text, _ := s.said(p); text != "Undone for 1 of 2; the others have changed since." {
			t.Errorf("says %q", text)
		}
		if up, late := s.reload(up), s.reload(late); up.Status != monitor.StatusUp || up.AlertAt.IsZero() || late.Status != monitor.StatusUp {
			t.Errorf("%+v, %+v", up, late)
		}

		// A check that was pinged before it was paused gets that ping back.
		pinged := s.reload(up).LastPing
		s.bulk(p, "pause", nil, up)
		s.said(p)
		s.bulk(p, "resume", nil, up, paused)
		_, undo = s.said(p)
		s.post(undo, url.Values{})
		if c := s.reload(up); c.Status != monitor.StatusPaused || !c.LastPing.Equal(pinged) {
			t.Errorf("paused again: %+v", c)
		}

		s.bulk(p, "tag", url.Values{"tag": {"x"}}, up)
		_, undo = s.said(p)
		s.clock.Advance(11 * time.Minute)
		s.post(undo, url.Values{}).is(http.StatusConflict)
		s.bulk(p, "tag", url.Values{"tag": {"y"}}, up)
		_, undo = s.said(p)
		s.bulk(p, "tag", url.Values{"tag": {"z"}}, up)
		s.post(undo, url.Values{}).is(http.StatusConflict).has("cannot be undone any more")
		if c := s.reload(up); c.Tags != "web x y z" {
			t.Errorf("tags %q", c.Tags)
		}
	})
}

func TestAllThatMatchAreChanged(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		z := s.zoo(p)
		s.bulk(p, "pause", url.Values{"all": {"1"}, "back": {"?tag=prod&status=up&status=grace&select=1"}}).leadsTo(listURL(p.ID) + "?status=up&status=grace&tag=prod")
		got := map[string]bool{}
		for name, c := range z {
			got[name] = s.reload(c).Status == monitor.StatusPaused
		}
		if diff := cmp.Diff(map[string]bool{"late 1": true, "down 2": false, "up 10": true, "up 9": false, "run 3": false, "paused 4": true, "new 5": false}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestRemovingManyNamesThemFirst(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		z := s.zoo(p)
		a := s.bulk(p, "remove", url.Values{"back": {"?tag=web"}}, z["up 9"], z["run 3"]).is(http.StatusOK).has("Remove 2 checks?", "run 3", "up 9", "cannot be undone").hasNot("up 10")
		s.reload(z["up 9"])
		form := url.Values{}
		for _, field := range a.Find("main form input").EachIter() {
			form.Add(field.AttrOr("name", ""), field.AttrOr("value", ""))
		}
		form.Set("action", "remove")
		s.post(listURL(p.ID)+"bulk/", form).leadsTo(listURL(p.ID) + "?tag=web")
		if text, undo := s.said(p); text != "2 checks have been removed." || undo != "" {
			t.Errorf("says %q, offers %q", text, undo)
		}
		for name, c := range z {
			_, err := s.store.CheckByCode(s.Context(), c.Code)
			if gone := name == "up 9" || name == "run 3"; gone != (err != nil) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestActionsOnManyChecksAreForThoseWhoMay(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		member, stranger, nobody := s.otherBrowser(), s.otherBrowser(), s.otherBrowser()
		reader, _ := member.login("reader@example.org")
		if _, err := s.store.DB().Exec(s.Context(), `INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, 'r', $3)`, reader.ID, p.ID, s.clock.Now()); err != nil {
			t.Fatal(err)
		}
		_, theirs := stranger.login("stranger@example.org")
		foreign := s.firstCheck(theirs)
		for _, action := range []string{"pause", "resume", "tag", "untag", "assign", "unassign", "remove"} {
			member.bulk(p, action, nil, c).is(http.StatusForbidden)
			stranger.bulk(p, action, nil, c).is(http.StatusNotFound)
			nobody.bulk(p, action, nil, c).is(http.StatusSeeOther)
			s.bulk(p, action, nil, foreign).leadsTo(listURL(p.ID) + "?select=1") // as if nothing had been chosen
		}
		member.post(listURL(p.ID)+"undo/", url.Values{}).is(http.StatusForbidden)
		stranger.post(listURL(p.ID)+"undo/", url.Values{}).is(http.StatusNotFound)
		member.get(listURL(p.ID)+"?select=1").is(http.StatusOK).hasNot("Select", "Tick checks", "With slugs")
		member.get(listURL(p.ID) + "?urls=slug").is(http.StatusOK)
		member.post(listURL(p.ID)+"view/", url.Values{"urls": {"slug"}}).is(http.StatusForbidden)
		if got, _ := s.store.ProjectByID(s.Context(), p.ID); got.ShowSlugs {
			t.Error("a reader has switched the style of URLs")
		}
		if got := s.reload(foreign); got.Status != foreign.Status || got.Tags != "" {
			t.Errorf("a foreign check has changed: %+v", got)
		}
		theirChannels, _ := s.store.ChannelsOf(s.Context(), theirs.ID)
		for _, id := range []string{theirChannels[0].ID.String(), uuid.NewString(), "x"} {
			s.bulk(p, "unassign", url.Values{"channel": {id}}, c).is(http.StatusNotFound)
		}
	})
}

func TestMistakesInActionsOnManyChecks(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.addNamed(p, "full", func(c *monitor.Check) { c.Tags = strings.Repeat("x", 499) })
		for _, tc := range []struct {
			action string
			form   url.Values
			says   string
		}{
			{"tag", url.Values{"tag": {" , "}}, "Write at least one tag."},
			{"tag", url.Values{"tag": {strings.Repeat("é", 501)}}, "The tags together may have at most 500 characters."},
			{"tag", url.Values{"tag": {"more"}}, "Tagged 0 checks; 1 have no room for more tags (500 characters)."},
			{"assign", nil, "Choose at least one integration."},
		} {
			s.bulk(p, tc.action, tc.form, c).is(http.StatusSeeOther)
			if text, _ := s.said(p); text != tc.says {
				t.Errorf("%s %v says %q, want %q", tc.action, tc.form, text, tc.says)
			}
		}
		s.bulk(p, "pause", nil).leadsTo(listURL(p.ID) + "?select=1")
		s.bulk(p, "explode", nil, c).is(http.StatusBadRequest).has("must be one of pause")
		s.bulk(p, "pause", url.Values{"back": {"%zz&status=nosuch&page=-3"}}, c).leadsTo(listURL(p.ID))
	})
}

func TestTheListInGroups(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		s.zoo(p)
		var got []string
		a := s.get(listURL(p.ID) + "?sort=name&group=tag").is(http.StatusOK)
		a.Find("#checks tbody tr").Each(func(_ int, row *goquery.Selection) {
			if row.HasClass("group") {
				got = append(got, strings.Join(strings.Fields(row.Text()), " "))
			} else {
				got = append(got, row.Find(".nm a").Text())
			}
		})
		want := []string{"prod 1 of 3 down", "down 2", "late 1", "up 10", "db 1 check", "new 5", "web 2 of 2 up", "run 3", "up 9", "No tag 1 check", "paused 4"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if href := a.Find(`a[data-tag=web]`).AttrOr("href", ""); href != "?group=tag&sort=name&tag=web" {
			t.Errorf("a filter leaves the groups, or the order of the address: %q", href)
		}
		s.get(listURL(p.ID)+"?group=tag&search=nosuch").is(http.StatusOK).has("Nothing matches", "None of the 7 checks")
	})
}

func TestALongListHasPages(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	_, p := s.login("many@example.org")
	if _, err := s.store.DB().Exec(t.Context(), `UPDATE users SET check_limit = 2000`); err != nil {
		t.Fatal(err)
	}
	fillProject(t, s.store, p.ID, wholeList+1) // and the first one
	broken := s.addNamed(p, "zz broken")
	s.ping(broken, monitor.PingFail)
	list := listURL(p.ID)
	a := s.get(list + "?sort=name").is(http.StatusOK)
	down := a.Find("#checks tr.s-down").Length()
	if got := names(a); len(got) != pageRows || !slices.Contains(got[:down], "zz broken") {
		t.Errorf("%d rows; what is down comes first, %d of them, whatever its name", len(got), down)
	}
	if got := a.text("#summary"); !strings.HasPrefix(got, fmt.Sprintf("%d checks · %d down", wholeList+3, down)) {
		t.Errorf("summary %q", got)
	}
	if got := a.text("#pages"); got != fmt.Sprintf("1–%d of %d Older", pageRows, wholeList+3) {
		t.Errorf("pages %q", got)
	}
	seen := map[string]bool{}
	for next := "?"; next != ""; next = a.Find("#pages a[rel=next]").AttrOr("href", "") {
		a = s.get(list + next).is(http.StatusOK)
		for _, name := range names(a) {
			seen[name] = true
		}
	}
	if len(seen) != wholeList+3 {
		t.Errorf("the pages together show %d checks, want %d", len(seen), wholeList+3)
	}
	if last := s.get(list + "?page=999"); len(names(last)) != len(names(a)) {
		t.Error("a page after the last is not the last")
	}
	a = s.get(list + "?search=zz+broken&page=4")
	if diff := cmp.Diff([]string{"zz broken"}, names(a)); diff != "" || a.Find("#pages a").Length() != 0 {
		t.Errorf("found by text (-want +got):\n%s", diff)
	}
	if size := gzipped([]byte(s.get(list).body)); size > 25_000 {
		t.Errorf("a page of a long list has %d bytes compressed", size)
	}

	// Its script asks about what it shows, and loads anew when rows move.
	ask := func(version string, since int64) listUpdate { return s.pollQuery(p, version, since, "&tag=infra") }
	u := ask("", 0)
	if !u.All || u.Rows != nil {
		t.Errorf("all of a long list has %d rows", len(u.Rows))
	}
	if u = ask(u.Version, u.Now); u.All {
		t.Error("nothing has moved")
	}
	s.bulk(p, "pause", url.Values{"all": {"1"}, "back": {"?tag=infra"}}).is(http.StatusSeeOther)
	if text, undo := s.said(p); !strings.HasPrefix(text, "Paused 1") || undo == "" {
		t.Errorf("says %q", text)
	}
	if u = ask(u.Version, u.Now); !u.All {
		t.Error("the script did not learn of the pauses")
	}
}

func TestTheListTellsOfSlugsThatMeanNobody(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		twin := s.addNamed(p, c.Name)
		s.addNamed(p, "", func(c *monitor.Check) { c.Slug = "" })
		s.post(listURL(p.ID)+"view/", url.Values{"urls": {"slug"}}).leadsTo(listURL(p.ID))
		a := s.get(listURL(p.ID)).is(http.StatusOK)
		if got, _ := s.store.ProjectByID(s.Context(), p.ID); !got.ShowSlugs || got.PingKey == "" && !strings.Contains(a.text("#checks"), "no ping key") {
			t.Errorf("%+v", got)
		}
		if _, err := s.store.ChangeProject(s.Context(), p.ID, func(p *monitor.Project) error { p.PingKey = "k3v9q0m2x7b1n8c4z6l5ad"; return nil }); err != nil {
			t.Fatal(err)
		}
		s.get(listURL(p.ID)).has("…/"+twin.Slug+" is not unique", "no slug yet")
		s.get(listURL(p.ID) + "?urls=uuid").has("/ping/" + c.Code.String())
	})
}

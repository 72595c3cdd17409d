package checks_test

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
	"punctual/web/checks"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// bulk sends the form of the list about the checks.
func bulk(s *webtest.Site, p *monitor.Project, action string, form url.Values, checks ...*monitor.Check) *webtest.Answer {
	s.Helper()
	form = maps.Clone(form)
	if form == nil {
		form = url.Values{}
	}
	form.Set("action", action)
	for _, c := range checks {
		form.Add("check", c.Code.String())
	}
	return s.Post(ui.ListURL(p.ID)+"bulk/", form)
}

// flash is what the next page tells, and where its button takes that back.
func flash(s *webtest.Site, p *monitor.Project) (text, undo string) {
	s.Helper()
	a := s.Get(ui.ListURL(p.ID)).Is(http.StatusOK)
	return a.Text(".flash p"), a.Find(".flash form").AttrOr("action", "")
}

// states are the fields of the checks that actions change.
func states(s *webtest.Site, checks ...*monitor.Check) string {
	s.Helper()
	var out []string
	for _, c := range checks {
		c = s.Reload(c)
		on, err := s.Store.ChannelsOfCheck(s.Context(), c.ID)
		if err != nil {
			s.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s [%s] %t %d", c.Name, c.Status, c.Tags, c.LastPing.IsZero(), len(on)))
	}
	return strings.Join(out, "\n")
}

func TestActionsOnManyChecksCanBeTakenBack(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		z := s.Zoo(p)
		up := z["up 9"]
		down := z["down 2"]
		paused := z["paused 4"]
		channels, _ := s.Store.ChannelsOf(s.Context(), p.ID)
		channel := url.Values{"channel": {channels[0].ID.String()}}
		before := states(s, up, down, paused)
		for _, tc := range []struct {
			action      string
			form        url.Values
			text, after string
		}{
			{"pause", nil, "Paused 2 checks; 1 paused already.",
				"up 9 paused [web] false 1\ndown 2 paused [prod db] false 1\npaused 4 paused [] true 1"},
			{"resume", nil, "Resumed 1 check; 2 not paused already.",
				"up 9 up [web] false 1\ndown 2 down [prod db] false 1\npaused 4 new [] true 1"},
			{"tag", url.Values{"tag": {"db, night"}}, "Tagged 3 checks.",
				"up 9 up [web db night] false 1\ndown 2 down [prod db night] false 1\npaused 4 paused [db night] true 1"},
			{"untag", url.Values{"tag": {"prod"}}, "Took “prod” from 1 check; 2 did not have it already.",
				"up 9 up [web] false 1\ndown 2 down [db] false 1\npaused 4 paused [] true 1"},
			{"unassign", channel, "Switched alerts off for 3 checks.",
				"up 9 up [web] false 0\ndown 2 down [prod db] false 0\npaused 4 paused [] true 0"},
		} {
			bulk(s, p, tc.action, tc.form, up, down, paused).LeadsTo(ui.ListURL(p.ID))
			text, undo := flash(s, p)
			if text != tc.text {
				t.Errorf("%s says %q, want %q", tc.action, text, tc.text)
			}
			diff := cmp.Diff(tc.after, states(s, up, down, paused))
			if diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.action, diff)
			}
			s.Post(undo, url.Values{}).LeadsTo(ui.ListURL(p.ID))
			if text, again := flash(s, p); text != "Undone." || again != "" {
				t.Errorf("undoing %s says %q, and offers %q", tc.action, text, again)
			}
			if diff := cmp.Diff(before, states(s, up, down, paused)); diff != "" {
				t.Errorf("%s taken back (-want +got):\n%s", tc.action, diff)
			}
			s.Post(undo, url.Values{}).Is(http.StatusConflict)
		}
		bulk(s, p, "assign", channel, up, down).LeadsTo(ui.ListURL(p.ID))
		text, undo := flash(s, p)
		if text != "Nothing to do: 2 checks had them already." || undo != "" {
			t.Errorf("%q, %q", text, undo)
		}
		for _, c := range []*monitor.Check{up, down, paused} {
			deliveries, err := s.Store.DeliveriesOf(s.Context(), c.ID, store.DeliveryFilter{Limit: 10})
			// of its failure, at first
			want := checks.Btoi(c == down)
			if err != nil || len(deliveries) != want {
				t.Errorf("%s: %d deliveries, %v; want %d: people are not told of what a person does", c.Name, len(deliveries), err, want)
			}
		}
	})
}

func TestAnUndoLeavesWhatHasChangedSince(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		z := s.Zoo(p)
		up := z["up 9"]
		late := z["late 1"]
		paused := z["paused 4"]
		bulk(s, p, "pause", nil, up, late)
		_, undo := flash(s, p)
		s.Ping(late, monitor.PingSuccess)
		s.Post(undo, url.Values{})
		text, _ := flash(s, p)
		if text != "Undone for 1 of 2; the others have changed since." {
			t.Errorf("says %q", text)
		}
		if up, late := s.Reload(up), s.Reload(late); up.Status != monitor.StatusUp || up.AlertAt.IsZero() || late.Status != monitor.StatusUp {
			t.Errorf("%+v, %+v", up, late)
		}

		// A check that was pinged before it was paused gets that ping back.
		pinged := s.Reload(up).LastPing
		bulk(s, p, "pause", nil, up)
		flash(s, p)
		bulk(s, p, "resume", nil, up, paused)
		_, undo = flash(s, p)
		s.Post(undo, url.Values{})
		c := s.Reload(up)
		if c.Status != monitor.StatusPaused || !c.LastPing.Equal(pinged) {
			t.Errorf("paused again: %+v", c)
		}

		bulk(s, p, "tag", url.Values{"tag": {"x"}}, up)
		_, undo = flash(s, p)
		s.Clock.Advance(11 * time.Minute)
		s.Post(undo, url.Values{}).Is(http.StatusConflict)
		bulk(s, p, "tag", url.Values{"tag": {"y"}}, up)
		_, undo = flash(s, p)
		bulk(s, p, "tag", url.Values{"tag": {"z"}}, up)
		s.Post(undo, url.Values{}).Is(http.StatusConflict).Has("cannot be undone any more")
		if c := s.Reload(up); c.Tags != "web x y z" {
			t.Errorf("tags %q", c.Tags)
		}
	})
}

func TestAllThatMatchAreChanged(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		z := s.Zoo(p)
		bulk(s, p, "pause", url.Values{"all": {"1"}, "back": {"?tag=prod&status=up&status=grace&select=1"}}).LeadsTo(ui.ListURL(p.ID) +
			"?status=up&status=grace&tag=prod")
		got := map[string]bool{}
		for name, c := range z {
			got[name] = s.Reload(c).Status == monitor.StatusPaused
		}
		diff := cmp.Diff(map[string]bool{"late 1": true, "down 2": false, "up 10": true, "up 9": false, "run 3": false, "paused 4": true,
			"new 5": false}, got)
		if diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestRemovingManyNamesThemFirst(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		z := s.Zoo(p)
		a := bulk(s, p, "remove", url.Values{"back": {"?tag=web"}}, z["up 9"], z["run 3"]).Is(http.StatusOK).Has("Remove 2 checks?", "run 3",
			"up 9", "cannot be undone").HasNot("up 10")
		s.Reload(z["up 9"])
		form := url.Values{}
		for _, field := range a.Find("main form input").EachIter() {
			form.Add(field.AttrOr("name", ""), field.AttrOr("value", ""))
		}
		form.Set("action", "remove")
		s.Post(ui.ListURL(p.ID)+"bulk/", form).LeadsTo(ui.ListURL(p.ID) + "?tag=web")
		text, undo := flash(s, p)
		if text != "2 checks have been removed." || undo != "" {
			t.Errorf("says %q, offers %q", text, undo)
		}
		for name, c := range z {
			_, err := s.Store.CheckByCode(s.Context(), c.Code)
			gone := name == "up 9" || name == "run 3"
			if gone != (err != nil) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestActionsOnManyChecksAreForThoseWhoMay(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		member := s.OtherBrowser()
		stranger := s.OtherBrowser()
		nobody := s.OtherBrowser()
		reader, _ := member.Login("reader@example.org")
		_, err := s.Store.DB().Exec(s.Context(), `INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, 'r', $3)`,
			reader.ID, p.ID, s.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		_, theirs := stranger.Login("stranger@example.org")
		foreign := s.FirstCheck(theirs)
		for _, action := range []string{"pause", "resume", "tag", "untag", "assign", "unassign", "remove"} {
			bulk(member, p, action, nil, c).Is(http.StatusForbidden)
			bulk(stranger, p, action, nil, c).Is(http.StatusNotFound)
			bulk(nobody, p, action, nil, c).Is(http.StatusSeeOther)
			// as if nothing had been chosen
			bulk(s, p, action, nil, foreign).LeadsTo(ui.ListURL(p.ID) + "?select=1")
		}
		member.Post(ui.ListURL(p.ID)+"undo/", url.Values{}).Is(http.StatusForbidden)
		stranger.Post(ui.ListURL(p.ID)+"undo/", url.Values{}).Is(http.StatusNotFound)
		member.Get(ui.ListURL(p.ID)+"?select=1").Is(http.StatusOK).HasNot("Select", "Tick checks", "With slugs")
		member.Get(ui.ListURL(p.ID) + "?urls=slug").Is(http.StatusOK)
		member.Post(ui.ListURL(p.ID)+"view/", url.Values{"urls": {"slug"}}).Is(http.StatusForbidden)
		got, _ := s.Store.ProjectByID(s.Context(), p.ID)
		if got.ShowSlugs {
			t.Error("a reader has switched the style of URLs")
		}
		if got := s.Reload(foreign); got.Status != foreign.Status || got.Tags != "" {
			t.Errorf("a foreign check has changed: %+v", got)
		}
		theirChannels, _ := s.Store.ChannelsOf(s.Context(), theirs.ID)
		for _, id := range []string{theirChannels[0].ID.String(), uuid.NewString(), "x"} {
			bulk(s, p, "unassign", url.Values{"channel": {id}}, c).Is(http.StatusNotFound)
		}
	})
}

func TestMistakesInActionsOnManyChecks(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.AddNamed(p, "full", func(c *monitor.Check) { c.Tags = strings.Repeat("x", 499) })
		for _, tc := range []struct {
			action string
			form   url.Values
			text   string
		}{
			{"tag", url.Values{"tag": {" , "}}, "Write at least one tag."},
			{"tag", url.Values{"tag": {strings.Repeat("é", 501)}}, "The tags together may have at most 500 characters."},
			{"tag", url.Values{"tag": {"more"}}, "Tagged 0 checks; 1 have no room for more tags (500 characters)."},
			{"assign", nil, "Choose at least one integration."},
		} {
			bulk(s, p, tc.action, tc.form, c).Is(http.StatusSeeOther)
			text, _ := flash(s, p)
			if text != tc.text {
				t.Errorf("%s %v says %q, want %q", tc.action, tc.form, text, tc.text)
			}
		}
		bulk(s, p, "pause", nil).LeadsTo(ui.ListURL(p.ID) + "?select=1")
		bulk(s, p, "explode", nil, c).Is(http.StatusBadRequest).Has("must be one of pause")
		bulk(s, p, "pause", url.Values{"back": {"%zz&status=nosuch&page=-3"}}, c).LeadsTo(ui.ListURL(p.ID))
	})
}

func TestTheListInGroups(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		s.Zoo(p)
		var got []string
		a := s.Get(ui.ListURL(p.ID) + "?sort=name&group=tag").Is(http.StatusOK)
		a.Find("#checks tbody tr").Each(func(_ int, row *goquery.Selection) {
			if row.HasClass("group") {
				got = append(got, strings.Join(strings.Fields(row.Text()), " "))
			} else {
				got = append(got, row.Find(".nm a").Text())
			}
		})
		// "down 2" is tagged prod and db
		want := []string{"db 1 of 2 down", "down 2", "new 5", "prod 1 of 3 down", "down 2", "late 1", "up 10", "web 2 of 2 up", "run 3", "up 9",
			"No tag 1 check", "paused 4"}
		diff := cmp.Diff(want, got)
		if diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		href := a.Find(`a[data-tag=web]`).AttrOr("href", "")
		if href != "?group=tag&sort=name&tag=web" {
			t.Errorf("a filter leaves the groups, or the order of the address: %q", href)
		}
		s.Get(ui.ListURL(p.ID)+"?group=tag&search=nosuch").Is(http.StatusOK).Has("Nothing matches", "None of the 7 checks")
	})
}

func TestALongListHasPages(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("many@example.org")
	_, err := s.Store.DB().Exec(t.Context(), `UPDATE users SET check_limit = 2000`)
	if err != nil {
		t.Fatal(err)
	}
	// and the first one
	webtest.FillProject(t, s.Store, p.ID, checks.WholeList+1)
	broken := s.AddNamed(p, "zz broken")
	s.Ping(broken, monitor.PingFail)
	list := ui.ListURL(p.ID)
	a := s.Get(list + "?sort=name").Is(http.StatusOK)
	down := a.Find("#checks tr.s-down").Length()
	got := names(a)
	if len(got) != checks.PageRows || !slices.Contains(got[:down], "zz broken") {
		t.Errorf("%d rows; what is down comes first, %d of them, whatever its name", len(got), down)
	}
	if got := a.Text("#summary"); !strings.HasPrefix(got, fmt.Sprintf("%d checks · %d down", checks.WholeList+3, down)) {
		t.Errorf("summary %q", got)
	}
	if got := a.Text("#pages"); got != fmt.Sprintf("1–%d of %d Older", checks.PageRows, checks.WholeList+3) {
		t.Errorf("pages %q", got)
	}
	seen := map[string]bool{}
	for next := "?"; next != ""; next = a.Find("#pages a[rel=next]").AttrOr("href", "") {
		a = s.Get(list + next).Is(http.StatusOK)
		for _, name := range names(a) {
			seen[name] = true
		}
	}
	if len(seen) != checks.WholeList+3 {
		t.Errorf("the pages together show %d checks, want %d", len(seen), checks.WholeList+3)
	}
	last := s.Get(list + "?page=999")
	if len(names(last)) != len(names(a)) {
		t.Error("a page after the last is not the last")
	}
	a = s.Get(list + "?search=zz+broken&page=4")
	diff := cmp.Diff([]string{"zz broken"}, names(a))
	if diff != "" || a.Find("#pages a").Length() != 0 {
		t.Errorf("found by text (-want +got):\n%s", diff)
	}
	size := webtest.Gzipped([]byte(s.Get(list).Body))
	if size > 25_000 {
		t.Errorf("a page of a long list has %d bytes compressed", size)
	}

	// Its script asks about what it shows, and loads anew when rows move.
	ask := func(version string, since int64) checks.ListUpdate {
		return pollQuery(s, p, version, since, "&tag=infra")
	}
	u := ask("", 0)
	if !u.All || u.Rows != nil {
		t.Errorf("all of a long list has %d rows", len(u.Rows))
	}
	u = ask(u.Version, u.Now)
	if u.All {
		t.Error("nothing has moved")
	}
	bulk(s, p, "pause", url.Values{"all": {"1"}, "back": {"?tag=infra"}}).Is(http.StatusSeeOther)
	text, undo := flash(s, p)
	if !strings.HasPrefix(text, "Paused 1") || undo == "" {
		t.Errorf("says %q", text)
	}
	u = ask(u.Version, u.Now)
	if !u.All {
		t.Error("the script did not learn of the pauses")
	}
}

func TestTheListWarnsOfSlugsThatMatchNoCheck(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		twin := s.AddNamed(p, c.Name)
		s.AddNamed(p, "", func(c *monitor.Check) { c.Slug = "" })
		s.Post(ui.ListURL(p.ID)+"view/", url.Values{"urls": {"slug"}}).LeadsTo(ui.ListURL(p.ID))
		a := s.Get(ui.ListURL(p.ID)).Is(http.StatusOK)
		got, _ := s.Store.ProjectByID(s.Context(), p.ID)
		if !got.ShowSlugs || got.PingKey == "" && !strings.Contains(a.Text("#checks"), "no ping key") {
			t.Errorf("%+v", got)
		}
		_, err := s.Store.ChangeProject(s.Context(), p.ID, func(p *monitor.Project) error { p.PingKey = "k3v9q0m2x7b1n8c4z6l5ad"; return nil })
		if err != nil {
			t.Fatal(err)
		}
		s.Get(ui.ListURL(p.ID)).Has("…/"+twin.Slug+" is not unique", "no slug yet")
		s.Get(ui.ListURL(p.ID) + "?urls=uuid").Has("/ping/" + c.Code.String())
	})
}

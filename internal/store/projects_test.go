package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// addCheck makes a check of the project, not watched through any channel.
func addCheck(t *testing.T, s *store.Store, project uuid.UUID, name, slug string) *monitor.Check {
	t.Helper()
	c := monitor.NewCheck(project, s.Now())
	c.Name = name
	c.Slug = slug
	if err := s.CreateCheck(t.Context(), &c, store.Channels{}); err != nil {
		t.Fatal(err)
	}
	return &c
}

func addProject(t *testing.T, s *store.Store, owner uuid.UUID, name string) *monitor.Project {
	t.Helper()
	p := &monitor.Project{OwnerID: owner, Name: name}
	if err := s.CreateProject(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p
}

// join makes the user a member; the pages for it come with a later step.
func join(t *testing.T, s *store.Store, user, project uuid.UUID, role monitor.Role) {
	t.Helper()
	_, err := s.DB().Exec(t.Context(), `INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, $3, $4)`, user, project,
		role, s.Now())
	if err != nil {
		t.Fatal(err)
	}
}

func TestAProjectComesBackAsStored(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		p := a.Project
		p.Name = "Renamed"
		p.APIKey = "stored-rw"
		p.APIKeyReadonly = "stored-ro"
		p.PingKey = ""
		p.ShowSlugs = true
		if err := testdb.PutProject(t.Context(), s, p); err != nil {
			t.Fatal(err)
		}
		got, err := s.ProjectByID(t.Context(), p.ID)
		diff := cmp.Diff(p, got)
		if diff != "" || err != nil {
			t.Errorf("%v (-stored +loaded):\n%s", err, diff)
		}
		// any number of projects may be without a ping key
		other.Project.PingKey = ""
		if err := testdb.PutProject(t.Context(), s, other.Project); err != nil {
			t.Error(err)
		}
		_, err = s.ProjectByID(t.Context(), uuid.New())
		wantKind(t, "an unknown project", err, errs.NotFound)
		wantKind(t, "deleting an unknown project", s.DeleteProject(t.Context(), uuid.New(), nil), errs.NotFound)
		p.ID = uuid.New()
		wantKind(t, "changing an unknown project", testdb.PutProject(t.Context(), s, p), errs.NotFound)
	})
}

func TestAPIKeysOpenTheirProject(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		testdb.Account(t, s, "without-keys@example.org")
		a.Project.APIKey = "stored-rw"
		a.Project.APIKeyReadonly = "stored-ro"
		if err := testdb.PutProject(t.Context(), s, a.Project); err != nil {
			t.Fatal(err)
		}
		for key, wantReadonly := range map[string]bool{"stored-rw": false, "stored-ro": true} {
			p, readonly, err := s.ProjectByAPIKey(t.Context(), key)
			if err != nil || p.ID != a.Project.ID || readonly != wantReadonly {
				t.Errorf("key %q: read-only %v, %v", key, readonly, err)
			}
		}
		for _, key := range []string{"", "stored", "STORED-RW", "%"} {
			_, _, err := s.ProjectByAPIKey(t.Context(), key)
			wantKind(t, "key "+key, err, errs.NotFound)
		}
	})
}

func TestTheOldestProjectOfAName(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		addProject(t, s, other.User.ID, "Twin")
		clock.Advance(time.Hour)
		older := addProject(t, s, a.User.ID, "Twin")
		clock.Advance(time.Hour)
		addProject(t, s, a.User.ID, "Twin")
		if p, err := s.ProjectByOwnerAndName(t.Context(), a.User.ID, "Twin"); err != nil || p.ID != older.ID {
			t.Errorf("got %+v, %v; want the older one", p, err)
		}
		_, err := s.ProjectByOwnerAndName(t.Context(), a.User.ID, "Nothing")
		wantKind(t, "no such name", err, errs.NotFound)
	})
}

func TestRoles(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		guest := testdb.Account(t, s, "guest@example.org")
		stranger := testdb.Account(t, s, "stranger@example.org")
		join(t, s, guest.User.ID, a.Project.ID, monitor.RoleReadonly)
		for user, want := range map[uuid.UUID]monitor.Role{
			a.User.ID: monitor.RoleOwner, guest.User.ID: monitor.RoleReadonly, stranger.User.ID: monitor.RoleNone, uuid.New(): monitor.RoleNone,
			uuid.Nil: monitor.RoleNone,
		} {
			role, err := s.RoleIn(t.Context(), user, a.Project.ID)
			if err != nil || role != want {
				t.Errorf("role %q, %v; want %q", role, err, want)
			}
		}
		role, err := s.RoleIn(t.Context(), a.User.ID, uuid.New())
		if err != nil || role != monitor.RoleNone {
			t.Errorf("role in an unknown project %q, %v", role, err)
		}
	})
}

func TestAProjectsListCountsWhatIsWrong(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		guest := testdb.Account(t, s, "guest@example.org")
		join(t, s, guest.User.ID, a.Project.ID, monitor.RoleMember)
		// By the time of the look: failed, silent beyond its grace, late, paused, running, still in time, never pinged.
		failed := addCheck(t, s, a.Project.ID, "failed", "")
		silent := addCheck(t, s, a.Project.ID, "silent", "")
		late := addCheck(t, s, a.Project.ID, "late", "")
		paused := addCheck(t, s, a.Project.ID, "paused", "")
		running := addCheck(t, s, a.Project.ID, "running", "")
		well := addCheck(t, s, a.Project.ID, "well", "")
		signal(t, s, failed, monitor.PingFail)
		signal(t, s, silent, monitor.PingSuccess)
		clock.Advance(a.Check.Grace)
		signal(t, s, late, monitor.PingSuccess)
		update(t, s, paused, func(c *store.CheckChange) { c.Flip = monitor.Pause(c.Check, c.Now) })
		clock.Advance(a.Check.Timeout)
		signal(t, s, running, monitor.PingSuccess)
		signal(t, s, running, monitor.PingStart)
		signal(t, s, well, monitor.PingSuccess)
		addChannel(t, s, a.Project.ID, func(c *monitor.Channel) { c.Disabled = true })
		addChannel(t, s, a.Project.ID, func(c *monitor.Channel) { c.Verified = false })
		broken := addChannel(t, s, a.Project.ID, func(*monitor.Channel) {})
		if err := s.NoteChannelOutcome(t.Context(), broken.ID, store.ChannelOutcome{At: clock.Now(), Error: "refused"}); err != nil {
			t.Fatal(err)
		}

		want := store.ProjectRow{Project: *a.Project, OwnerEmail: a.User.Email, Checks: 7, Channels: 4, BadChannels: 3, DownChecks: 2,
			LateChecks: 1, PausedChecks: 1, Started: 1, NewChecks: 1}
		for user, role := range map[uuid.UUID]monitor.Role{a.User.ID: monitor.RoleOwner, guest.User.ID: monitor.RoleMember} {
			want.Role = role
			rows, err := s.ProjectsOf(t.Context(), user)
			if err != nil {
				t.Fatal(err)
			}
			diff := cmp.Diff([]store.ProjectRow{want}, rows,
				cmpopts.IgnoreSliceElements(func(r store.ProjectRow) bool { return r.OwnerID == guest.User.ID }))
			if diff != "" {
				t.Errorf("as %q (-want +got):\n%s", role, diff)
			}
		}
		// the counts agree with what each check says of itself
		for _, c := range mustChecks(t, s, a.Project.ID) {
			got := c.StatusAt(s.Reading())
			down := c.Name == "failed" || c.Name == "silent"
			if (got == monitor.StatusDown) != down {
				t.Errorf("check %s is %s", c.Name, got)
			}
		}
	})
}

func TestProjectsAreListedByName(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		// Operations
		a := testdb.Account(t, s)
		for _, name := range []string{"zeta", "Alpha", "beta 100%", "Under_score"} {
			clock.Advance(time.Second)
			addProject(t, s, a.User.ID, name)
		}
		names := func(rows []store.ProjectRow, err error) (out []string) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				out = append(out, r.Name)
			}
			return out
		}
		diff := cmp.Diff([]string{"Alpha", "beta 100%", "Operations", "Under_score", "zeta"}, names(s.ProjectsOf(t.Context(), a.User.ID)))
		if diff != "" {
			t.Errorf("one user's (-want +got):\n%s", diff)
		}
		for search, want := range map[string][]string{
			"ALPH": {"Alpha"}, "_": {"Under_score"}, "0%": {"beta 100%"}, "!": nil,
			"OWNER@": {"Under_score", "beta 100%", "Alpha", "zeta", "Operations"},
		} {
			diff := cmp.Diff(want, names(s.Projects(t.Context(), search, 10, 0)))
			if diff != "" {
				t.Errorf("search %q (-want +got):\n%s", search, diff)
			}
		}
		if diff := cmp.Diff([]string{"Alpha"}, names(s.Projects(t.Context(), "", 1, 2))); diff != "" {
			t.Errorf("the third (-want +got):\n%s", diff)
		}
	})
}

func TestDeletingAProjectTakesItsChecksAlong(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		signal(t, s, a.Check, monitor.PingSuccess)
		if err := s.DeleteProject(t.Context(), a.Project.ID, nil); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"projects", "checks", "channels", "check_channels", "pings", "flips"} {
			n := count(t, s, table, "1 = 1")
			if n != 0 {
				t.Errorf("%d rows are left in %s", n, table)
			}
		}
		_, err := s.UserByID(t.Context(), a.User.ID)
		if err != nil {
			t.Errorf("the owner: %v", err)
		}
	})
}

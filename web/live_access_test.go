package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// rest is what a stream still sends before it ends, which it must do soon.
func (st *streaming) rest() string {
	st.Helper()
	patience := time.After(20 * time.Second)
	var all strings.Builder
	for {
		select {
		case e, open := <-st.events:
			if !open {
				return all.String()
			}
			all.WriteString(e.data)
		case <-patience:
			st.Fatal("the stream does not end")
		}
	}
}

// Somebody who may not look any more once got new names for 20 seconds and more.
func TestAStreamSendsNothingToWhoMayNotLookAnyMore(t *testing.T) {
	must := func(s *testSite, err error) {
		s.Helper()
		if err != nil {
			s.Fatal(err)
		}
	}
	for name, end := range map[string]func(s *testSite, owner *testSite, user *monitor.User, p *monitor.Project){
		"removed from the project": func(s, owner *testSite, user *monitor.User, p *monitor.Project) {
			owner.post("/projects/"+p.ID.String()+"/members/"+user.ID.String()+"/", map[string][]string{"remove": {"1"}}).is(http.StatusSeeOther)
		},
		"another role": func(s, _ *testSite, user *monitor.User, p *monitor.Project) {
			must(s, s.store.SetMemberRole(s.Context(), p.ID, user.ID, monitor.RoleReadonly))
		},
		"logged out": func(s, _ *testSite, _ *monitor.User, _ *monitor.Project) {
			s.post("/accounts/logout/", nil).is(http.StatusSeeOther)
		},
		"logged out elsewhere": func(s, _ *testSite, user *monitor.User, _ *monitor.Project) {
			_, err := s.store.EndAccess(s.Context(), user.ID, store.Access{})
			must(s, err)
		},
		"session over": func(s, _ *testSite, _ *monitor.User, _ *monitor.Project) {
			s.clock.Advance(365 * 24 * time.Hour)
		},
		"deactivated": func(s, _ *testSite, user *monitor.User, _ *monitor.Project) {
			_, err := s.store.ChangeUser(s.Context(), user.ID, func(u *monitor.User) error { u.IsActive = false; return nil })
			must(s, err)
		},
		"account removed": func(s, _ *testSite, user *monitor.User, _ *monitor.Project) {
			must(s, s.store.DeleteUser(s.Context(), user.ID, nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestSite(t, db.SQLite)
			owner := s.otherBrowser()
			_, p := owner.login("owner@example.org")
			c := s.firstCheck(p)
			user, _ := s.login("guest@example.org")
			must(s, s.store.AddMember(s.Context(), p.ID, user.ID, monitor.RoleMember))
			streams := []*streaming{s.listen(listURL(p.ID) + "live/"), s.listen("/checks/" + c.Code.String() + "/live/")}
			ends := name != "removed from the project" && name != "another role"
			if ends {
				streams = append(streams, s.listen("/projects/live/"))
			}
			for _, st := range streams {
				st.next()
			}

			end(s, owner, user, p)
			_, err := s.store.UpdateCheck(s.Context(), c.Code, func(c *store.CheckChange) error { c.Name = "a new secret name"; return nil })
			must(s, err)
			_, err = s.store.ChangeProject(s.Context(), p.ID, func(p *monitor.Project) error { p.Name = "a new secret name"; return nil })
			must(s, err)
			s.ping(c, monitor.PingFail)
			for i, st := range streams {
				if sent := st.rest(); strings.Contains(sent, "secret name") {
					t.Errorf("stream %d sent %s", i, sent)
				}
			}
		})
	}
}

func TestAStreamEndsWithItsProject(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	_, p := s.login("owner@example.org")
	c := s.firstCheck(p)
	streams := []*streaming{s.listen(listURL(p.ID) + "live/"), s.listen("/checks/" + c.Code.String() + "/live/")}
	for _, st := range streams {
		st.next()
	}
	if err := s.store.DeleteProject(s.Context(), p.ID, nil); err != nil {
		t.Fatal(err)
	}
	for _, st := range streams {
		st.rest()
	}
}

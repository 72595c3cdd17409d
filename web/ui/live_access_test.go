package ui_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/web/ui"
	"punctual/web/webtest"
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
	must := func(s *webtest.Site, err error) {
		s.Helper()
		if err != nil {
			s.Fatal(err)
		}
	}
	for name, end := range map[string]func(s *webtest.Site, owner *webtest.Site, user *monitor.User, p *monitor.Project){
		"removed from the project": func(s, owner *webtest.Site, user *monitor.User, p *monitor.Project) {
			owner.Post("/projects/"+p.ID.String()+"/members/"+user.ID.String()+"/", map[string][]string{"remove": {"1"}}).Is(http.StatusSeeOther)
		},
		"another role": func(s, _ *webtest.Site, user *monitor.User, p *monitor.Project) {
			must(s, s.Store.SetMemberRole(s.Context(), p.ID, user.ID, monitor.RoleReadonly))
		},
		"logged out": func(s, _ *webtest.Site, _ *monitor.User, _ *monitor.Project) {
			s.Post("/accounts/logout/", nil).Is(http.StatusSeeOther)
		},
		"logged out elsewhere": func(s, _ *webtest.Site, user *monitor.User, _ *monitor.Project) {
			_, err := s.Store.EndAccess(s.Context(), user.ID, store.Access{})
			must(s, err)
		},
		"session over": func(s, _ *webtest.Site, _ *monitor.User, _ *monitor.Project) {
			s.Clock.Advance(365 * 24 * time.Hour)
		},
		"deactivated": func(s, _ *webtest.Site, user *monitor.User, _ *monitor.Project) {
			_, err := s.Store.ChangeUser(s.Context(), user.ID, func(u *monitor.User) error { u.IsActive = false; return nil })
			must(s, err)
		},
		"account removed": func(s, _ *webtest.Site, user *monitor.User, _ *monitor.Project) {
			must(s, s.Store.DeleteUser(s.Context(), user.ID, nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := webtest.New(t, db.SQLite)
			owner := s.OtherBrowser()
			_, p := owner.Login("owner@example.org")
			c := s.FirstCheck(p)
			user, _ := s.Login("guest@example.org")
			must(s, s.Store.AddMember(s.Context(), p.ID, user.ID, monitor.RoleMember))
			streams := []*streaming{listen(s, ui.ListURL(p.ID)+"live/"), listen(s, "/checks/"+c.Code.String()+"/live/")}
			ends := name != "removed from the project" && name != "another role"
			if ends {
				streams = append(streams, listen(s, "/projects/live/"))
			}
			for _, st := range streams {
				st.next()
			}

			end(s, owner, user, p)
			_, err := s.Store.UpdateCheck(s.Context(), c.Code, func(c *store.CheckChange) error { c.Name = "a new secret name"; return nil })
			must(s, err)
			_, err = s.Store.ChangeProject(s.Context(), p.ID, func(p *monitor.Project) error { p.Name = "a new secret name"; return nil })
			must(s, err)
			s.Ping(c, monitor.PingFail)
			for i, st := range streams {
				sent := st.rest()
				if strings.Contains(sent, "secret name") {
					t.Errorf("stream %d sent %s", i, sent)
				}
			}
		})
	}
}

func TestAStreamEndsWithItsProject(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("owner@example.org")
	c := s.FirstCheck(p)
	streams := []*streaming{listen(s, ui.ListURL(p.ID)+"live/"), listen(s, "/checks/"+c.Code.String()+"/live/")}
	for _, st := range streams {
		st.next()
	}
	if err := s.Store.DeleteProject(s.Context(), p.ID, nil); err != nil {
		t.Fatal(err)
	}
	for _, st := range streams {
		st.rest()
	}
}

package ping_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// limited is an endpoint where the bodies of an owner have a limit.
type limited struct {
	*endpoint
	bodies *ping.Bodies
}

func eachLimited(t *testing.T, limit int64, test func(l *limited)) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		l := &limited{endpoint: &endpoint{T: t, store: s, clock: clock, Account: testdb.Account(t, s)}}
		l.limit(limit)
		test(l)
	})
}

// limit begins anew, as a process with this limit does.
func (l *limited) limit(limit int64) {
	log := slog.New(slog.DiscardHandler)
	l.bodies = ping.NewBodies(l.store, limit, log)
	rec := ping.NewRecorder(l.store, ping.Limits{Bodies: l.bodies}, log, ping.Observe{})
	l.Cleanup(l.bodies.Settle)
	l.Cleanup(rec.Close)
	l.h = ping.NewHandler(l.store, rec, "/ping/", 0, proxies(log), log)
	l.full(l.Project)
}

// full tells what pages say, after all counts that are due.
func (l *limited) full(p *monitor.Project) bool {
	l.Helper()
	l.bodies.Full(l.Context(), p.ID)
	l.bodies.Settle()
	return l.bodies.Full(l.Context(), p.ID)
}

// later is when everybody is counted again with the next ping.
func (l *limited) later(p *monitor.Project) {
	l.Helper()
	l.clock.Advance(16 * time.Minute)
	l.full(p)
}

// send pings a check with a body of n bytes and tells whether it was kept.
func (l *limited) send(c *monitor.Check, n int) (kept bool) {
	l.Helper()
	w := l.do("POST", "/ping/"+c.Code.String(), strings.Repeat("x", n))
	if w.Code != http.StatusOK {
		l.Fatalf("answered %d %s", w.Code, w.Body)
	}
	l.bodies.Settle()
	return len(l.newest(c).Body) == n
}

// newest is the last ping of a check.
func (l *limited) newest(c *monitor.Check) *monitor.Ping {
	l.Helper()
	now, err := l.store.CheckByCode(l.Context(), c.Code)
	if err != nil {
		l.Fatal(err)
	}
	p, err := l.store.Ping(l.Context(), now.ID, now.NPings)
	if err != nil {
		l.Fatal(err)
	}
	return p
}

// another is a check of a new project of the owner.
func (l *limited) another(owner uuid.UUID) (*monitor.Project, *monitor.Check) {
	l.Helper()
	p := &monitor.Project{OwnerID: owner, Name: "another"}
	if err := l.store.CreateProject(l.Context(), p); err != nil {
		l.Fatal(err)
	}
	c := monitor.NewCheck(p.ID, l.clock.Now())
	if err := l.store.CreateCheck(l.Context(), &c, store.Channels{}); err != nil {
		l.Fatal(err)
	}
	l.full(p)
	return p, &c
}

func TestBodiesOfAnOwnerHaveALimit(t *testing.T) {
	eachLimited(t, 1000, func(l *limited) {
		_, second := l.another(l.User.ID)
		other := testdb.Account(l.T, l.store, "other@example.org")
		l.full(other.Project)
		if !l.send(l.Check, 600) || l.full(l.Project) {
			l.Error("below the limit a body is kept")
		}
		if l.send(second, 401) {
			l.Error("all projects of an owner count together")
		}
		if !l.full(l.Project) {
			l.Error("a body had no room, and pages say nothing")
		}
		if !l.send(second, 400) {
			l.Error("one that fits in is kept")
		}
		if l.send(l.Check, 1) || !l.full(l.Project) {
			l.Error("the limit is reached")
		}
		n := l.check().NPings
		if n != 2 {
			l.Errorf("%d pings recorded, want 2: those without their bodies count", n)
		}
		if !l.send(other.Check, 900) || l.full(other.Project) {
			l.Error("another owner has room of their own")
		}
		// A count that is made anew finds the same.
		l.later(l.Project)
		if l.send(l.Check, 1) || !l.full(l.Project) {
			l.Error("the limit is reached no more after a count")
		}
	})
}

// What is let in before it is known whose a project is counts for its owner.
func TestTheFirstBodyOfAProjectCounts(t *testing.T) {
	eachLimited(t, 1000, func(l *limited) {
		p := &monitor.Project{OwnerID: l.User.ID, Name: "new"}
		if err := l.store.CreateProject(l.Context(), p); err != nil {
			l.Fatal(err)
		}
		c := monitor.NewCheck(p.ID, l.clock.Now())
		if err := l.store.CreateCheck(l.Context(), &c, store.Channels{}); err != nil {
			l.Fatal(err)
		}
		l.send(&c, 1000)
		if !l.full(l.Project) || l.send(l.Check, 1) {
			l.Error("it was not counted")
		}
	})
}

func TestALimitOfNoneKeepsAllBodies(t *testing.T) {
	eachLimited(t, 0, func(l *limited) {
		for range 3 {
			if !l.send(l.Check, 100_000) || l.full(l.Project) {
				l.Error("a body was dropped")
			}
		}
	})
}

// A ping means the same without its body, whatever way its keywords came.
func TestKeywordsOfDroppedBodiesCount(t *testing.T) {
	eachLimited(t, 10, func(l *limited) {
		l.change(func(c *monitor.Check) {
			c.Filter = monitor.Filter{HTTPBody: true, FailureKW: "ERROR", SuccessKW: "fine", StartKW: "begins"}
		})
		tests := []struct {
			body string
			kind monitor.PingKind
			want monitor.Status
		}{
			{"all is fine, says the job", monitor.PingSuccess, monitor.StatusUp},
			{"it begins now, says the job", monitor.PingStart, monitor.StatusUp},
			{"says the job at last: ERROR", monitor.PingFail, monitor.StatusDown},
			{"nothing of this kind at all", monitor.PingIgn, monitor.StatusDown},
		}
		for _, tt := range tests {
			w := l.do("POST", l.path("/ping/{U}"), tt.body)
			if w.Code != http.StatusOK {
				l.Fatal(w.Code)
			}
			p := l.newest(l.Check)
			if p.Kind != tt.kind || len(p.Body) > 0 || l.check().Status != tt.want {
				l.Errorf("%q is kept as %s with %q, and the check is %s", tt.body, p.Kind, p.Body, l.check().Status)
			}
		}
		n := l.check().NPings
		if n != 4 {
			l.Errorf("%d pings", n)
		}
	})
}

// Who has more when the limit comes down keeps it.
func TestBodiesAboveALoweredLimitStay(t *testing.T) {
	eachLimited(t, 1000, func(l *limited) {
		if !l.send(l.Check, 800) {
			l.Fatal("dropped")
		}
		l.limit(500)
		if !l.full(l.Project) {
			l.Error("above the limit, and pages say nothing")
		}
		if l.send(l.Check, 1) {
			l.Error("a new body is kept")
		}
		first, err := l.store.Ping(l.Context(), l.check().ID, 1)
		if err != nil || len(first.Body) != 800 {
			l.Errorf("of the body of before are left %d bytes, %v", len(first.Body), err)
		}
	})
}

func TestClearedBodiesMakeRoom(t *testing.T) {
	eachLimited(t, 1000, func(l *limited) {
		if !l.send(l.Check, 1000) || l.send(l.Check, 10) {
			l.Fatal("the limit is not reached")
		}
		if err := l.store.ClearEvents(l.Context(), l.Check.Code); err != nil {
			l.Fatal(err)
		}
		l.later(l.Project)
		if l.full(l.Project) || !l.send(l.Check, 1000) {
			l.Error("there is no room")
		}
	})
}

// Old pings make way for new ones, and their bodies for other bodies.
func TestPrunedBodiesMakeRoom(t *testing.T) {
	eachLimited(t, 1000, func(l *limited) {
		if !l.send(l.Check, 1000) || l.send(l.Check, 10) {
			l.Fatal("the limit is not reached")
		}
		for range 198 {
			l.send(l.Check, 0)
		}
		l.later(l.Project)
		if l.full(l.Project) || !l.send(l.Check, 1000) {
			l.Error("there is no room")
		}
	})
}

// A project takes its bodies along when it changes hands, and those of its next
// pings count for whoever has it then.
func TestBodiesFollowAProjectToItsNewOwner(t *testing.T) {
	eachLimited(t, 1000, func(l *limited) {
		moved, c := l.another(l.User.ID)
		heir := testdb.Account(l.T, l.store, "heir@example.org")
		l.full(heir.Project)
		if !l.send(c, 700) || l.send(l.Check, 400) || !l.send(heir.Check, 200) {
			l.Fatal("before")
		}
		for _, err := range []error{
			l.store.AddMember(l.Context(), moved.ID, heir.User.ID, monitor.RoleMember),
			l.store.OfferTransfer(l.Context(), moved.ID, heir.User.ID),
			l.store.AcceptTransfer(l.Context(), moved.ID, heir.User.ID),
		} {
			if err != nil {
				l.Fatal(err)
			}
		}
		// The former owner is counted first, and has one project less.
		l.later(l.Project)
		l.full(moved)
		if l.send(heir.Check, 101) || l.send(c, 101) || !l.full(moved) {
			l.Error("the heir has 900 bytes, and 101 more are kept")
		}
		if !l.send(l.Check, 1000) {
			l.Error("the former owner has no room")
		}
		if !l.send(c, 100) {
			l.Error("the heir has room for 100 more")
		}
	})
}

// A check of the welcome page has no owner; once somebody has adopted it, it counts
// for them at once.
func TestBodiesOfAnAdoptedCheckCount(t *testing.T) {
	eachLimited(t, 1000, func(l *limited) {
		orphan := monitor.NewCheck(uuid.Nil, l.clock.Now())
		if err := l.store.CreateCheck(l.Context(), &orphan, store.Channels{}); err != nil {
			l.Fatal(err)
		}
		if !l.send(&orphan, 1001) || !l.send(l.Check, 900) {
			l.Fatal("before")
		}
		_, err := l.store.UpdateCheck(l.Context(), orphan.Code, func(c *store.CheckChange) error {
			c.ProjectID = l.Project.ID
			return nil
		})
		if err != nil {
			l.Fatal(err)
		}
		if l.send(&orphan, 101) {
			l.Error("kept as that of nobody")
		}
	})
}

// While nobody can be counted, pings and their bodies are kept: no ping waits for a
// count, and none is lost by one that fails.
func TestACountThatFailsCostsNothing(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		l := &limited{endpoint: &endpoint{T: t, store: s, clock: clock, Account: testdb.Account(t, s)}}
		gone := testdb.Open(t, s.DB().Engine, clock)
		if err := gone.DB().Close(); err != nil {
			t.Fatal(err)
		}
		log := slog.New(slog.DiscardHandler)
		l.bodies = ping.NewBodies(gone, 10, log)
		rec := ping.NewRecorder(s, ping.Limits{Bodies: l.bodies}, log, ping.Observe{})
		t.Cleanup(rec.Close)
		l.h = ping.NewHandler(s, rec, "/ping/", 0, proxies(log), log)
		for range 3 {
			if !l.send(l.Check, 100) || l.full(l.Project) {
				t.Error("dropped")
			}
		}
	})
}

// A check that was made by its first ping, by its slug, has the owner of its project.
func TestBodiesOfNewChecksCount(t *testing.T) {
	eachLimited(t, 1000, func(l *limited) {
		for i, want := range []int{600, 0, 0} {
			slug := fmt.Sprintf("new-%d", i)
			w := l.do("POST", l.path("/ping/{KEY}/"+slug+"?create=1"), strings.Repeat("x", 600))
			if w.Code != http.StatusCreated {
				l.Fatal(w.Code)
			}
			code, err := l.store.CodeBySlug(l.Context(), l.Project.PingKey, slug)
			if err != nil {
				l.Fatal(err)
			}
			got := len(l.newest(&monitor.Check{Code: code}).Body)
			if got != want {
				l.Errorf("%d bytes of the body of %s are kept, want %d", got, slug, want)
			}
		}
	})
}

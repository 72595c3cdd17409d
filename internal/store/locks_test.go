package store_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// lockTries is how often all of a case meet.
const lockTries = 40

// lockSetup is two people, each with a project of which the other is no member.
type lockSetup struct {
	*store.Store
	*testing.T
	mine, theirs store.Account
	// invitations to mine, to theirs
	invited [2]uuid.UUID
	made    []*monitor.Check
	channel monitor.Channel
}

type work func(ctx context.Context, s *lockSetup) error

// lockCase is what has deadlocked, or would if the order of locks were another.
type lockCase struct {
	name    string
	prepare func(s *lockSetup, try int)
	// All of these run at once, and may find that another was faster.
	parallel []work
}

func (s *lockSetup) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// apart ends that the two are members of each other's projects.
func (s *lockSetup) apart() {
	for _, pair := range [][2]store.Account{{s.mine, s.theirs}, {s.theirs, s.mine}} {
		err := s.RemoveMember(s.Context(), pair[0].Project.ID, pair[1].User.ID)
		if errs.KindOf(err) != errs.NotFound {
			s.must(err)
		}
	}
}

func (s *lockSetup) invite(try int) {
	s.apart()
	for i, pair := range [][2]store.Account{{s.mine, s.theirs}, {s.theirs, s.mine}} {
		v := store.Invitation{ProjectID: pair[0].Project.ID, Email: pair[1].User.Email, Role: monitor.RoleMember, By: pair[0].User.ID,
			ExpiresAt: s.Now().Add(time.Hour)}
		s.must(s.Invite(s.Context(), &v, fmt.Appendf(nil, "%d %d", i, try)))
		s.invited[i] = v.ID
	}
}

// offer makes each a member of the other's project that is offered to them.
func (s *lockSetup) offer(int) {
	s.home()
	s.apart()
	for _, pair := range [][2]store.Account{{s.mine, s.theirs}, {s.theirs, s.mine}} {
		s.must(s.AddMember(s.Context(), pair[0].Project.ID, pair[1].User.ID, monitor.RoleMember))
		s.must(s.OfferTransfer(s.Context(), pair[0].Project.ID, pair[1].User.ID))
	}
}

// home gives the projects back to those who had them at first.
func (s *lockSetup) home() {
	for _, a := range []store.Account{s.mine, s.theirs} {
		p, err := s.ProjectByID(s.Context(), a.Project.ID)
		s.must(err)
		if p.OwnerID != a.User.ID {
			s.must(s.OfferTransfer(s.Context(), p.ID, a.User.ID))
			s.must(s.AcceptTransfer(s.Context(), p.ID, a.User.ID))
		}
	}
}

// checks makes twenty checks and a channel of the project.
func (s *lockSetup) checks(int) {
	s.made = nil
	for range 20 {
		c := monitor.NewCheck(s.mine.Project.ID, s.Now())
		s.must(s.CreateCheck(s.Context(), &c, store.Channels{All: true}))
		s.made = append(s.made, &c)
	}
	s.channel = monitor.Channel{ProjectID: s.mine.Project.ID, Kind: "webhook", Config: "{}", Verified: true}
	s.must(s.CreateChannel(s.Context(), &s.channel))
}

func (s *lockSetup) ids() []int64 {
	ids := make([]int64, 0, len(s.made))
	for i := range s.made {
		ids = append(ids, s.made[len(s.made)-1-i].ID)
	}
	return ids
}

func newCheck(ctx context.Context, s *lockSetup) error {
	c := monitor.NewCheck(s.mine.Project.ID, s.Now())
	c.Slug = "nightly"
	return s.CreateCheckFreeSlug(ctx, &c, store.Channels{All: true})
}

func newChannel(ctx context.Context, s *lockSetup) error {
	return s.CreateChannel(ctx, &monitor.Channel{ProjectID: s.mine.Project.ID, Kind: "webhook", Config: "{}", Verified: true})
}

func firstPing(ctx context.Context, s *lockSetup) error {
	_, _, err := s.EnsureSlug(ctx, s.mine.Project.PingKey, uuid.NewString(), nil)
	return err
}

func upsert(ctx context.Context, s *lockSetup) error {
	fresh := monitor.NewCheck(s.mine.Project.ID, s.Now())
	_, _, err := s.UpsertCheck(ctx, &fresh, &store.Unique{Slug: &s.mine.Check.Slug}, func(*store.CheckChange) error { return nil })
	return err
}

func acceptMine(ctx context.Context, s *lockSetup) error {
	_, err := s.AnswerInvitation(ctx, s.invited[0], s.theirs.User.ID, true)
	return err
}

func acceptTheirs(ctx context.Context, s *lockSetup) error {
	_, err := s.AnswerInvitation(ctx, s.invited[1], s.mine.User.ID, true)
	return err
}

func takeMine(ctx context.Context, s *lockSetup) error {
	return s.AcceptTransfer(ctx, s.mine.Project.ID, s.theirs.User.ID)
}

func takeTheirs(ctx context.Context, s *lockSetup) error {
	return s.AcceptTransfer(ctx, s.theirs.Project.ID, s.mine.User.ID)
}

var lockCases = []lockCase{
	{"invitations of each other accepted", (*lockSetup).invite, []work{acceptMine, acceptTheirs}},
	{"projects of each other taken over", (*lockSetup).offer, []work{takeMine, takeTheirs}},
	{"things made in a project that changes hands", (*lockSetup).offer,
		[]work{newCheck, newChannel, firstPing, upsert, takeMine, takeTheirs}},
	{"things made in a project that gets a member", (*lockSetup).invite,
		[]work{newCheck, newChannel, firstPing, upsert, acceptMine, acceptTheirs}},
	{"checks removed while they get a channel", (*lockSetup).checks, []work{
		func(ctx context.Context, s *lockSetup) error {
			_, err := s.DeleteChecks(ctx, s.mine.Project.ID, s.ids())
			return err
		},
		newChannel,
		func(ctx context.Context, s *lockSetup) error {
			return s.SetChannelChecks(ctx, s.channel.ID, s.ids())
		},
		func(ctx context.Context, s *lockSetup) error {
			_, err := s.AssignChannels(ctx, s.mine.Project.ID, s.ids(), []uuid.UUID{s.channel.ID, s.mine.Channel.ID}, true)
			return err
		},
		func(ctx context.Context, s *lockSetup) error {
			_, err := s.DeleteCheck(ctx, s.made[10].Code)
			return err
		},
	}},
	{"a channel removed while checks get it", (*lockSetup).checks, []work{
		func(ctx context.Context, s *lockSetup) error { return s.DeleteChannel(ctx, s.channel.ID) },
		func(ctx context.Context, s *lockSetup) error { return s.watch(ctx, s.made[0]) },
		func(ctx context.Context, s *lockSetup) error { return s.watch(ctx, s.made[1]) },
		func(ctx context.Context, s *lockSetup) error {
			_, err := s.AssignChannels(ctx, s.mine.Project.ID, s.ids(), []uuid.UUID{s.channel.ID}, false)
			return err
		},
	}},
}

// watch has a check watched through the channel only.
func (s *lockSetup) watch(ctx context.Context, c *monitor.Check) error {
	_, err := s.UpdateCheck(ctx, c.Code, func(edit *store.CheckChange) error {
		edit.Channels = &store.Channels{IDs: []uuid.UUID{s.channel.ID}}
		return nil
	})
	return err
}

// Two who had accepted each other's invitations at once waited for each other for
// a second, until PostgreSQL made one of them begin anew.
func TestNobodyWaitsForEachOther(t *testing.T) {
	for i, c := range lockCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var deadlocks atomic.Int64
			observe := func(_ string, _ time.Duration, class string) {
				if class == "conflict" {
					deadlocks.Add(1)
				}
			}
			d, err := db.Open(t.Context(), testdb.URL(t, db.Postgres), db.Options{Observe: observe})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d.Close() })
			st := store.New(d, kinds.Address)
			st.SetCaps(store.Caps{Projects: 1e6, Channels: 1e6, Members: 1e6})
			s := &lockSetup{Store: st, T: t}
			s.mine = testdb.Account(t, st, fmt.Sprintf("mine%d@example.org", i))
			s.theirs = testdb.Account(t, st, fmt.Sprintf("theirs%d@example.org", i))
			_, err = st.ChangeUser(t.Context(), s.mine.User.ID, func(u *monitor.User) error {
				u.CheckLimit = 1e6
				return nil
			})
			s.must(err)
			for try := range lockTries {
				c.prepare(s, try)
				c.run(s)
				n := deadlocks.Load()
				if n > 0 {
					t.Fatalf("try %d: %d deadlocks", try, n)
				}
			}
		})
	}
}

// run does all of a case at once.
func (c lockCase) run(s *lockSetup) {
	start := make(chan struct{})
	var group sync.WaitGroup
	for _, do := range c.parallel {
		group.Go(func() {
			<-start
			err := do(s.Context(), s)
			switch errs.KindOf(err) {
			case errs.NotFound, errs.Conflict:
				// Another was faster.
			default:
				if err != nil && !db.IsForeignKey(err) {
					s.Error(err)
				}
			}
		})
	}
	close(start)
	group.Wait()
}

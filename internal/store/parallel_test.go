package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// parallelTries is how often two changes meet.
const parallelTries = 80

// parallelSetup is what all cases of parallel changes work on.
type parallelSetup struct {
	*store.Store
	*testing.T
	mine   store.Account
	member uuid.UUID
}

// parallelCase is two changes of one thing that come at once: each gets the
// number of the try.
type parallelCase struct {
	name     string
	one, two func(ctx context.Context, s *parallelSetup, try int) error
	// check tells what of the two is missing, "" = nothing.
	check func(s *parallelSetup, try int) string
}

func (s *parallelSetup) user() *monitor.User {
	u, err := s.UserByID(s.Context(), s.mine.User.ID)
	if err != nil {
		s.Fatal(err)
	}
	return u
}

func (s *parallelSetup) project() *monitor.Project {
	p, err := s.ProjectByID(s.Context(), s.mine.Project.ID)
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func (s *parallelSetup) channel() *monitor.Channel {
	ch, err := s.ChannelByID(s.Context(), s.mine.Channel.ID)
	if err != nil {
		s.Fatal(err)
	}
	return ch
}

func (s *parallelSetup) checkNow() *monitor.Check {
	c, err := s.CheckByCode(s.Context(), s.mine.Check.Code)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

func (s *parallelSetup) changeUser(ctx context.Context, change func(*monitor.User)) error {
	_, err := s.ChangeUser(ctx, s.mine.User.ID, func(u *monitor.User) error { change(u); return nil })
	return err
}

func (s *parallelSetup) changeProject(ctx context.Context, change func(*monitor.Project)) error {
	_, err := s.ChangeProject(ctx, s.mine.Project.ID, func(p *monitor.Project) error { change(p); return nil })
	return err
}

func (s *parallelSetup) changeChannel(ctx context.Context, change func(*monitor.Channel)) error {
	_, err := s.ChangeChannel(ctx, s.mine.Channel.ID, func(ch *monitor.Channel) error { change(ch); return nil })
	return err
}

func (s *parallelSetup) changeCheck(ctx context.Context, change func(*store.CheckChange)) error {
	_, err := s.UpdateCheck(ctx, s.mine.Check.Code, func(c *store.CheckChange) error { change(c); return nil })
	return err
}

func nth(try int) string { return fmt.Sprintf("try %d", try) }

// even alternates, so that each try changes something.
func even(try int) bool { return try%2 == 0 }

// lost names what has not survived.
func lost(first, second bool) string {
	switch {
	case !first:
		return "the first change"
	case !second:
		return "the second change"
	default:
		return ""
	}
}

var parallelCases = []parallelCase{
	{
		name: "a channel renamed and disabled",
		one: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeChannel(ctx, func(ch *monitor.Channel) { ch.Name = nth(try) })
		},
		two: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeChannel(ctx, func(ch *monitor.Channel) { ch.Disabled = even(try) })
		},
		check: func(s *parallelSetup, try int) string {
			ch := s.channel()
			return lost(ch.Name == nth(try), ch.Disabled == even(try))
		},
	},
	{
		name: "a channel renamed while a delivery fails for good",
		one: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeChannel(ctx, func(ch *monitor.Channel) { ch.Name = nth(try) })
		},
		two: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.NoteChannelOutcome(ctx, s.mine.Channel.ID, store.ChannelOutcome{At: s.Now(), Error: nth(try), Disable: true})
		},
		check: func(s *parallelSetup, try int) string {
			ch := s.channel()
			return lost(ch.Name == nth(try), ch.Disabled && ch.LastError == nth(try))
		},
	},
	{
		name: "the settings of a channel and the agreement of its address",
		one: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeChannel(ctx, func(ch *monitor.Channel) {
				ch.Config = `{"address":"owner@example.org","up":true,"name":"` + nth(try) + `"}`
			})
		},
		two: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeChannel(ctx, func(ch *monitor.Channel) { ch.Verified = even(try) })
		},
		check: func(s *parallelSetup, try int) string {
			ch := s.channel()
			return lost(ch.Config == `{"address":"owner@example.org","up":true,"name":"`+nth(try)+`"}`, ch.Verified == even(try))
		},
	},
	{
		name: "the checks of a channel, set twice",
		one: func(ctx context.Context, s *parallelSetup, _ int) error {
			return s.SetChannelChecks(ctx, s.mine.Channel.ID, []int64{s.mine.Check.ID})
		},
		two: func(ctx context.Context, s *parallelSetup, _ int) error {
			return s.SetChannelChecks(ctx, s.mine.Channel.ID, []int64{s.mine.Check.ID})
		},
		check: func(s *parallelSetup, _ int) string {
			return lost(len(watchedThrough(s.T, s.Store, s.mine.Check)) == 1, true)
		},
	},
	{
		name: "a project renamed and its addresses shown the other way",
		one: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeProject(ctx, func(p *monitor.Project) { p.Name = nth(try) })
		},
		two: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeProject(ctx, func(p *monitor.Project) { p.ShowSlugs = even(try) })
		},
		check: func(s *parallelSetup, try int) string {
			p := s.project()
			return lost(p.Name == nth(try), p.ShowSlugs == even(try))
		},
	},
	{
		name: "two keys of a project",
		one: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeProject(ctx, func(p *monitor.Project) { p.APIKey = "key " + nth(try) })
		},
		two: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeProject(ctx, func(p *monitor.Project) { p.PingKey = "ping " + nth(try) })
		},
		check: func(s *parallelSetup, try int) string {
			p := s.project()
			return lost(p.APIKey == "key "+nth(try), p.PingKey == "ping "+nth(try))
		},
	},
	{
		name: "the colours and the time zone of a user",
		one: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeUser(ctx, func(u *monitor.User) { u.Theme = nth(try) })
		},
		two: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeUser(ctx, func(u *monitor.User) { u.TZ = nth(try) })
		},
		check: func(s *parallelSetup, try int) string {
			u := s.user()
			return lost(u.Theme == nth(try), u.TZ == nth(try))
		},
	},
	{
		name: "a password and a deactivation",
		one: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeUser(ctx, func(u *monitor.User) { u.PasswordHash = nth(try) })
		},
		two: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeUser(ctx, func(u *monitor.User) { u.IsActive = even(try) })
		},
		check: func(s *parallelSetup, try int) string {
			u := s.user()
			return lost(u.PasswordHash == nth(try), u.IsActive == even(try))
		},
	},
	{
		name: "reports chosen and stopped by a link, and a limit",
		one:  func(ctx context.Context, s *parallelSetup, _ int) error { return s.StopReports(ctx, s.mine.User.ID) },
		two: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeUser(ctx, func(u *monitor.User) { u.CheckLimit = 1000 + try })
		},
		check: func(s *parallelSetup, try int) string {
			u := s.user()
			return lost(u.Reports == monitor.ReportsOff, u.CheckLimit == 1000+try)
		},
	},
	{
		name: "a login and a preference",
		one:  func(ctx context.Context, s *parallelSetup, _ int) error { return s.NoteLogin(ctx, s.mine.User.ID) },
		two: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeUser(ctx, func(u *monitor.User) { u.Sort = nth(try) })
		},
		check: func(s *parallelSetup, try int) string {
			u := s.user()
			return lost(!u.LastLoginAt.IsZero(), u.Sort == nth(try))
		},
	},
	{
		name: "an authenticator app and a preference",
		one: func(ctx context.Context, s *parallelSetup, try int) error {
			if even(try) {
				_, err := s.SetTOTP(ctx, s.mine.User.ID, "sealed", int64(try), nil, nil)
				return err
			}
			return s.RemoveTOTP(ctx, s.mine.User.ID)
		},
		two: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeUser(ctx, func(u *monitor.User) { u.DateFormat = nth(try) })
		},
		check: func(s *parallelSetup, try int) string {
			f, err := s.FactorsOf(s.Context(), s.mine.User.ID)
			if err != nil {
				return err.Error()
			}
			return lost((f.TOTPSecret != "") == even(try), s.user().DateFormat == nth(try))
		},
	},
	{
		name: "the role of a member and the offer of the project",
		one: func(ctx context.Context, s *parallelSetup, try int) error {
			role := monitor.RoleManager
			if even(try) {
				role = monitor.RoleReadonly
			}
			return s.SetMemberRole(ctx, s.mine.Project.ID, s.member, role)
		},
		two: func(ctx context.Context, s *parallelSetup, try int) error {
			if even(try) {
				return s.OfferTransfer(ctx, s.mine.Project.ID, s.member)
			}
			return s.CancelTransfer(ctx, s.mine.Project.ID)
		},
		check: func(s *parallelSetup, try int) string {
			m, err := s.MemberOf(s.Context(), s.mine.Project.ID, s.member)
			if err != nil {
				return err.Error()
			}
			return lost((m.Role == monitor.RoleReadonly) == even(try), m.Offered.IsZero() != even(try))
		},
	},
	{
		name: "the name and the tags of a check",
		one: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeCheck(ctx, func(c *store.CheckChange) { c.Name = nth(try) })
		},
		two: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeCheck(ctx, func(c *store.CheckChange) { c.Tags = nth(try) })
		},
		check: func(s *parallelSetup, try int) string {
			c := s.checkNow()
			return lost(c.Name == nth(try), c.Tags == nth(try))
		},
	},
	{
		name: "the grace time of a check and its ping",
		one: func(ctx context.Context, s *parallelSetup, try int) error {
			return s.changeCheck(ctx, func(c *store.CheckChange) { c.Grace = time.Duration(60+try) * time.Second })
		},
		two: func(ctx context.Context, s *parallelSetup, _ int) error {
			p := monitor.Ping{Kind: monitor.PingSuccess, CreatedAt: s.Now()}
			arrival := &store.Arrival{Code: s.mine.Check.Code, Ping: p, Classify: func(*monitor.Filter) monitor.PingKind { return p.Kind }}
			return s.RecordPings(ctx, []*store.Arrival{arrival})
		},
		check: func(s *parallelSetup, try int) string {
			c := s.checkNow()
			return lost(c.Grace == time.Duration(60+try)*time.Second, c.NPings == int64(try+1))
		},
	},
	{
		name: "many checks changed at once and one of them renamed",
		one: func(ctx context.Context, s *parallelSetup, try int) error {
			_, err := s.UpdateChecks(ctx, s.mine.Project.ID, []int64{s.mine.Check.ID}, func(c *store.CheckChange) bool {
				c.Tags = nth(try)
				return true
			})
			return err
		},
		two: func(ctx context.Context, s *parallelSetup, try int) error {
			unique := s.mine.Check.Slug
			fresh := monitor.NewCheck(s.mine.Project.ID, s.Now())
			_, _, err := s.UpsertCheck(ctx, &fresh, &store.Unique{Slug: &unique}, func(c *store.CheckChange) error {
				c.Description = nth(try)
				return nil
			})
			return err
		},
		check: func(s *parallelSetup, try int) string {
			c := s.checkNow()
			return lost(c.Tags == nth(try), c.Description == nth(try))
		},
	},
	{
		name: "walls, of which only one more fits",
		one:  oneWall,
		two:  oneWall,
		check: func(s *parallelSetup, try int) string {
			walls, err := s.WallsOf(s.Context(), s.mine.User.ID)
			if err != nil {
				return err.Error()
			}
			// Two more each time, until there are as many as may be.
			return lost(len(walls) == min(2*(try+1), store.MaxWalls), true)
		},
	},
	{
		name: "account tokens, of which only one more fits",
		one:  oneToken,
		two:  oneToken,
		check: func(s *parallelSetup, try int) string {
			tokens, err := s.AccountTokens(s.Context(), s.mine.User.ID)
			if err != nil {
				return err.Error()
			}
			return lost(len(tokens) == min(2*(try+1), store.MaxAccountTokens), true)
		},
	},
}

func oneWall(ctx context.Context, s *parallelSetup, _ int) error {
	return unlessFull(s.CreateWall(ctx, &store.Wall{UserID: s.mine.User.ID, Name: "Hall"}))
}

func oneToken(ctx context.Context, s *parallelSetup, _ int) error {
	return unlessFull(s.CreateAccountToken(ctx, &store.AccountToken{UserID: s.mine.User.ID, Name: "robot", Hash: uuid.NewString()}))
}

func unlessFull(err error) error {
	if errs.KindOf(err) == errs.Conflict {
		return nil
	}
	return err
}

// A rename that came at the same time once undid an unsubscription.
func TestOfParallelChangesBothSurvive(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		for i, c := range parallelCases {
			t.Run(c.name, func(t *testing.T) {
				setup := &parallelSetup{Store: s, T: t, mine: testdb.Account(t, s, fmt.Sprintf("owner%d@example.org", i))}
				setup.member = testdb.Account(t, s, fmt.Sprintf("member%d@example.org", i)).User.ID
				if err := s.AddMember(t.Context(), setup.mine.Project.ID, setup.member, monitor.RoleMember); err != nil {
					t.Fatal(err)
				}
				for try := range parallelTries {
					runBoth(setup, c, try)
					missing := c.check(setup, try)
					if missing != "" {
						t.Fatalf("try %d: %s is lost", try, missing)
					}
				}
			})
		}
	})
}

// runBoth makes both changes of a case at once.
func runBoth(s *parallelSetup, c parallelCase, try int) {
	start := make(chan struct{})
	var group sync.WaitGroup
	for _, change := range []func(context.Context, *parallelSetup, int) error{c.one, c.two} {
		group.Go(func() {
			<-start
			if err := change(s.Context(), s, try); err != nil {
				s.Errorf("try %d: %v", try, err)
			}
		})
	}
	close(start)
	group.Wait()
}

package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// slugRivals are two who want the same slug at once. None of them is to fail but
// for the slug.
type slugRivals struct {
	name     string
	one, two func(ctx context.Context, s *store.Store, a store.Account, other *monitor.Check, slug string) error
}

func renamed(ctx context.Context, s *store.Store, code uuid.UUID, slug string) error {
	_, err := s.UpdateCheckFreeSlug(ctx, code, func(c *store.CheckChange) error {
		c.Slug = slug
		return nil
	})
	_, taken := errors.AsType[*store.SlugTakenError](err)
	if taken {
		return nil
	}
	return err
}

func oneRenamed(ctx context.Context, s *store.Store, a store.Account, _ *monitor.Check, slug string) error {
	return renamed(ctx, s, a.Check.Code, slug)
}

func otherRenamed(ctx context.Context, s *store.Store, _ store.Account, other *monitor.Check, slug string) error {
	return renamed(ctx, s, other.Code, slug)
}

func madeByHand(ctx context.Context, s *store.Store, a store.Account, _ *monitor.Check, slug string) error {
	c := monitor.NewCheck(a.Project.ID, s.Now())
	c.Slug = slug
	return s.CreateCheckFreeSlug(ctx, &c, store.Channels{})
}

func madeByPing(ctx context.Context, s *store.Store, a store.Account, _ *monitor.Check, slug string) error {
	_, _, err := s.EnsureSlug(ctx, a.Project.PingKey, slug, nil)
	return err
}

var allSlugRivals = []slugRivals{
	{"two renames", oneRenamed, otherRenamed},
	{"a rename and a new check", oneRenamed, madeByHand},
	{"a rename and a first ping", oneRenamed, madeByPing},
	{"a new check and a first ping", madeByHand, madeByPing},
	{"two new checks", madeByHand, madeByHand},
}

// What people and first pings do at once gives no slug to two checks: pings by it
// would be refused.
func TestASlugIsTakenOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		for i, rivals := range allSlugRivals {
			t.Run(rivals.name, func(t *testing.T) {
				a := testdb.Account(t, s, fmt.Sprintf("owner%d@example.org", i))
				a.User.CheckLimit = 1000
				if err := testdb.PutUser(t.Context(), s, a.User); err != nil {
					t.Fatal(err)
				}
				other := monitor.NewCheck(a.Project.ID, s.Now())
				if err := s.CreateCheck(t.Context(), &other, store.Channels{}); err != nil {
					t.Fatal(err)
				}
				for try := range 60 {
					slug := fmt.Sprintf("try-%d", try)
					start := make(chan struct{})
					var both sync.WaitGroup
					for _, rival := range []func(context.Context, *store.Store, store.Account, *monitor.Check, string) error{rivals.one, rivals.two} {
						both.Go(func() {
							<-start
							if err := rival(t.Context(), s, a, &other, slug); err != nil {
								t.Errorf("%s: %v", slug, err)
							}
						})
					}
					close(start)
					both.Wait()
					n, err := s.ChecksWithSlug(t.Context(), a.Project.ID, slug)
					if err != nil || n != 1 {
						t.Fatalf("%d checks have the slug %s, %v", n, slug, err)
					}
				}
			})
		}
	})
}

// A check whose slug the API has given to others may be changed and keep it, and a
// slug of another project is free.
func TestARenameMayLeaveTheSlug(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		b := testdb.Account(t, s, "b@example.org")
		add := func(project uuid.UUID, slug string) {
			c := monitor.NewCheck(project, s.Now())
			c.Slug = slug
			if err := s.CreateCheck(t.Context(), &c, store.Channels{}); err != nil {
				t.Fatal(err)
			}
		}
		add(a.Project.ID, a.Check.Slug)
		add(a.Project.ID, "taken")
		add(b.Project.ID, "elsewhere")
		slug := a.Check.Slug
		change := func(want string) error {
			_, err := s.UpdateCheckFreeSlug(t.Context(), a.Check.Code, func(c *store.CheckChange) error {
				c.Name = "called " + want
				c.Slug = want
				return nil
			})
			return err
		}
		for _, want := range []string{slug, "elsewhere", ""} {
			if err := change(want); err != nil {
				t.Errorf("slug %q: %v", want, err)
			}
		}
		taken, ok := errors.AsType[*store.SlugTakenError](change("taken"))
		if !ok || taken.Slug != "taken" || taken.Free != "taken-2" {
			t.Errorf("a slug that is taken: %+v", taken)
		}
		c, err := s.CheckByCode(t.Context(), a.Check.Code)
		if err != nil || c.Slug != "" || c.Name != "called " {
			t.Errorf("the check is %q with the slug %q, %v", c.Name, c.Slug, err)
		}
	})
}

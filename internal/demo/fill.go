package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// ErrForeign is returned by Fill for a database that holds something else.
var ErrForeign = errors.New("the demo wants a database of its own, and this one holds accounts or checks that are not the demo's")

// Fill makes the demo in an empty database, as of now. One that was made before
// in the same database is replaced; anything else there is left alone, and Fill
// fails with ErrForeign. The Life it returns is for the pings that follow.
func Fill(ctx context.Context, s *store.Store) (*Life, error) {
	now := s.Now()
	founded := now.Add(-120 * day)
	owner := user(Address, founded)
	// Due at once, so that there is one of each in the mailbox.
	owner.Reports = monitor.ReportsWeekly
	owner.NextReportAt = now
	owner.NagEvery = day
	owner.NextNagAt = now
	if err := clear(ctx, s, owner); err != nil {
		return nil, err
	}
	if err := s.CreateAccount(ctx, store.Account{User: owner}); err != nil {
		return nil, err
	}
	teams := projects(owner.ID, founded.Add(hour))
	for _, p := range teams {
		if err := s.CreateProject(ctx, p); err != nil {
			return nil, err
		}
	}
	if err := invite(ctx, s, teams, founded); err != nil {
		return nil, err
	}
	some, err := channels(teams)
	if err != nil {
		return nil, err
	}
	for i := range some {
		if err := s.CreateChannel(ctx, &some[i].Channel); err != nil {
			return nil, err
		}
	}
	histories, life, err := stories(teams, some, now)
	if err != nil {
		return nil, err
	}
	if err := s.ImportHistory(ctx, histories); err != nil {
		return nil, err
	}
	for i := range some {
		if err := noteOutcome(ctx, s, &some[i]); err != nil {
			return nil, err
		}
	}
	return life, hang(ctx, s, owner, teams)
}

// hang makes a wall of all projects.
func hang(ctx context.Context, s *store.Store, owner *monitor.User, teams []*monitor.Project) error {
	w := store.Wall{ID: diceOf("wall").uuid(), UserID: owner.ID, Name: "Operations room"}
	for _, p := range teams {
		w.Projects = append(w.Projects, store.WallProject{ID: p.ID})
	}
	return s.CreateWall(ctx, &w)
}

// clear removes the demo of an earlier start. The demo's user is known by an id
// that nobody else can have.
func clear(ctx context.Context, s *store.Store, owner *monitor.User) error {
	_, err := s.UserByID(ctx, owner.ID)
	if errs.KindOf(err) == errs.NotFound {
		return empty(ctx, s)
	}
	if err != nil {
		return err
	}
	people := []*monitor.User{owner}
	for _, c := range colleagues() {
		people = append(people, user(c.address, time.Time{}))
	}
	for _, u := range people {
		if err := s.DeleteUser(ctx, u.ID, nil); err != nil && errs.KindOf(err) != errs.NotFound {
			return fmt.Errorf("remove the demo of before: %w", err)
		}
	}
	return nil
}

// empty fails with ErrForeign where there is anything.
func empty(ctx context.Context, s *store.Store) error {
	users, err := s.Users(ctx, "", 1, 0)
	if err != nil {
		return err
	}
	checks, err := s.Checks(ctx, "", 1, 0)
	if err != nil {
		return err
	}
	if len(users)+len(checks) > 0 {
		return ErrForeign
	}
	return nil
}

func invite(ctx context.Context, s *store.Store, teams []*monitor.Project, since time.Time) error {
	for _, c := range colleagues() {
		u := user(c.address, since.Add(day))
		if err := s.CreateAccount(ctx, store.Account{User: u}); err != nil {
			return err
		}
		if err := s.AddMember(ctx, teams[c.project].ID, u.ID, c.role); err != nil {
			return err
		}
	}
	return nil
}

// stories are the checks with their past, and the scripts for what comes.
func stories(teams []*monitor.Project, channels []channel, now time.Time) ([]store.History, *Life, error) {
	life := &Life{}
	var histories []store.History
	all := jobs()
	for i := range all {
		j := &all[i]
		since := j.history(now)
		c := j.check(teams[j.project], since.Add(time.Duration(i-len(all))*minute))
		s, err := newScript(j, since, now)
		if err != nil {
			return nil, nil, err
		}
		h := store.History{Check: c}
		var on []*channel
		for k := range channels {
			for _, letter := range j.alerts {
				if channels[k].letter == letter {
					on = append(on, &channels[k])
					h.Channels = append(h.Channels, channels[k].ID)
				}
			}
		}
		var flips []monitor.Flip
		h.Pings, flips = play(c, s, now)
		oldest := c.CreatedAt
		if len(h.Pings) > 0 {
			oldest = h.Pings[0].CreatedAt
		}
		h.Flips = deliver(diceOf("deliveries of "+j.slug), flips, on, now, oldest)
		histories = append(histories, h)
		if j.end != paused {
			life.add(c.Code, s)
		}
	}
	return histories, life, nil
}

// noteOutcome stores how the latest delivery of a channel went.
func noteOutcome(ctx context.Context, s *store.Store, h *channel) error {
	if h.LastNotifyAt.IsZero() {
		return nil
	}
	return s.NoteChannelOutcome(ctx, h.ID, store.ChannelOutcome{At: h.LastNotifyAt, Latency: h.LastLatency, Error: h.LastError,
		Disable: h.Disabled})
}

package store_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// onPostgres opens a database where two transactions write at once.
func onPostgres(t *testing.T) *store.Store { return testdb.Open(t, db.Postgres, nil) }

// meanwhile makes changes in a transaction that ends when other has to wait for it,
// or has ended, and returns the error of other.
func meanwhile(t *testing.T, s *store.Store, changes func(tx *db.Tx) error, other func() error) error {
	t.Helper()
	done := make(chan error, 1)
	ended := false
	var otherErr error
	err := s.DB().InTx(t.Context(), func(tx *db.Tx) error {
		if err := changes(tx); err != nil {
			return err
		}
		go func() { done <- other() }()
		for {
			select {
			case otherErr = <-done:
				ended = true
				return nil
			default:
			}
			var waiting int
			err := s.DB().QueryRow(t.Context(),
				`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
			if err != nil || waiting > 0 {
				return err
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !ended {
		otherErr = <-done
	}
	return otherErr
}

// run makes changes of statements with their arguments.
func run(t *testing.T, statements ...[]any) func(*db.Tx) error {
	return func(tx *db.Tx) error {
		for _, s := range statements {
			_, err := tx.Exec(t.Context(), s[0].(string), s[1:]...)
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// handOver are the statements of a transfer of the project of a to b.
func handOver(a, b store.Account) [][]any {
	return [][]any{
		{`SELECT 1 FROM projects WHERE id = $1 FOR NO KEY UPDATE`, a.Project.ID},
		{`UPDATE projects SET owner_id = $2 WHERE id = $1`, a.Project.ID, b.User.ID},
		{`DELETE FROM members WHERE project_id = $1 AND user_id = $2`, a.Project.ID, b.User.ID},
		{`INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, 'w', now())`, a.User.ID, a.Project.ID},
	}
}

// A channel that is made while its project changes hands counts against the caps
// of the new owner.
func TestAChannelCountsAgainstTheOwnerWhomItComesTo(t *testing.T) {
	s := onPostgres(t)
	a := testdb.Account(t, s, "before@example.org")
	b := testdb.Account(t, s, "after@example.org")
	s.SetCaps(store.Caps{Channels: 2})
	err := meanwhile(t, s, run(t, handOver(a, b)...), func() error {
		return s.CreateChannel(t.Context(), &monitor.Channel{ProjectID: a.Project.ID, Kind: "webhook", Config: "{}"})
	})
	if !full(err) {
		t.Errorf("the new owner has two channels already: %v", err)
	}
}

// Whom the removal of an account is mailed to is known when nobody can change it any
// more.
func TestAFarewellGoesToThoseWhoLoseSomething(t *testing.T) {
	comes := func(owner, other store.Account) [][]any {
		return [][]any{
			{`SELECT 1 FROM projects WHERE id = $1 FOR NO KEY UPDATE`, owner.Project.ID},
			{`INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, 'w', now())`, other.User.ID, owner.Project.ID},
		}
	}
	for name, tc := range map[string]struct {
		changes func(owner, other store.Account) [][]any
		// projects that go, their members
		want [2]int
	}{
		"a project that changes hands": {handOver, [2]int{0, 0}},
		"a member who comes":           {comes, [2]int{1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := onPostgres(t)
			owner := testdb.Account(t, s, "owner@example.org")
			other := testdb.Account(t, s, "other@example.org")
			var got [2]int
			failure := errors.New("nothing is removed")
			err := meanwhile(t, s, run(t, tc.changes(owner, other)...), func() error {
				return s.DeleteUser(t.Context(), owner.User.ID, func(gone []store.ProjectContent) ([]*monitor.Email, error) {
					got = [2]int{len(gone), 0}
					for _, p := range gone {
						got[1] += len(p.Members)
					}
					return nil, failure
				})
			})
			if !errors.Is(err, failure) || got != tc.want {
				t.Errorf("%d projects go with their members, want %d; %v", got, tc.want, err)
			}
		})
	}
}

// A project that comes while the account is being removed goes with it.
func TestAProjectThatComesToAnAccountThatGoes(t *testing.T) {
	s := onPostgres(t)
	owner := testdb.Account(t, s, "owner@example.org")
	other := testdb.Account(t, s, "other@example.org")
	changes := append([][]any{{`SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE`, owner.User.ID}}, handOver(other, owner)...)
	farewells := 0
	err := meanwhile(t, s, run(t, changes...), func() error {
		return s.DeleteUser(t.Context(), owner.User.ID, func(gone []store.ProjectContent) ([]*monitor.Email, error) {
			farewells = len(gone)
			return nil, nil
		})
	})
	if err != nil || farewells != 2 {
		t.Errorf("%d projects are gone, want 2; %v", farewells, err)
	}
}

// An address that unsubscribes is not alerted through a channel that is made, or
// given the address, at that moment.
func TestAnUnsubscriptionCountsForChannelsThatAreBeingMade(t *testing.T) {
	const config = `{"address":"ops@example.org","up":true,"down":true}`
	setup := func(t *testing.T) (*store.Store, store.Account, *monitor.Channel) {
		s := onPostgres(t)
		a := testdb.Account(t, s)
		ch := &monitor.Channel{ProjectID: a.Project.ID, Kind: "email", Config: config, Verified: true}
		if err := s.CreateChannel(t.Context(), ch); err != nil {
			t.Fatal(err)
		}
		return s, a, ch
	}
	agreed := func(t *testing.T, s *store.Store, id uuid.UUID) {
		t.Helper()
		ch, err := s.ChannelByID(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if ch.Verified {
			t.Error("it is alerted")
		}
	}
	t.Run("made before", func(t *testing.T) {
		s, a, ch := setup(t)
		made := uuid.New()
		err := meanwhile(t, s, run(t,
			[]any{`SELECT 1 FROM projects WHERE id = $1 FOR NO KEY UPDATE`, a.Project.ID},
			[]any{`INSERT INTO channels (id, project_id, kind, name, config, verified, disabled, created_at) VALUES ($1, $2, 'email', '', $3, true, false, now())`,
				made, a.Project.ID, config},
		), func() error { return s.Unsubscribe(t.Context(), ch.ID) })
		if err != nil {
			t.Fatal(err)
		}
		agreed(t, s, made)
	})
	refusal := func(t *testing.T, a store.Account) func(*db.Tx) error {
		return run(t,
			[]any{`SELECT 1 FROM projects WHERE id = $1 FOR NO KEY UPDATE`, a.Project.ID},
			[]any{`INSERT INTO refusals (address, project_id, refused_at) VALUES ('ops@example.org', $1, now())`, a.Project.ID})
	}
	t.Run("made after", func(t *testing.T) {
		s, a, _ := setup(t)
		made := &monitor.Channel{ProjectID: a.Project.ID, Kind: "email", Config: config, Verified: true}
		if err := meanwhile(t, s, refusal(t, a), func() error { return s.CreateChannel(t.Context(), made) }); err != nil {
			t.Fatal(err)
		}
		agreed(t, s, made.ID)
	})
	t.Run("given the address", func(t *testing.T) {
		s, a, _ := setup(t)
		err := meanwhile(t, s, refusal(t, a), func() error {
			_, err := s.ChangeChannel(t.Context(), a.Channel.ID, func(ch *monitor.Channel) error {
				ch.Config = config
				return nil
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		agreed(t, s, a.Channel.ID)
	})
}

package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// Nothing that an account has left anywhere outlives it.
func TestAnAccountTakesEverythingAlong(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		a := testdb.Account(t, s, "gone@example.org")
		b := testdb.Account(t, s, "stays@example.org")
		for _, u := range []store.Account{a, b} {
			must(s.SaveSession(ctx, &store.Session{IDHash: u.User.ID[:], UserID: u.User.ID, Data: []byte("{}"), CreatedAt: s.Now(),
				LastUsedAt: s.Now(), ExpiresAt: s.Now().Add(time.Hour)}))
			must(s.CreateLoginToken(ctx, u.User.ID[:], u.User.ID, s.Now().Add(time.Hour)))
			must(s.CreateAccountToken(ctx, &store.AccountToken{UserID: u.User.ID, Name: "t", Hash: u.User.Email}))
			must(s.CreateWall(ctx, &store.Wall{UserID: u.User.ID, Name: "w", Projects: []store.WallProject{{ID: u.Project.ID}}}))
			must(s.BeginEmailChange(ctx, &store.EmailChange{UserID: u.User.ID, Email: "new@example.org", ExpiresAt: s.Now().Add(time.Hour)}))
			signal(t, s, u.Check, monitor.PingFail)
		}
		must(s.AddMember(ctx, a.Project.ID, b.User.ID, monitor.RoleMember))
		must(s.AddMember(ctx, b.Project.ID, a.User.ID, monitor.RoleMember))
		mail := func(id, to string, about uuid.UUID, status monitor.EmailStatus) {
			must(s.EnqueueEmail(ctx, &monitor.Email{MessageID: id, Kind: "alert", To: to, Account: about, Status: status}))
		}
		mail("alert to somebody", "ops@example.net", a.User.ID, monitor.EmailSent)
		mail("verification that waits", "ops@example.net", a.User.ID, monitor.EmailQueued)
		mail("login", "gone@example.org", uuid.Nil, monitor.EmailQueued)
		mail("old alert", "gone@example.org", b.User.ID, monitor.EmailSent)
		mail("of somebody else, that waits", "gone@example.org", b.User.ID, monitor.EmailQueued)
		mail("of somebody else", "stays@example.org", b.User.ID, monitor.EmailSent)

		var notified []string
		farewell := func(gone []store.ProjectContent) ([]*monitor.Email, error) {
			notified = nil
			for _, p := range gone {
				for _, m := range p.Members {
					notified = append(notified, p.Title()+" "+m.Email)
				}
				if p.Checks != 1 || p.Channels != 1 {
					t.Errorf("%d checks and %d channels go", p.Checks, p.Channels)
				}
			}
			return []*monitor.Email{{MessageID: "farewell", Kind: "removed", To: "stays@example.org"}}, nil
		}
		failure := errors.New("no mail can be made")
		if err := s.DeleteUser(ctx, a.User.ID, func([]store.ProjectContent) ([]*monitor.Email, error) { return nil, failure }); !errors.Is(err,
			failure) {
			t.Errorf("got %v", err)
		}
		if _, err := s.UserByID(ctx, a.User.ID); err != nil {
			t.Errorf("half done: %v", err)
		}
		must(s.DeleteUser(ctx, a.User.ID, farewell))
		diff := cmp.Diff([]string{"Operations stays@example.org"}, notified)
		if diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		for table, want := range map[string]int{
			"users": 1, "projects": 1, "checks": 1, "channels": 1, "check_channels": 1, "pings": 1, "flips": 1, "deliveries": 1,
			"sessions": 1, "login_tokens": 1, "account_tokens": 1, "walls": 1, "wall_projects": 1, "email_changes": 1, "members": 0,
		} {
			var n int
			must(s.DB().QueryRow(ctx, `SELECT count(*) FROM `+table).Scan(&n))
			if n != want {
				t.Errorf("%s has %d rows, want %d", table, n, want)
			}
		}
		mails, err := s.Emails(ctx, store.EmailFilter{})
		must(err)
		left := map[string]bool{}
		for i := range mails {
			left[mails[i].MessageID] = true
		}
		if diff := cmp.Diff(map[string]bool{"of somebody else, that waits": true, "of somebody else": true, "farewell": true}, left); diff != "" {
			t.Errorf("mails left (-want +got):\n%s", diff)
		}
	})
}

package project_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/project"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// bench is a Service with the mails that it wanted to send.
type bench struct {
	*testing.T
	*project.Service
	clock *testdb.Clock

	invites   []mail.Invite
	transfers []mail.Transfer
	security  []mail.Security
	removed   []mail.Removed
	stored    []string
	// fails is what sending a mail fails with, nil = nothing.
	fails error
}

func each(t *testing.T, test func(b *bench)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) { test(newBench(t, s, clock)) })
}

func newBench(t *testing.T, s *store.Store, clock *testdb.Clock) *bench {
	t.Helper()
	b := &bench{T: t, clock: clock}
	const root = "https://example.org/punctual"
	log := slog.New(slog.DiscardHandler)
	logins := auth.NewService(auth.Config{
		Store: s, SecretKey: "s3cret", SiteRoot: root, CheckLimit: 20, PingLogLimit: 50, Log: log,
		Mails: auth.Mails{
			Security: func(_ context.Context, v mail.Security) error {
				b.security = append(b.security, v)
				return nil
			},
			EmailChange: func(context.Context, mail.EmailChange) error { return nil },
		},
	})
	b.Service = project.NewService(project.Config{
		Store: s, Auth: logins, SiteRoot: root, Log: log,
		Mails: project.Mails{
			Invite: func(_ context.Context, v mail.Invite) error {
				b.invites = append(b.invites, v)
				return b.fails
			},
			Transfer: func(_ context.Context, v mail.Transfer) error {
				b.transfers = append(b.transfers, v)
				return b.fails
			},
			Removed: func(v mail.Removed) (*mail.Message, error) {
				b.removed = append(b.removed, v)
				m := &mail.Message{Email: monitor.Email{MessageID: v.To + v.Project, Kind: mail.KindRemoved, To: v.To, Subject: v.By}}
				return m, b.fails
			},
			Stored: func(_ context.Context, m *mail.Message) { b.stored = append(b.stored, m.To) },
		},
	})
	return b
}

var errMail = errors.New("the mail server is away")

func kindIs(t *testing.T, err error, want errs.Kind, field string) {
	t.Helper()
	if err == nil || errs.KindOf(err) != want || errs.FieldOf(err) != field {
		t.Errorf("error %v of kind %s, field %q; want kind %s, field %q", err, errs.KindOf(err), errs.FieldOf(err), want, field)
	}
}

// role is the role of the user in the project.
func (b *bench) role(user *monitor.User, p *monitor.Project) monitor.Role {
	b.Helper()
	role, err := b.Store.RoleIn(b.Context(), user.ID, p.ID)
	if err != nil {
		b.Fatal(err)
	}
	return role
}

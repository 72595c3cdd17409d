package prune_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/prune"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/templates"
)

// pruning is pruneusers on a database, with what it says, logs and mails.
type pruning struct {
	*testing.T
	s     *store.Store
	clock *testdb.Clock
	warn  *prune.Warnings
	log   bytes.Buffer
}

// newPruning has a mail server where host is not "", which nobody asks: tests say
// what became of the mails.
func newPruning(t *testing.T, s *store.Store, clock *testdb.Clock, host string) *pruning {
	t.Helper()
	sender, err := mail.NewSender(mail.Settings{Host: host, Port: 25, TLS: "none", From: "punctual@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	composer, err := mail.NewComposer(templates.FS, mail.Site{Name: "Punctual", Root: "https://p.example.org"}, "example.org")
	if err != nil {
		t.Fatal(err)
	}
	queue := mail.NewQueue(mail.QueueConfig{Outbox: s, Sender: sender, Now: s.Now, Log: slog.New(slog.DiscardHandler)})
	return &pruning{T: t, s: s, clock: clock, warn: &prune.Warnings{Composer: composer, Queue: queue, SiteRoot: "https://p.example.org"}}
}

// run prunes, after a dry run that must say the same and change nothing, and
// returns the lines without the dates.
func (p *pruning) run(removed int64) []string {
	p.Helper()
	var lines [2][]string
	for i, dry := range []bool{true, false} {
		o := prune.Options{DryRun: dry, Batch: 2, Warn: p.warn, Log: slog.New(slog.NewTextHandler(&p.log, nil)),
			Report: func(line string) { lines[i] = append(lines[i], line) }}
		r, err := prune.Users(p.Context(), p.s, o)
		if err != nil {
			p.Fatal(err)
		}
		if r.Total() != removed {
			p.Errorf("dry run %v: %s; want %d", dry, r, removed)
		}
	}
	diff := cmp.Diff(lines[0], lines[1])
	if diff != "" {
		p.Errorf("reported (-dry run +real):\n%s", diff)
	}
	slices.Sort(lines[1])
	return lines[1]
}

// became says what became of the mails that wait.
func (p *pruning) became(status monitor.EmailStatus) {
	p.Helper()
	var sent time.Time
	if status == monitor.EmailSent {
		sent = p.s.Now()
	}
	exec(p.T, p.s, `UPDATE emails SET status = $1, sent_at = $2, last_error = 'no such user' WHERE status = 'queued'`, string(status), sent)
}

func (p *pruning) there(address string) bool {
	p.Helper()
	_, err := p.s.UserByEmail(p.Context(), address)
	return err == nil
}

func account(t *testing.T, s *store.Store, name string) store.Account {
	t.Helper()
	return testdb.Account(t, s, name+"@example.org")
}

func TestUsersWarnsAWeekBeforeItRemoves(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		p := newPruning(t, s, clock, "mail.example.org")
		never := account(t, s, "never")
		left := account(t, s, "left")
		exec(t, s, `DELETE FROM checks WHERE project_id = $1`, left.Project.ID)
		if err := s.NoteLogin(t.Context(), left.User.ID); err != nil {
			t.Fatal(err)
		}
		clock.Advance(30*day + time.Microsecond)
		account(t, s, "new")

		want := []string{
			"warn left@example.org: made 2026-03-01, last logged in 2026-03-01; it may be removed a week after the mail",
			"warn never@example.org: made 2026-03-01, never logged in; it may be removed a week after the mail",
		}
		diff := cmp.Diff(want, p.run(0))
		if diff != "" {
			t.Errorf("first run (-want +got):\n%s", diff)
		}
		mails, err := s.Emails(t.Context(), store.EmailFilter{Kind: mail.KindUnused})
		if err != nil || len(mails) != 2 {
			t.Fatalf("%d warnings, %v", len(mails), err)
		}
		for _, part := range []string{"7 April 2026", "https://p.example.org/accounts/login/", "1 project"} {
			if !strings.Contains(mails[0].Text, part) || !strings.Contains(mails[0].HTML, part) {
				t.Errorf("the warning lacks %q:\n%s", part, mails[0].Text)
			}
		}

		// the mail server was away
		clock.Advance(10 * day)
		lines := p.run(0)
		if len(lines) != 2 || !strings.HasSuffix(lines[0], "the warning waits to be sent") {
			t.Errorf("unsent: %q", lines)
		}
		p.became(monitor.EmailSent)
		clock.Advance(7*day - time.Second)
		if lines := p.run(0); len(lines) != 2 || !strings.HasPrefix(lines[0], "keep left@example.org: ") ||
			!strings.Contains(lines[0], "removed from 2026-04-17 on") {
			t.Errorf("too early: %q", lines)
		}
		if _, err := prune.Emails(t.Context(), s, prune.Options{}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Second)
		// the record of the warning is needed still
		if _, err := prune.Emails(t.Context(), s, prune.Options{}); err != nil {
			t.Fatal(err)
		}
		p.log.Reset()
		want = []string{
			"remove left@example.org: made 2026-03-01, last logged in 2026-03-01, warned 2026-03-31; with it 1 project and 0 checks",
			"remove never@example.org: made 2026-03-01, never logged in, warned 2026-03-31; with it 1 project and 1 check",
		}
		if diff := cmp.Diff(want, p.run(2)); diff != "" {
			t.Errorf("last run (-want +got):\n%s", diff)
		}
		for _, address := range []string{"left@example.org", "never@example.org"} {
			if p.there(address) {
				t.Errorf("%s is still there", address)
			}
			if !strings.Contains(p.log.String(), `msg="account removed" email=`+address) {
				t.Errorf("the removal of %s is not logged:\n%s", address, p.log.String())
			}
		}
		if _, err := s.CheckByCode(t.Context(), never.Check.Code); errs.KindOf(err) != errs.NotFound {
			t.Errorf("the check of a removed account: %v", err)
		}
		mails, err = s.Emails(t.Context(), store.EmailFilter{})
		if err != nil || len(mails) != 0 {
			t.Errorf("%d mails outlive the accounts, %v", len(mails), err)
		}
		if !p.there("new@example.org") {
			t.Error("a new account is gone")
		}
	})
}

func TestUsersKeepsWhatSomebodyNeeds(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		p := newPruning(t, s, clock, "")
		change := func(a store.Account, change func(*monitor.User)) {
			t.Helper()
			_, err := s.ChangeUser(t.Context(), a.User.ID, func(u *monitor.User) error { change(u); return nil })
			if err != nil {
				t.Fatal(err)
			}
		}
		member := func(who, of store.Account) {
			t.Helper()
			if err := s.AddMember(t.Context(), of.Project.ID, who.User.ID, monitor.RoleMember); err != nil {
				t.Fatal(err)
			}
		}
		// Each was pinged once, long ago.
		for _, kind := range []monitor.PingKind{monitor.PingSuccess, monitor.PingStart, monitor.PingFail, monitor.PingLog, monitor.PingIgn} {
			ping(t, s, account(t, s, "pinged-"+string(kind)).Check.Code, kind)
		}
		cleared := account(t, s, "cleared")
		ping(t, s, cleared.Check.Code, monitor.PingSuccess)
		if err := s.ClearEvents(t.Context(), cleared.Check.Code); err != nil {
			t.Fatal(err)
		}
		operators := &monitor.User{Email: "operators@example.org", IsActive: true, TZ: "UTC", ByOperator: true}
		if err := s.CreateAccount(t.Context(), store.Account{User: operators}); err != nil {
			t.Fatal(err)
		}
		if err := s.KeepUser(t.Context(), account(t, s, "marked").User.ID); err != nil {
			t.Fatal(err)
		}
		change(account(t, s, "admin"), func(u *monitor.User) { u.IsSuperuser = true })
		change(account(t, s, "deactivated"), func(u *monitor.User) { u.IsActive = false })
		owner := account(t, s, "owner-of-a-team")
		member(account(t, s, "member"), owner)
		hasChecks := account(t, s, "has-checks")
		if err := s.NoteLogin(t.Context(), hasChecks.User.ID); err != nil {
			t.Fatal(err)
		}
		program := account(t, s, "token-in-use")
		if err := s.CreateAccountToken(t.Context(), &store.AccountToken{UserID: program.User.ID, Name: "Terraform", Hash: "h"}); err != nil {
			t.Fatal(err)
		}
		account(t, s, "nobodys")
		clock.Advance(90 * day)
		_, _, err := s.UserByToken(t.Context(), "h")
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"warn nobodys@", "remove nobodys@"} {
			lines := p.run(int64(i))
			if len(lines) != 1 || !strings.HasPrefix(lines[0], want) {
				t.Errorf("run %d: %q", i, lines)
			}
			clock.Advance(7 * day)
		}
		var left int
		if err := s.DB().QueryRow(t.Context(), `SELECT count(*) FROM users`).Scan(&left); err != nil || left != 14 {
			t.Errorf("%d accounts left, %v", left, err)
		}
	})
}

// Who comes back after a warning is warned again before anything happens.
func TestAWarningCountsForTheSleepItWasSentIn(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		p := newPruning(t, s, clock, "")
		back := account(t, s, "back")
		moved := account(t, s, "moved")
		clock.Advance(31 * day)
		lines := p.run(0)
		if len(lines) != 2 {
			t.Fatalf("%q", lines)
		}
		clock.Advance(day)
		if err := s.NoteLogin(t.Context(), back.User.ID); err != nil {
			t.Fatal(err)
		}
		exec(t, s, `DELETE FROM checks WHERE project_id = $1`, back.Project.ID)
		_, err := s.ChangeUser(t.Context(), moved.User.ID, func(u *monitor.User) error { u.Email = "elsewhere@example.org"; return nil })
		if err != nil {
			t.Fatal(err)
		}
		clock.Advance(31 * day)
		for _, line := range p.run(0) {
			if !strings.HasPrefix(line, "warn ") {
				t.Error(line)
			}
		}
		clock.Advance(7 * day)
		p.run(2)
	})
}

// A mail server that is down must not count as people who cannot be reached.
func TestAWarningThatCannotBeDelivered(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		p := newPruning(t, s, clock, "mail.example.org")
		account(t, s, "dead")
		clock.Advance(31 * day)
		for i := range 3 {
			lines := p.run(0)
			if len(lines) != 1 || !strings.HasPrefix(lines[0], "warn dead@") {
				t.Fatalf("warning %d: %q", i, lines)
			}
			p.became(monitor.EmailFailed)
			clock.Advance(time.Hour)
			if lines := p.run(0); len(lines) != 1 || !strings.HasSuffix(lines[0], "the warning could not be mailed: no such user") {
				t.Fatalf("after warning %d: %q", i, lines)
			}
			clock.Advance(7 * day)
		}
		lines := p.run(0)
		if len(lines) != 1 || !strings.Contains(lines[0], "3 warnings could not be mailed, and no other mail has been sent since") {
			t.Fatalf("%q", lines)
		}
		other := &monitor.Email{MessageID: "other", Kind: "login", To: "x@example.org", Status: monitor.EmailSent, SentAt: s.Now()}
		if err := s.EnqueueEmail(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		if lines := p.run(1); len(lines) != 1 || !strings.HasPrefix(lines[0], "remove dead@") {
			t.Fatalf("%q", lines)
		}
	})
}

// A command that does not know the mail server keeps its warnings; nobody reads them.
func TestAWarningKeptBesideAMailServerDoesNotCount(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		p := newPruning(t, s, clock, "")
		account(t, s, "sleeper")
		clock.Advance(31 * day)
		p.run(0)
		clock.Advance(8 * day)
		other := &monitor.Email{MessageID: "other", Kind: "login", To: "x@example.org", Status: monitor.EmailSent, SentAt: s.Now()}
		if err := s.EnqueueEmail(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		lines := p.run(0)
		if len(lines) != 1 || !strings.HasSuffix(lines[0], "knows no mail server") {
			t.Errorf("%q", lines)
		}
	})
}

// Without somebody who mails, nobody is removed.
func TestUsersWithoutWarningsRemovesNobody(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		account(t, s, "never")
		clock.Advance(90 * day)
		r, err := prune.Users(t.Context(), s, prune.Options{})
		if err != nil || r.Total() != 0 {
			t.Errorf("%s, %v", r, err)
		}
	})
}

// The first ping may come between the look and the removal.
func TestAnAccountPingedAtTheLastMomentStays(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		p := newPruning(t, s, clock, "")
		a := account(t, s, "late")
		clock.Advance(31 * day)
		p.run(0)
		clock.Advance(7 * day)
		before := s.Now().Add(-30 * day)
		users, err := s.StaleUsers(t.Context(), before, uuid.Nil, 10)
		if err != nil || len(users) != 1 {
			t.Fatalf("%v, %v", users, err)
		}
		ping(t, s, a.Check.Code, monitor.PingStart)
		gone, err := s.DeleteStaleUser(t.Context(), before, &users[0])
		if gone || err != nil {
			t.Errorf("removed %v, %v", gone, err)
		}
		lines := p.run(0)
		if len(lines) != 0 {
			t.Errorf("%q", lines)
		}
		var notices int
		if err := s.DB().QueryRow(t.Context(), `SELECT count(*) FROM removal_notices`).Scan(&notices); err != nil || notices != 0 {
			t.Errorf("%d warnings are remembered, %v", notices, err)
		}
	})
}

// Many accounts are gone through in batches, each once.
func TestUsersGoesThroughAll(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		p := newPruning(t, s, clock, "")
		for i := range 5 {
			account(t, s, fmt.Sprintf("u%d", i))
		}
		clock.Advance(31 * day)
		lines := p.run(0)
		if len(lines) != 5 {
			t.Errorf("%q", lines)
		}
		clock.Advance(7 * day)
		if lines := p.run(5); len(lines) != 5 {
			t.Errorf("%q", lines)
		}
	})
}

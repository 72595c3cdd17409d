package auth_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/logs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// eachWithMails gives the test the mails about the ways into accounts, in sentences.
func eachWithMails(t *testing.T, test func(b *bench, mails *[]string)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		var mails []string
		test(newBench(t, s, clock, func(c *auth.Config) {
			c.SiteName = "Punctual"
			c.Mails.Security = func(_ context.Context, v mail.Security) error { mails = append(mails, v.Done); return nil }
			c.Mails.TwoFactor = func(_ context.Context, v mail.TwoFactor) error { mails = append(mails, v.Done); return nil }
		}), &mails)
	})
}

func lastIs(b *bench, mails *[]string, want string) {
	b.Helper()
	n := len(*mails)
	if n == 0 || !strings.Contains((*mails)[n-1], want) {
		b.Errorf("mailed %q, the last is to say %q", *mails, want)
	}
}

func TestTokensOpenUntilTheyAreRevoked(t *testing.T) {
	eachWithMails(t, func(b *bench, mails *[]string) {
		a := testdb.Account(b.T, b.Store)
		other := testdb.Account(b.T, b.Store, "other@example.org")
		for _, name := range []string{"", " \t", strings.Repeat("x", monitor.MaxTokenName+1), "a\x00"} {
			_, _, err := b.CreateToken(b.Context(), a.User, name, false, "")
			kindIs(b.T, err, errs.Invalid, "name")
		}
		made, token, err := b.CreateToken(b.Context(), a.User, " Terra \n form ", true, "192.0.2.1")
		if err != nil || made.Name != "Terra form" || !made.Readonly {
			b.Fatalf("%+v, %v", made, err)
		}
		lastIs(b, mails, "“Terra form” was created. It may read everything")
		hint := auth.TokenHint(made)
		if !strings.HasPrefix(token, hint) || len(hint) != len("hca_")+4 {
			b.Errorf("the hint is %q", hint)
		}
		if found, user, err := b.TokenUser(b.Context(), token); err != nil || found.ID != made.ID || user.ID != a.User.ID {
			b.Errorf("the token opens %+v of %+v, %v", found, user, err)
		}
		for _, no := range []string{"", auth.NewAPIKey(false), auth.NewToken(), token[:len(token)-1]} {
			_, _, err := b.TokenUser(b.Context(), no)
			kindIs(b.T, err, errs.NotFound, "")
		}
		kindIs(b.T, b.RevokeToken(b.Context(), other.User, made.ID, ""), errs.NotFound, "")
		if err := b.RevokeToken(b.Context(), a.User, made.ID, ""); err != nil {
			b.Fatal(err)
		}
		lastIs(b, mails, "“Terra form” was revoked")
		_, _, err = b.TokenUser(b.Context(), token)
		kindIs(b.T, err, errs.NotFound, "")
	})
}

func TestLoggingOutEverywhere(t *testing.T) {
	eachWithMails(t, func(b *bench, mails *[]string) {
		a := testdb.Account(b.T, b.Store)
		now := b.Store.Now()
		for _, id := range []string{"here", "elsewhere"} {
			session := &store.Session{
				IDHash:     []byte(id),
				UserID:     a.User.ID,
				Data:       []byte("{}"),
				CreatedAt:  now,
				LastUsedAt: now,
				ExpiresAt:  now.Add(time.Hour),
			}
			if err := b.Store.SaveSession(b.Context(), session); err != nil {
				b.Fatal(err)
			}
		}
		tokens := func(n int) {
			b.Helper()
			for range n {
				_, _, err := b.CreateToken(b.Context(), a.User, "robot", false, "")
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		tokens(1)
		*mails = nil
		ended, err := b.LogOutEverywhere(b.Context(), a.User, auth.By{Keep: store.Access{Session: []byte("here"), Tokens: true}})
		if err != nil || ended.Sessions != 1 || ended.Tokens != 0 || len(*mails) != 0 {
			b.Errorf("tokens kept: %+v, %v, mailed %q", ended, err, *mails)
		}
		ended, err = b.LogOutEverywhere(b.Context(), a.User, auth.By{Keep: store.Access{Session: []byte("here")}})
		if err != nil || ended.Sessions != 0 || ended.Tokens != 1 {
			b.Errorf("%+v, %v", ended, err)
		}
		lastIs(b, mails, "You were logged out everywhere. The account token was revoked.")
		tokens(2)
		if _, err := b.LogOutEverywhere(b.Context(), a.User, auth.By{}); err != nil {
			b.Error(err)
		}
		lastIs(b, mails, "All 2 account tokens were revoked.")
		if sessions, err := b.Store.SessionsOf(b.Context(), a.User.ID); err != nil || len(sessions) != 0 {
			b.Errorf("%d sessions are left, %v", len(sessions), err)
		}
		tokens(1)
		if _, err := b.SetPassword(b.Context(), a.User, "correct horse", auth.By{}); err != nil {
			b.Error(err)
		}
		lastIs(b, mails, "A password was set. The account token was revoked.")
	})
}

// What was done is done, also where the mail about it cannot be sent.
func TestAMailThatFailsUndoesNothing(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		var log strings.Builder
		b := newBench(t, s, clock, func(c *auth.Config) {
			c.Log = slog.New(slog.NewTextHandler(&log, nil))
			c.Mails.Security = func(context.Context, mail.Security) error { return context.DeadlineExceeded }
		})
		a := testdb.Account(t, s)
		_, _, err := b.CreateToken(t.Context(), a.User, "robot", false, "")
		if err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("logged %s", log.String())
		}
	})
}

func TestWhoIsNamedInMails(t *testing.T) {
	user := &monitor.User{Email: "jane@example.org"}
	got := auth.Actor(t.Context(), user)
	if got != "jane@example.org" {
		t.Error(got)
	}
	ctx := logs.WithEvent(t.Context(), &logs.Event{Superuser: "root@example.org"})
	if got := auth.Actor(ctx, user); got != "jane@example.org (the superuser root@example.org in their name)" {
		t.Error(got)
	}
}

// Somebody who is new is logged in once; the link that does it is good for nobody else.
func TestANewUserIsLoggedIn(t *testing.T) {
	each(t, func(b *bench) {
		account := b.NewAccount("new@example.org", "Mars/Olympus")
		if err := b.Store.CreateAccount(b.Context(), account); err != nil {
			b.Fatal(err)
		}
		user, err := b.LogInNew(b.Context(), account.User)
		if err != nil || user.TZ != "UTC" {
			b.Fatalf("%+v, %v", user, err)
		}
		if stored, err := b.Store.UserByID(b.Context(), user.ID); err != nil || stored.LastLoginAt.IsZero() {
			b.Errorf("%+v, %v", stored, err)
		}
		if err := b.Deactivate(b.Context(), user.ID); err != nil {
			b.Fatal(err)
		}
		_, err = b.LogInNew(b.Context(), user)
		kindIs(b.T, err, errs.Unauthorized, "")
	})
}

func TestInvitationsOfAUserAreLimitedUntilTheyAreGone(t *testing.T) {
	each(t, func(b *bench) {
		user := &monitor.User{ID: uuid.New(), Email: "jane@example.org"}
		for i := range 20 {
			if err := b.MayInvite(b.Context(), user); err != nil {
				b.Fatalf("invitation %d: %v", i, err)
			}
		}
		kindIs(b.T, b.MayInvite(b.Context(), user), errs.TooMany, "")
		b.ForgetLimits(b.Context(), user)
		if err := b.MayInvite(b.Context(), user); err != nil {
			b.Error(err)
		}
	})
}

func TestTokensOfTheSettings(t *testing.T) {
	tokens := []string{"one", "two", ""}
	for given, want := range map[string]bool{"one": true, "two": true, "": false, "three": false, "on": false, "one ": false} {
		got := auth.TokenIn(given, tokens)
		if got != want {
			t.Errorf("%q: %t", given, got)
		}
	}
}

func TestKeyHints(t *testing.T) {
	key := auth.NewAPIKey(false)
	stored := auth.KeyHash("secret", key)
	for _, c := range []struct {
		stored   string
		readonly bool
		want     string
	}{
		{stored, false, "hcw_" + key[4:8]},
		{stored, true, "hcr_" + key[4:8]},
		{strings.Repeat("abcd", 8), false, "abcd"},
		{"", false, ""},
		{"short", false, ""},
	} {
		got := auth.KeyHint(c.stored, c.readonly)
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.stored, got, c.want)
		}
	}
}

// A log-in that stands half-way ends with the password, and with the address.
func TestTheFirstStepIsMarked(t *testing.T) {
	user := monitor.User{Email: "jane@example.org", PasswordHash: "a"}
	mark := auth.FirstStepMark(&user)
	other := user
	other.PasswordHash = "b"
	moved := user
	moved.Email = "j@example.org"
	for _, changed := range []*monitor.User{&other, &moved} {
		if auth.FirstStepMark(changed) == mark {
			t.Errorf("%+v has the same mark", changed)
		}
	}
	again := user
	if auth.FirstStepMark(&again) != mark {
		t.Error("the mark changes by itself")
	}
}

func TestLinksThatEndReports(t *testing.T) {
	signer := auth.NewSigner("secret")
	user := uuid.New()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	path := signer.UnsubscribeReportsPath(user, at)
	signed := strings.TrimSuffix(strings.TrimPrefix(path, "/accounts/unsubscribe_reports/"), "/")
	got, when, ok := signer.OpenUnsubscribeReports(signed)
	if !ok || got != user || !when.Equal(at) {
		t.Errorf("%s: %v, %v, %t", path, got, when, ok)
	}
	if got, _, ok := auth.NewSigner("new", "secret").OpenUnsubscribeReports(signed); !ok || got != user {
		t.Errorf("with the former key: %v, %t", got, ok)
	}
	for _, bad := range []string{"", "x", ".", strings.Replace(signed, ".", "", 1), uuid.NewString() + signed[36:], signed + "x"} {
		_, _, ok := signer.OpenUnsubscribeReports(bad)
		if ok {
			t.Errorf("%q is taken for ours", bad)
		}
	}
}

package auth_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/channel"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
)

// An address that has agreed to nothing gets ten mails an hour, whoever causes
// them and however it is spelt, and its own login links come all the same.
func TestMailToAStrangerIsLimited(t *testing.T) {
	each(t, func(b *bench) {
		for i := range auth.MailsPerAddress {
			if err := b.MayMail(b.Context(), fmt.Sprintf("vic.tim+%d@example.org", i)); err != nil {
				b.Fatalf("mail %d: %v", i, err)
			}
		}
		kindIs(b.T, b.MayMail(b.Context(), "victim@example.org"), errs.TooMany, "")
		if err := b.MayMail(b.Context(), "other@example.org"); err != nil {
			b.Errorf("another address: %v", err)
		}
		_, err := b.RequestLogin(b.Context(), auth.LoginRequest{Identity: "victim@example.org", Origin: auth.Origin{IP: "192.0.2.7"}})
		if err != nil {
			b.Errorf("a login link: %v", err)
		}
		user := &monitor.User{ID: uuid.New(), Email: "sender@example.org"}
		kindIs(b.T, b.BeginEmailChange(b.Context(), user, "victim@example.org"), errs.TooMany, "")
		addresses := &channel.Service{Store: b.Store, Signer: auth.NewSigner(b.SecretKey), Verify: true, Log: slog.New(slog.DiscardHandler)}
		channel := &monitor.Channel{Kind: "email", Config: `{"address":"victim@example.org"}`}
		kindIs(b.T, addresses.MayAsk(b.Context(), channel, user), errs.TooMany, "")
		channel.ID = uuid.New()
		channel.ProjectID = uuid.New()
		kindIs(b.T, b.MayTest(b.Context(), channel), errs.TooMany, "")
	})
}

// Who reads the database must not learn from the rate limits whose they are, not even
// by trying addresses: the names of all of them change with the secret key.
func TestRateLimitsDoNotRevealWhoseTheyAre(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		names := func(key string) map[string]bool {
			other := newBench(b.T, b.Store, b.clock, func(c *auth.Config) { c.SecretKey = key })
			asks := &channel.Service{Store: b.Store, Signer: auth.NewSigner(key), Verify: true, Log: slog.New(slog.DiscardHandler)}
			ch := &monitor.Channel{ID: uuid.New(), ProjectID: a.Project.ID, Kind: "email", Config: `{"address":"ops@example.org"}`}
			_, wrongErr := other.RequestLogin(b.Context(), auth.LoginRequest{Identity: a.User.Email, Origin: auth.Origin{IP: "192.0.2.7"}})
			for _, err := range []error{asks.MayAsk(b.Context(), ch, a.User), other.MayTest(b.Context(), ch), wrongErr} {
				if err != nil {
					b.Fatal(err)
				}
			}
			other.Wait(b.Context())
			rows, err := b.Store.DB().Query(b.Context(), `SELECT key FROM rate_limits`)
			if err != nil {
				b.Fatal(err)
			}
			defer rows.Close()
			found := map[string]bool{}
			for rows.Next() {
				var name string
				if err := rows.Scan(&name); err != nil {
					b.Fatal(err)
				}
				found[name] = true
			}
			if err := rows.Err(); err != nil {
				b.Fatal(err)
			}
			return found
		}
		ch := &monitor.Channel{ProjectID: a.Project.ID, Kind: "email", Config: `{"address":"ops@example.org"}`}
		if err := b.Store.CreateChannel(b.Context(), ch); err != nil {
			b.Fatal(err)
		}
		if err := b.Store.Unsubscribe(b.Context(), ch.ID); err != nil {
			b.Fatal(err)
		}
		first := names("the one secret key")
		both := names("the other secret key")
		if len(first) < 6 || len(both) != 2*len(first) {
			b.Errorf("under one key %v, under two %v", first, both)
		}
	})
}

// Each limit says in its own words what there was too much of.
func TestMailLimitsNameWhatTheyLimit(t *testing.T) {
	each(t, func(b *bench) {
		user := &monitor.User{ID: uuid.New(), Email: "sender@example.org"}
		addresses := &channel.Service{Store: b.Store, Signer: auth.NewSigner(b.SecretKey), Verify: true, Log: slog.New(slog.DiscardHandler)}
		refused := func(of string, do func(i int) error, want string) {
			b.Helper()
			for i := range 100 {
				err := do(i)
				if err == nil {
					continue
				}
				if errs.KindOf(err) != errs.TooMany || !strings.HasPrefix(errs.Message(err), want) || errs.RetryAfterOf(err) <= 0 {
					b.Errorf("%s: %v, try again in %s", of, err, errs.RetryAfterOf(err))
				}
				return
			}
			b.Errorf("%s are not limited", of)
		}
		refused("mails to one address", func(int) error { return b.MayMail(b.Context(), "a@example.org") }, "This address has had many mails")
		refused("questions of one user", func(i int) error {
			return addresses.MayAsk(b.Context(), &monitor.Channel{Kind: "email", Config: fmt.Sprintf(`{"address":"%d@example.org"}`, i)}, user)
		}, "You have had many addresses asked today")
		hook := &monitor.Channel{ID: uuid.New(), ProjectID: uuid.New(), Kind: "webhook"}
		refused("tests", func(int) error { return b.MayTest(b.Context(), hook) }, "Too many tests.")
	})
}

func TestTestsOfAChannelAreLimited(t *testing.T) {
	each(t, func(b *bench) {
		project := uuid.New()
		channel := &monitor.Channel{ID: uuid.New(), ProjectID: project, Kind: "webhook"}
		sent := 0
		for range 20 {
			err := b.MayTest(b.Context(), channel)
			if err == nil {
				sent++
			} else if errs.KindOf(err) != errs.TooMany || errs.RetryAfterOf(err) > time.Minute {
				b.Fatal(err)
			}
		}
		if sent != 10 {
			b.Errorf("%d tests of a channel, want 10", sent)
		}
		for range 100 {
			if b.MayTest(b.Context(), &monitor.Channel{ID: uuid.New(), ProjectID: project, Kind: "webhook"}) == nil {
				sent++
			}
		}
		if sent != 60 {
			b.Errorf("%d tests of a project, want 60", sent)
		}
	})
}

// A site that does not ask takes the address of somebody else as it is.
func TestASiteThatDoesNotAskVouches(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		for _, asks := range []bool{false, true} {
			asked := 0
			addresses := &channel.Service{Store: b.Store, Signer: auth.NewSigner(b.SecretKey), Verify: asks, Log: slog.New(slog.DiscardHandler)}
			addresses.Send = func(context.Context, mail.Verify) error {
				asked++
				return nil
			}
			ch := &monitor.Channel{ProjectID: a.Project.ID, Kind: "email", Config: `{"address":"ops@example.org"}`}
			if err := addresses.Create(b.Context(), ch, a.Project, a.User); err != nil {
				b.Fatal(err)
			}
			if ch.Verified == asks || asked > 0 != asks {
				b.Errorf("the site asks %v: verified %v, asked %d times", asks, ch.Verified, asked)
			}
		}
	})
}

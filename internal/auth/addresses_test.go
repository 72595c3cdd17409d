package auth_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/channel"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
)

// eachAsking gives the test a site that asks addresses, and what it has asked.
func eachAsking(t *testing.T, test func(b *bench, addresses *channel.Service, asked *[]mail.Verify)) {
	t.Helper()
	each(t, func(b *bench) {
		var asked []mail.Verify
		test(b, &channel.Service{
			Log:   slog.New(slog.DiscardHandler),
			Store: b.Store, Signer: auth.NewSigner(b.SecretKey), SiteRoot: b.SiteRoot, Verify: true,
			Send: func(_ context.Context, v mail.Verify) error { asked = append(asked, v); return nil },
		}, &asked)
	})
}

func emailTo(address string) string { return `{"address":"` + address + `","up":true,"down":true}` }

// signature is the last part of the link in a question.
func signature(v mail.Verify) string {
	parts := strings.Split(strings.TrimSuffix(v.Link, "/"), "/")
	return parts[len(parts)-1]
}

func TestAnAddressThatChangesIsAskedAnew(t *testing.T) {
	eachAsking(t, func(b *bench, addresses *channel.Service, asked *[]mail.Verify) {
		a := testdb.Account(b.T, b.Store)
		ch := &monitor.Channel{ProjectID: a.Project.ID, Kind: "email", Config: emailTo("ops@example.org")}
		if err := addresses.Create(b.Context(), ch, a.Project, a.User); err != nil {
			b.Fatal(err)
		}
		if len(*asked) != 1 || (*asked)[0].To != "ops@example.org" || ch.Verified {
			b.Fatalf("asked %+v, verified %t", *asked, ch.Verified)
		}
		if !addresses.Agreed(ch, signature((*asked)[0])) || addresses.Agreed(ch, "x") {
			b.Error("the signature of the question")
		}
		change := func(apply func(*monitor.Channel) error) (*monitor.Channel, bool, error) {
			now, err := b.Store.ChannelByID(b.Context(), ch.ID)
			if err != nil {
				b.Fatal(err)
			}
			return addresses.Change(b.Context(), channel.Edit{Channel: now, Project: a.Project, User: a.User, Apply: apply})
		}
		renamed, again, err := change(func(c *monitor.Channel) error { c.Name = "Night shift"; return nil })
		if err != nil || again || renamed.Name != "Night shift" {
			b.Errorf("another name: %+v, asked %t, %v", renamed, again, err)
		}
		moved, again, err := change(func(c *monitor.Channel) error { c.Config = emailTo("new@example.org"); return nil })
		if err != nil || !again || moved.Verified || len(*asked) != 2 || (*asked)[1].To != "new@example.org" {
			b.Errorf("another address: %+v, asked %t, %v", moved, again, err)
		}
		if addresses.Agreed(moved, signature((*asked)[0])) {
			b.Error("the consent of the former address counts for the new one")
		}
		// Their own address need not be asked.
		own, again, err := change(func(c *monitor.Channel) error { c.Config = emailTo(a.User.Email); return nil })
		if err != nil || again || !own.Verified {
			b.Errorf("the own address: %+v, asked %t, %v", own, again, err)
		}
		if _, _, err := change(func(*monitor.Channel) error { return errs.Invalidf("name", "no") }); errs.KindOf(err) != errs.Invalid {
			b.Errorf("a change that fails: %v", err)
		}
		gone := channel.Edit{
			Channel: &monitor.Channel{ID: uuid.New(), Kind: "email", Config: emailTo(a.User.Email)},
			User:    a.User,
			Apply:   func(*monitor.Channel) error { return nil },
		}
		_, _, err = addresses.Change(b.Context(), gone)
		kindIs(b.T, err, errs.NotFound, "")
	})
}

// An address that has unsubscribed is asked once a day, whoever wants it back.
func TestAnAddressThatHasUnsubscribedIsAskedOnceADay(t *testing.T) {
	eachAsking(t, func(b *bench, addresses *channel.Service, asked *[]mail.Verify) {
		a := testdb.Account(b.T, b.Store)
		ch := &monitor.Channel{ProjectID: a.Project.ID, Kind: "email", Config: emailTo("ops@example.org")}
		if err := addresses.Create(b.Context(), ch, a.Project, a.User); err != nil {
			b.Fatal(err)
		}
		before := signature((*asked)[0])
		if err := b.Store.Unsubscribe(b.Context(), ch.ID); err != nil {
			b.Fatal(err)
		}
		switchOn := func() (*monitor.Channel, bool) {
			b.Helper()
			now, err := b.Store.ChannelByID(b.Context(), ch.ID)
			if err != nil {
				b.Fatal(err)
			}
			ch, again, err := addresses.Change(b.Context(), channel.Edit{
				Channel:  now,
				Project:  a.Project,
				User:     a.User,
				Apply:    func(*monitor.Channel) error { return nil },
				SwitchOn: true,
			})
			if err != nil {
				b.Fatal(err)
			}
			return ch, again
		}
		now, again := switchOn()
		if !again || len(*asked) != 2 {
			b.Errorf("asked %t, %d mails", again, len(*asked))
		}
		if addresses.Agreed(now, before) || !addresses.Agreed(now, signature((*asked)[1])) {
			b.Error("a consent from before unsubscribing counts, or the new one does not")
		}
		if _, again := switchOn(); again || len(*asked) != 2 {
			b.Errorf("within the day: asked %t, %d mails", again, len(*asked))
		}
		another := &monitor.Channel{ProjectID: a.Project.ID, Kind: "email", Config: emailTo("ops@example.org")}
		kindIs(b.T, addresses.Create(b.Context(), another, a.Project, a.User), errs.TooMany, "")
	})
}

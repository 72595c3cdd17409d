package channel_test

import (
	"bytes"
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
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// site is a service with an account on a store, and what it mailed and logged.
type site struct {
	*channel.Service
	account store.Account
	asked   []mail.Verify
	log     bytes.Buffer
}

func each(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, st *store.Store, _ *testdb.Clock) {
		s := &site{account: testdb.Account(t, st)}
		s.Service = &channel.Service{
			Store: st, Signer: auth.NewSigner("secret"), SiteRoot: "https://punctual.example.org", Verify: true,
			Log: slog.New(slog.NewTextHandler(&s.log, nil)),
			Send: func(_ context.Context, v mail.Verify) error {
				s.asked = append(s.asked, v)
				return nil
			},
		}
		test(t, s)
	})
}

// mailTo makes a channel to an address.
func (s *site) mailTo(t *testing.T, address string) *monitor.Channel {
	t.Helper()
	ch := &monitor.Channel{ProjectID: s.account.Project.ID, Kind: "email", Config: `{"address":"` + address + `","up":true,"down":true}`}
	if err := s.Create(t.Context(), ch, s.account.Project, s.account.User); err != nil {
		t.Fatal(err)
	}
	return ch
}

// sig is the end of the link in the question that was mailed last.
func (s *site) sig() string {
	link := s.asked[len(s.asked)-1].Link
	parts := strings.Split(strings.Trim(link, "/"), "/")
	return parts[len(parts)-1]
}

func TestAnAddressIsAskedAndAgrees(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		own := s.mailTo(t, strings.ToUpper(s.account.User.Email))
		ch := s.mailTo(t, "ops@example.net")
		if !own.Verified || ch.Verified || len(s.asked) != 1 || s.asked[0].To != "ops@example.net" {
			t.Fatalf("own %v, other %v, asked %+v", own.Verified, ch.Verified, s.asked)
		}
		first := s.sig()
		if err := s.AskAgain(t.Context(), ch, s.account.Project, s.account.User); err != nil || len(s.asked) != 2 {
			t.Errorf("asked %d times, %v", len(s.asked), err)
		}
		if _, err := s.Agree(t.Context(), ch, "wrong"); errs.KindOf(err) != errs.NotFound {
			t.Errorf("with a wrong signature: %v", err)
		}
		agreed, err := s.Agree(t.Context(), ch, first)
		if err != nil || !agreed.Verified {
			t.Fatalf("%+v, %v", agreed, err)
		}
		if err := s.AskAgain(t.Context(), agreed, s.account.Project, s.account.User); err != nil || len(s.asked) != 2 {
			t.Errorf("one that has agreed was asked: %d times, %v", len(s.asked), err)
		}
		if err := s.Unsubscribe(t.Context(), agreed); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Agree(t.Context(), ch, first); errs.KindOf(err) != errs.NotFound {
			t.Errorf("an old question ends that it has unsubscribed: %v", err)
		}
	})
}

func TestAnotherAddressIsAskedAnew(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		ch := s.mailTo(t, s.account.User.Email)
		edit := channel.Edit{Channel: ch, Project: s.account.Project, User: s.account.User, Apply: func(now *monitor.Channel) error {
			now.Config = `{"address":"night@example.net","up":true,"down":true}`
			return nil
		}}
		changed, asked, err := s.Change(t.Context(), edit)
		if err != nil || !asked || changed.Verified || len(s.asked) != 1 {
			t.Errorf("verified %v, asked %v, %v", changed.Verified, asked, err)
		}
	})
}

func TestNamesHaveALimitThatOldOnesMayExceed(t *testing.T) {
	long := strings.Repeat("n", monitor.MaxChannelName+1)
	ch := &monitor.Channel{Name: "before"}
	if err := channel.SetName(ch, " "+long[1:]+" "); err != nil || ch.Name != long[1:] {
		t.Errorf("%q, %v", ch.Name, err)
	}
	if err := channel.SetName(ch, long); errs.FieldOf(err) != "name" {
		t.Errorf("too long: %v", err)
	}
	if err := channel.SetName(&monitor.Channel{Name: long}, long); err != nil {
		t.Errorf("as it was: %v", err)
	}
}

func TestAChannelIsRenamedAndRemoved(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		ch := s.mailTo(t, s.account.User.Email)
		if err := s.Rename(t.Context(), ch, " Night shift "); err != nil {
			t.Fatal(err)
		}
		now, err := s.Store.ChannelByID(t.Context(), ch.ID)
		if err != nil || now.Name != "Night shift" {
			t.Errorf("%+v, %v", now, err)
		}
		if err := s.Remove(t.Context(), ch); err != nil {
			t.Fatal(err)
		}
		if err := s.Rename(t.Context(), ch, "gone"); errs.KindOf(err) != errs.NotFound {
			t.Errorf("of one that is gone: %v", err)
		}
		for _, message := range []string{"channel made", "channel changed", "channel removed"} {
			if !strings.Contains(s.log.String(), message) || strings.Contains(s.log.String(), s.account.User.Email) {
				t.Errorf("%q is not logged, or too much is: %s", message, &s.log)
			}
		}
	})
}

func TestAChannelIsGivenItsChecks(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		ch := s.mailTo(t, s.account.User.Email)
		check := s.account.Check.Code
		stranger := uuid.NewString()
		for name, tc := range map[string]struct {
			choice channel.Choice
			want   int
			err    errs.Kind
		}{
			"all":                 {channel.Choice{All: true}, 1, errs.Internal},
			"none":                {channel.Choice{}, 0, errs.Internal},
			"one twice":           {channel.Choice{Codes: []string{check.String(), strings.ToUpper(check.String())}}, 1, errs.Internal},
			"a stranger":          {channel.Choice{Codes: []string{stranger, check.String()}}, 1, errs.Internal},
			"a stranger, refused": {channel.Choice{Codes: []string{stranger}, Strict: true}, 0, errs.Invalid},
		} {
			n, err := s.Assign(t.Context(), ch, tc.choice)
			if n != tc.want || (err != nil) != (tc.err == errs.Invalid) || err != nil && errs.FieldOf(err) != "checks" {
				t.Errorf("%s: %d, %v", name, n, err)
			}
		}
	})
}

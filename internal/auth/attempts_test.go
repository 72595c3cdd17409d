package auth_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"punctual/internal/auth"
	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// guess tries wrong passwords until it may not any more, and returns how many.
func (b *bench) guess(address string, from auth.Origin) (n int) {
	b.Helper()
	for ; n < 1000; n++ {
		_, err := b.LoginByPassword(b.Context(), address, "guess", from)
		if errs.KindOf(err) == errs.TooMany {
			if !strings.Contains(errs.Message(err), "Too many attempts") {
				b.Error(err)
			}
			return n
		}
		kindIs(b.T, err, errs.Invalid, "password")
	}
	return n
}

// Whoever guesses is stopped, but the owner is not locked out by it: not where
// they have logged in before, not from elsewhere, and a link always works.
func TestGuessingPasswordsStopsWhoGuessesAndLocksNobodyOut(t *testing.T) {
	each(t, func(b *bench) {
		const address, password = "root@example.org", "correct horse"
		if _, err := b.CreateSuperuser(b.Context(), address, password); err != nil {
			b.Fatal(err)
		}
		office := auth.Origin{IP: "192.0.2.1"}
		home := auth.Origin{IP: "198.51.100.1"}
		user, err := b.LoginByPassword(b.Context(), address, password, office)
		if err != nil {
			b.Fatal(err)
		}
		known := auth.Origin{IP: office.IP, Device: b.DeviceMark("", user)}
		in := func(from auth.Origin) bool {
			b.Helper()
			_, err := b.LoginByPassword(b.Context(), address, password, from)
			if err != nil {
				kindIs(b.T, err, errs.TooMany, "")
			}
			return err == nil
		}

		// Somebody in the same network uses its share up.
		n := b.guess(address, office)
		if n > 20 {
			b.Errorf("%d guesses in an hour from one network", n)
		}
		if in(office) {
			b.Error("the network that guesses may go on")
		}
		if !in(known) || !in(home) {
			b.Error("the owner is locked out")
		}
		// Others may log in from there, to other accounts, once the hour is over.
		b.clock.Advance(time.Hour)
		if n := b.guess(address, office); n > 2 {
			b.Errorf("%d more guesses in a day from one network", n)
		}
		if n := b.guess("other@example.org", office); n == 0 {
			b.Error("others cannot log in any more")
		}

		// And then many networks.
		guesses := 0
		for i := range 20 {
			guesses += b.guess(address, auth.Origin{IP: fmt.Sprintf("203.0.113.%d", i)})
		}
		if guesses > 100 {
			b.Errorf("%d guesses from many networks in a day", guesses)
		}
		if in(auth.Origin{IP: "203.0.113.200"}) {
			b.Error("guessing from many networks does not end")
		}
		if !in(known) {
			b.Error("the owner is locked out where they have logged in before")
		}
		if b.ask(address, func(q *auth.LoginRequest) { q.Origin = auth.Origin{IP: "203.0.113.200"} }); len(b.sent) != 1 {
			b.Error("no link is mailed")
		}

		// The mark is of this address only, and neither forged nor for ever.
		other := *user
		other.Email = "other@example.org"
		for what, device := range map[string]string{
			"of somebody else": b.DeviceMark("", &other), "forged": known.Device + "A", "none": "x", "nothing": "..",
		} {
			if in(auth.Origin{IP: "203.0.113.200", Device: device}) {
				b.Errorf("a mark that is %s counts", what)
			}
		}
		if n := b.guess(address, known); n > 20 {
			b.Errorf("%d guesses with the mark", n)
		}
		again := b.DeviceMark(known.Device, user)
		if b.guess(address, auth.Origin{IP: home.IP, Device: again}) != 0 {
			b.Error("a renewed mark has attempts of its own")
		}
	})
}

// The same for links: whoever asks for many does not keep the owner from one.
func TestAskingForLinksLocksNobodyOut(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store, "jane@example.org")
		known := auth.Origin{IP: "192.0.2.1", Device: b.DeviceMark("", a.User)}
		ask := func(from auth.Origin) error {
			_, err := b.RequestLogin(b.Context(), auth.LoginRequest{Identity: a.User.Email, Origin: from})
			return err
		}
		for i := range 10 {
			if err := ask(auth.Origin{IP: fmt.Sprintf("203.0.113.%d", i)}); err != nil {
				b.Fatal(err)
			}
		}
		err := ask(auth.Origin{IP: "198.51.100.1"})
		kindIs(b.T, err, errs.TooMany, "")
		if !strings.Contains(errs.Message(err), "use the newest of them") {
			b.Error(err)
		}
		if err := ask(known); err != nil {
			b.Errorf("the owner is locked out: %v", err)
		}
		// The links that were mailed work: the owner has them.
		b.Wait(b.Context())
		id, token, _ := b.link()
		if _, err := b.UseLink(b.Context(), id, token); err != nil {
			b.Error(err)
		}
		// Nor does somebody who would like to have the address.
		thief := testdb.Account(b.T, b.Store, "thief@example.org")
		b.Mails.EmailChange = func(context.Context, mail.EmailChange) error { return nil }
		b.clock.Advance(2 * time.Hour)
		for range 10 {
			if err := b.BeginEmailChange(b.Context(), thief.User, a.User.Email); err != nil {
				b.Fatal(err)
			}
		}
		if err := ask(auth.Origin{IP: "198.51.100.1"}); err != nil {
			b.Errorf("locked out by changes of address: %v", err)
		}
	})
}

// Links to aliases of a mailbox, or to other spellings of its domain, do not keep
// its owner out; but there is no end of spellings, and of mails there is.
func TestAliasesDoNotKeepTheOwnerOut(t *testing.T) {
	each(t, func(b *bench) {
		n := 0
		ask := func(address string) error {
			n++
			_, err := b.RequestLogin(b.Context(), auth.LoginRequest{Identity: address, Origin: auth.Origin{IP: fmt.Sprintf("203.0.113.%d", n)}})
			return err
		}
		for i := range 10 {
			if err := ask(fmt.Sprintf("vic.tim+evil%d@t.example", i)); err != nil {
				b.Fatal(err)
			}
		}
		kindIs(b.T, ask("victim+one.more@t.example"), errs.TooMany, "")
		spellings := []string{"victim@t.example", "victim@ｔ.example", "victim@t。example", "VICTIM@T.example", "victim@t.ｅxample"}
		for _, spelling := range append(spellings, spellings...) {
			if err := ask(spelling); err != nil {
				b.Errorf("the owner's own address, as %s: %v", spelling, err)
			}
		}
		kindIs(b.T, ask("victim@t．example"), errs.TooMany, "")
		b.Wait(b.Context())
		_, err := b.Store.UserByEmail(b.Context(), "victim@ｔ.example")
		if errs.KindOf(err) != errs.NotFound {
			b.Errorf("another spelling is another account: %v", err)
		}

		// Dots make another mailbox of a company, but not of Gmail.
		for i := range 10 {
			if err := ask(fmt.Sprintf("johndoe+%d@gmail.com", i)); err != nil {
				b.Fatal(err)
			}
		}
		for i := range 5 {
			if err := ask("john.doe@gmail.com"); err != nil {
				b.Error(err)
			}
			if err := ask("johndoe"[:i+1] + "." + "johndoe"[i+1:] + "@gmail.com"); err != nil {
				b.Error(err)
			}
		}
		kindIs(b.T, ask("john.doe@gmail.com"), errs.TooMany, "")
		for _, unseen := range []string{"vic\u200btim@t.example", "\u202evictim@t.example", "victim@t.exam\u00adple"} {
			kindIs(b.T, ask(unseen), errs.Invalid, "identity")
		}
	})
}

// An account that was made when spellings were kept apart is still found.
func TestAnAccountOfAnotherSpellingIsFound(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store, "jane@xn--bcher-kva.example")
		_, err := b.RequestLogin(b.Context(), auth.LoginRequest{Identity: "Jane@xn--bcher-kva.example", Origin: auth.Origin{IP: "192.0.2.1"}})
		if err != nil {
			b.Fatal(err)
		}
		b.Wait(b.Context())
		id, _, _ := b.link()
		if id != a.User.ID {
			b.Error("the link is for another account")
		}
		if err := b.Store.NoteLogin(b.Context(), a.User.ID); err != nil {
			b.Fatal(err)
		}
		if user, made, _, err := b.InviteUser(b.Context(), a.User.Email); err != nil || made || user.ID != a.User.ID {
			b.Errorf("invited as %+v, made %v, %v", user, made, err)
		}
		if created, err := b.CreateSuperuser(b.Context(), a.User.Email, ""); err != nil || created {
			b.Errorf("another account was made: %v, %v", created, err)
		}
		if _, err := b.Store.UserByEmail(b.Context(), "jane@bücher.example"); errs.KindOf(err) != errs.NotFound {
			b.Errorf("another account was made: %v", err)
		}
	})
}

func TestSomebodyElsesAttemptsDoNotKeepTheUserFromConfirming(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		if _, err := b.SetPassword(b.Context(), a.User, "correct horse", auth.By{}); err != nil {
			b.Fatal(err)
		}
		user, err := b.Store.UserByID(b.Context(), a.User.ID)
		if err != nil {
			b.Fatal(err)
		}
		b.guess(user.Email, auth.Origin{IP: "192.0.2.1"})
		for range 20 {
			_ = b.ConfirmPassword(b.Context(), user, "guess", []byte("stolen"))
		}
		kindIs(b.T, b.ConfirmPassword(b.Context(), user, "correct horse", []byte("stolen")), errs.TooMany, "")
		if err := b.ConfirmPassword(b.Context(), user, "correct horse", []byte("own")); err != nil {
			b.Error(err)
		}
	})
}

// By how long it takes, or by what the database is asked before the answer,
// nobody learns whether there is an account.
func TestALinkRequestDoesTheSameWorkForEverybody(t *testing.T) {
	each(t, func(b *bench) {
		testdb.Account(b.T, b.Store, "known@example.org")
		inactive := testdb.Account(b.T, b.Store, "inactive@example.org")
		deactivate(b, inactive.User.ID)
		statements := map[int][]string{}
		for i, address := range []string{"known@example.org", "inactive@example.org", "new@example.org", "nobody@example.org"} {
			b.RegistrationOpen = i < 3
			held := make(chan struct{})
			b.SendLogin = func(context.Context, *monitor.User, string) error { <-held; return nil }
			tally := &db.Tally{}
			_, err := b.RequestLogin(db.WithTally(b.Context(), tally), auth.LoginRequest{Identity: address, Origin: auth.Origin{IP: "192.0.2.1"}})
			if err != nil {
				b.Fatal(err)
			}
			statements[tally.Statements()] = append(statements[tally.Statements()], address)
			// What a mail takes, the answer has not waited for.
			close(held)
			b.Wait(b.Context())
		}
		if len(statements) != 1 {
			b.Errorf("statements before the answer: %v", statements)
		}
	})
}

func TestAWrongPasswordIsTheSameWorkForEverybody(t *testing.T) {
	each(t, func(b *bench) {
		_, err := b.CreateSuperuser(b.Context(), "root@example.org", "correct horse")
		if err != nil {
			b.Fatal(err)
		}
		testdb.Account(b.T, b.Store, "bylink@example.org")
		imported := testdb.Account(b.T, b.Store, "imported@example.org")
		if _, err := b.Store.SetPasswordHash(b.Context(), imported.User.ID, "pbkdf2_sha256$1$x$y", store.Access{}); err != nil {
			b.Fatal(err)
		}
		statements := map[int][]string{}
		for _, address := range []string{"root@example.org", "bylink@example.org", "imported@example.org", "nobody@example.org"} {
			tally := &db.Tally{}
			_, err := b.LoginByPassword(db.WithTally(b.Context(), tally), address, "guess", auth.Origin{IP: "192.0.2.1"})
			kindIs(b.T, err, errs.Invalid, "password")
			statements[tally.Statements()] = append(statements[tally.Statements()], address)
		}
		if len(statements) != 1 {
			b.Errorf("statements: %v", statements)
		}
	})
}

// Where there is no account, a guess is compared with a hash that takes as long as those of accounts.
func TestNobodysPasswordCostsAsMuchAsOthers(t *testing.T) {
	ofNobody, _, _, err := argon2id.DecodeHash(auth.UsualNobodysHash)
	if err != nil {
		t.Fatal(err)
	}
	if *ofNobody != auth.UsualParams {
		t.Errorf("nobody's password costs %+v, that of an account %+v", *ofNobody, auth.UsualParams)
	}
	if auth.UsualParams.Memory < 19*1024 || auth.UsualParams.Iterations < 2 {
		t.Errorf("a password costs only %+v", auth.UsualParams)
	}
}

// A browser is known for half a year after the last login in it.
func TestAKnownBrowserIsForgottenInTheEnd(t *testing.T) {
	clock := testdb.NewClock()
	b := newBench(t, testdb.Open(t, db.SQLite, clock), clock)
	user := &monitor.User{Email: "jane@example.org"}
	mark := b.DeviceMark("", user)
	id, _, _ := strings.Cut(mark, ".")
	clock.Advance(auth.DeviceLife - time.Second)
	again := b.DeviceMark(mark, user)
	if !strings.HasPrefix(again, id+".") {
		t.Errorf("forgotten too early: %s, then %s", mark, again)
	}
	clock.Advance(time.Second)
	if again := b.DeviceMark(mark, user); strings.HasPrefix(again, id+".") {
		t.Error("a mark of long ago is known")
	}
}

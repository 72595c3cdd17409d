package auth_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"punctual/internal/auth"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// sessionRows counts the stored sessions.
func sessionRows(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	if err := s.DB().QueryRow(t.Context(), `SELECT count(*) FROM sessions`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSessionsOfNobodyAreNotStored(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		signer := auth.NewSigner("secret")
		b := &browser{T: t, sessions: auth.NewSessionStore(s, auth.SessionConfig{Secure: true, Signer: signer}), store: s}
		b.visit(set("theme", "dark"))
		b.visit(set("demo", "a code"))
		b.visit(func(s *sessions.Session) { s.AddFlash("ok:Done.") })
		if b.value("theme") != "dark" || b.value("demo") != "a code" || !b.cookie.HttpOnly || !b.cookie.Secure {
			t.Errorf("the session forgot: %v", b.cookie)
		}
		b.visit(func(s *sessions.Session) {
			got := fmt.Sprint(s.Flashes())
			if got != "[ok:Done.]" {
				t.Errorf("messages %s", got)
			}
		})
		if b.value("_flash") != nil {
			t.Error("a message is shown twice")
		}
		n := sessionRows(t, s)
		if n != 0 {
			t.Errorf("%d sessions are stored", n)
		}

		// What somebody else signed, or made up, is nothing.
		whole := *b.cookie
		forger := &browser{T: t, sessions: auth.NewSessionStore(s, auth.SessionConfig{Secure: true, Signer: auth.NewSigner("another")}), store: s}
		forger.visit(set("demo", "forged"))
		for _, value := range []string{forger.cookie.Value, whole.Value[:len(whole.Value)-1], "~", "~..",
			"~1.e30." + signer.Sign("another purpose", "1.e30"), strings.Replace(whole.Value, ".", ".A", 1)} {
			b.cookie = &http.Cookie{Name: cookieName, Value: value}
			got := b.value("demo")
			if got != nil {
				t.Errorf("%q: %v", value, got)
			}
		}

		// It ends like others.
		b.cookie = &whole
		clock.Advance(auth.SessionLife - time.Hour)
		if b.value("theme") != "dark" {
			t.Error("it ended too soon")
		}
		renewed := *b.cookie
		clock.Advance(2 * time.Hour)
		b.cookie = &whole
		if b.value("theme") != nil {
			t.Error("it never ends")
		}
		b.cookie = &renewed
		if b.value("theme") != "dark" {
			t.Error("one that is used ended")
		}

		// Too many messages are dropped, not the rest.
		b.visit(func(s *sessions.Session) { s.AddFlash(strings.Repeat("x", 5000)) })
		if len(b.cookie.Value) > 4000 || b.value("theme") != "dark" {
			t.Errorf("a cookie of %d bytes", len(b.cookie.Value))
		}

		// Who logs in has a session that is stored, and never in the visitor's hands.
		user := testdb.Account(t, s).User
		b.visit(set("user", user.ID.String()))
		if strings.HasPrefix(b.cookie.Value, "~") || sessionRows(t, s) != 1 || b.value("user") != user.ID.String() {
			t.Errorf("logged in: %v", b.cookie)
		}
	})
}

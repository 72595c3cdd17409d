package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"punctual/internal/auth"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

const cookieName = "punctual"

// browser keeps the cookie between requests.
type browser struct {
	*testing.T
	sessions *auth.SessionStore
	store    *store.Store
	cookie   *http.Cookie
}

func eachBrowser(t *testing.T, test func(b *browser, clock *testdb.Clock)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		test(&browser{T: t, sessions: auth.NewSessionStore(s, auth.SessionConfig{Path: "/punctual", Secure: true}), store: s}, clock)
	})
}

// visit lets do work on the session of one request and saves it; it returns
// the cookie that was set, nil when none was.
func (b *browser) visit(do func(s *sessions.Session)) *http.Cookie {
	b.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("User-Agent", "Browser/1")
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	session, err := b.sessions.Get(r, cookieName)
	if err != nil {
		b.Fatal(err)
	}
	do(session)
	w := httptest.NewRecorder()
	if err := session.Save(r, w); err != nil {
		b.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		b.cookie = c
		return c
	}
	return nil
}

// value is what the session has under the key now.
func (b *browser) value(key string) (v any) {
	b.Helper()
	b.visit(func(s *sessions.Session) { v = s.Values[key] })
	return v
}

func nothing(*sessions.Session) {}

func set(key string, v any) func(*sessions.Session) {
	return func(s *sessions.Session) { s.Values[key] = v }
}

func TestWhoCarriesNothingLeavesNoTrace(t *testing.T) {
	eachBrowser(t, func(b *browser, _ *testdb.Clock) {
		c := b.visit(nothing)
		if c != nil {
			b.Errorf("cookie %v", c)
		}
	})
}

func TestASessionRemembers(t *testing.T) {
	eachBrowser(t, func(b *browser, _ *testdb.Clock) {
		c := b.visit(func(s *sessions.Session) {
			s.Values["theme"] = "dark"
			s.AddFlash("ok:Saved")
		})
		if c == nil || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/punctual" || c.MaxAge != 14*24*3600 ||
			len(c.Value) != 43 {
			b.Fatalf("cookie %+v", c)
		}
		if b.value("theme") != "dark" {
			b.Error("forgotten")
		}
		var first, second []any
		b.visit(func(s *sessions.Session) { first = s.Flashes() })
		b.visit(func(s *sessions.Session) { second = s.Flashes() })
		if len(first) != 1 || first[0] != "ok:Saved" || len(second) != 0 {
			b.Errorf("flashes %v, then %v", first, second)
		}
	})
}

func TestNothingIsWrittenForASessionThatStaysAsItIs(t *testing.T) {
	eachBrowser(t, func(b *browser, clock *testdb.Clock) {
		a := testdb.Account(b.T, b.store)
		b.visit(set("user", a.User.ID.String()))
		clock.Advance(59 * time.Minute)
		c := b.visit(nothing)
		if c != nil {
			b.Errorf("saved within the hour: %v", c)
		}
		clock.Advance(2 * time.Minute)
		if c := b.visit(nothing); c == nil {
			b.Error("not touched after an hour")
		}
		user, _ := b.store.UserByID(b.Context(), a.User.ID)
		if !user.LastActiveAt.Equal(clock.Now()) {
			b.Errorf("last active %s", user.LastActiveAt)
		}
	})
}

func TestASessionLivesTwoWeeksAfterItsLastUse(t *testing.T) {
	eachBrowser(t, func(b *browser, clock *testdb.Clock) {
		b.visit(set("theme", "dark"))
		for range 3 {
			clock.Advance(13 * 24 * time.Hour)
			if b.value("theme") != "dark" {
				b.Fatal("ended while in use")
			}
		}
		clock.Advance(14*24*time.Hour + time.Second)
		if b.value("theme") != nil {
			b.Error("did not end")
		}
	})
}

func TestLoggingInChangesTheID(t *testing.T) {
	eachBrowser(t, func(b *browser, _ *testdb.Clock) {
		planted := *b.visit(set("theme", "dark"))
		b.visit(func(s *sessions.Session) {
			s.Values["theme"] = "light"
			b.sessions.Rotate(s)
		})
		if b.cookie.Value == planted.Value {
			b.Error("the id stayed")
		}
		if b.value("theme") != "light" {
			b.Error("the session was lost")
		}
		b.cookie = &planted
		if b.value("theme") != nil {
			b.Error("the old id opens the session")
		}
	})
}

func TestASessionEndedElsewhereStaysEnded(t *testing.T) {
	eachBrowser(t, func(b *browser, _ *testdb.Clock) {
		a := testdb.Account(b.T, b.store)
		b.visit(set("user", a.User.ID.String()))
		cookie := b.visit(func(s *sessions.Session) {
			_, err := b.store.EndAccess(b.Context(), a.User.ID, store.Access{})
			if err != nil {
				b.Fatal(err)
			}
			// a request under way meanwhile
			s.Values["theme"] = "dark"
		})
		if cookie != nil {
			b.Errorf("its cookie was renewed: %v", cookie)
		}
		if b.value("user") != nil {
			b.Error("it came back to life")
		}
	})
}

func TestEndingASession(t *testing.T) {
	eachBrowser(t, func(b *browser, _ *testdb.Clock) {
		b.visit(set("theme", "dark"))
		kept := *b.cookie
		c := b.visit(func(s *sessions.Session) { s.Options.MaxAge = -1 })
		if c == nil || c.MaxAge >= 0 {
			b.Errorf("cookie %+v", c)
		}
		b.cookie = &kept
		if b.value("theme") != nil {
			b.Error("the session lives on")
		}
	})
}

func TestForgedCookies(t *testing.T) {
	eachBrowser(t, func(b *browser, _ *testdb.Clock) {
		b.visit(set("theme", "dark"))
		for _, value := range []string{"", "x", b.cookie.Value[1:] + "A", b.cookie.Value + "A"} {
			b.cookie = &http.Cookie{Name: cookieName, Value: value}
			if b.value("theme") != nil {
				b.Errorf("%q opens the session", value)
			}
		}
	})
}

func TestTheListOfSessions(t *testing.T) {
	eachBrowser(t, func(b *browser, _ *testdb.Clock) {
		a := testdb.Account(b.T, b.store)
		b.visit(set("user", a.User.ID.String()))
		rows, err := b.store.SessionsOf(b.Context(), a.User.ID)
		if err != nil || len(rows) != 1 {
			b.Fatalf("%+v, %v", rows, err)
		}
		if rows[0].UserAgent != "Browser/1" || rows[0].RemoteAddr != "192.0.2.1" {
			b.Errorf("%+v", rows[0])
		}
		b.visit(func(s *sessions.Session) {
			if string(b.sessions.Hash(s)) != string(rows[0].IDHash) {
				b.Error("the session does not know its own row")
			}
		})
	})
}

func TestASessionEndsInTheEndHoweverMuchItIsUsed(t *testing.T) {
	eachBrowser(t, func(b *browser, clock *testdb.Clock) {
		const week = 7 * 24 * time.Hour
		b.visit(set("user", testdb.Account(b.T, b.store).User.ID.String()))
		for range 12 {
			clock.Advance(week)
			if b.value("user") == nil {
				b.Fatal("ended while in use")
			}
		}
		// A new id alone is no new log-in, and the cookie ends with the session.
		c := b.visit(b.sessions.Rotate)
		if c.MaxAge != 6*24*3600 {
			b.Errorf("the cookie lives for %d s", c.MaxAge)
		}
		kept := *b.cookie
		clock.Advance(6*24*time.Hour - time.Second)
		if b.value("user") == nil {
			b.Error("ended early")
		}
		clock.Advance(time.Second)
		b.cookie = &kept
		if b.value("user") != nil {
			b.Error("did not end")
		}
	})
}

func TestALogInBeginsTheAgeOfASessionAnew(t *testing.T) {
	eachBrowser(t, func(b *browser, clock *testdb.Clock) {
		b.visit(set("theme", "dark"))
		for range 8 {
			clock.Advance(12 * 24 * time.Hour)
			b.visit(b.sessions.Renew)
		}
		if b.value("theme") != "dark" {
			b.Error("ended")
		}
	})
}

func TestAShorterAgeCountsForSessionsThatAreThere(t *testing.T) {
	eachBrowser(t, func(b *browser, clock *testdb.Clock) {
		b.visit(set("theme", "dark"))
		b.sessions = auth.NewSessionStore(b.store, auth.SessionConfig{MaxAge: 24 * time.Hour})
		clock.Advance(24*time.Hour - time.Second)
		if b.value("theme") != "dark" {
			b.Error("ended early")
		}
		clock.Advance(time.Second)
		if b.value("theme") != nil {
			b.Error("did not end")
		}
	})
}

package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func session(s *store.Store, id string, user uuid.UUID) *store.Session {
	now := s.Now()
	return &store.Session{
		IDHash: []byte(id), UserID: user, Data: []byte("data of " + id), UserAgent: "Firefox", RemoteAddr: "::1",
		CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(time.Hour),
	}
}

func save(t *testing.T, s *store.Store, v *store.Session) {
	t.Helper()
	if err := s.SaveSession(t.Context(), v); err != nil {
		t.Fatal(err)
	}
}

func TestASessionComesBackUntilItExpires(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		// before and after logging in
		for _, user := range []uuid.UUID{uuid.Nil, a.User.ID} {
			v := session(s, "id", user)
			save(t, s, v)
			got, err := s.SessionByHash(t.Context(), v.IDHash)
			diff := cmp.Diff(v, got)
			if diff != "" || err != nil {
				t.Errorf("%v (-stored +loaded):\n%s", err, diff)
			}
		}
		clock.Advance(time.Hour - time.Microsecond)
		if _, err := s.SessionByHash(t.Context(), []byte("id")); err != nil {
			t.Errorf("in the last moment: %v", err)
		}
		clock.Advance(time.Microsecond)
		_, err := s.SessionByHash(t.Context(), []byte("id"))
		wantKind(t, "an expired session", err, errs.NotFound)
		if all, err := s.SessionsOf(t.Context(), a.User.ID); err != nil || len(all) != 0 {
			t.Errorf("live sessions: %v, %v", all, err)
		}
		_, err = s.SessionByHash(t.Context(), []byte("other"))
		wantKind(t, "an unknown session", err, errs.NotFound)
	})
}

func TestASessionThatWasEndedStaysEnded(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		v := session(s, "id", a.User.ID)
		save(t, s, v)
		clock.Advance(time.Minute)
		v.Data = []byte("changed")
		v.LastUsedAt = clock.Now()
		if ok, err := s.UpdateSession(t.Context(), v); !ok || err != nil {
			t.Errorf("update: %v, %v", ok, err)
		}
		if got, err := s.SessionByHash(t.Context(), v.IDHash); err != nil || string(got.Data) != "changed" || !got.LastUsedAt.Equal(clock.Now()) {
			t.Errorf("after the update: %+v, %v", got, err)
		}
		for range 2 {
			if err := s.DeleteSession(t.Context(), v.IDHash); err != nil {
				t.Error(err)
			}
		}
		if ok, err := s.UpdateSession(t.Context(), v); ok || err != nil {
			t.Errorf("update of an ended session: %v, %v", ok, err)
		}
		_, err := s.SessionByHash(t.Context(), v.IDHash)
		wantKind(t, "the ended session", err, errs.NotFound)
	})
}

func TestLoggingOutEverywhereElse(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		for _, id := range []string{"here", "phone", "work"} {
			save(t, s, session(s, id, a.User.ID))
			clock.Advance(time.Minute)
		}
		save(t, s, session(s, "theirs", other.User.ID))
		inTheirName := session(s, "in their name", other.User.ID)
		inTheirName.SuperuserID = a.User.ID
		save(t, s, inTheirName)
		all, err := s.SessionsOf(t.Context(), a.User.ID)
		if err != nil || len(all) != 3 || string(all[0].IDHash) != "work" {
			t.Errorf("sessions: %v, %v; want three, the last used first", all, err)
		}
		if ended, err := s.EndAccess(t.Context(), a.User.ID, store.Access{Session: []byte("here")}); ended.Sessions != 3 || err != nil {
			t.Errorf("%d sessions ended, %v; want 3", ended.Sessions, err)
		}
		_, err = s.SessionByHash(t.Context(), []byte("in their name"))
		wantKind(t, "the session in which they acted as somebody else", err, errs.NotFound)
		if _, err := s.SessionByHash(t.Context(), []byte("here")); err != nil {
			t.Errorf("the session kept: %v", err)
		}
		if ended, err := s.EndAccess(t.Context(), a.User.ID, store.Access{}); ended.Sessions != 1 || err != nil {
			t.Errorf("%d sessions ended, %v; want the last", ended.Sessions, err)
		}
		if _, err := s.SessionByHash(t.Context(), []byte("theirs")); err != nil {
			t.Errorf("somebody else's session: %v", err)
		}
	})
}

func TestALoginTokenIsGoodForOneUse(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		token := func(hash string, user uuid.UUID) {
			t.Helper()
			if err := s.CreateLoginToken(t.Context(), []byte(hash), user, clock.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		valid := func(hash string, user uuid.UUID) bool {
			t.Helper()
			ok, err := s.LoginTokenValid(t.Context(), []byte(hash), user)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		token("first", a.User.ID)
		token("second", a.User.ID)
		token("theirs", other.User.ID)
		if !valid("first", a.User.ID) || valid("first", other.User.ID) || valid("nothing", a.User.ID) {
			t.Error("a token is valid for its user, and for nobody else")
		}
		ok, err := s.UseLoginToken(t.Context(), []byte("first"), other.User.ID)
		if ok || err != nil || !valid("first", a.User.ID) {
			t.Errorf("used by somebody else: %v, %v", ok, err)
		}

		won := make(chan bool, 8)
		atOnce(t, cap(won), errs.Internal, func(int) error {
			ok, err := s.UseLoginToken(t.Context(), []byte("first"), a.User.ID)
			won <- ok
			return err
		})
		winners := 0
		for range cap(won) {
			if <-won {
				winners++
			}
		}
		if winners != 1 {
			t.Errorf("the token was good for %d uses at once", winners)
		}
		if valid("second", a.User.ID) || !valid("theirs", other.User.ID) {
			t.Error("logging in uses up all links of the user, and of nobody else")
		}

		clock.Advance(time.Hour)
		if ok, err := s.UseLoginToken(t.Context(), []byte("theirs"), other.User.ID); ok || err != nil || valid("theirs", other.User.ID) {
			t.Errorf("an expired token: %v, %v", ok, err)
		}
	})
}

func TestTokensOfABucketAreNotGivenTwice(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		given := make(chan bool, 12)
		atOnce(t, cap(given), errs.Internal, func(int) error {
			ok, _, err := s.TakeToken(t.Context(), "key", 5, time.Hour)
			given <- ok
			return err
		})
		n := 0
		for range cap(given) {
			if <-given {
				n++
			}
		}
		if n != 5 {
			t.Errorf("%d tokens given, want 5", n)
		}
		ok, _, err := s.TakeToken(t.Context(), "other key", 5, time.Hour)
		if !ok || err != nil {
			t.Errorf("another bucket: %v, %v", ok, err)
		}
	})
}

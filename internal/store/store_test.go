package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func TestAnAccountComesWithAWatchedCheck(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		got, err := s.CheckByCode(t.Context(), a.Check.Code)
		if err != nil {
			t.Fatal(err)
		}
		diff := cmp.Diff(a.Check, got)
		if diff != "" {
			t.Errorf("check (-stored +loaded):\n%s", diff)
		}
		channels, err := s.ChannelsOfCheck(t.Context(), got.ID)
		if err != nil || len(channels) != 1 || channels[0].ID != a.Channel.ID {
			t.Errorf("channels of the check: %v, %v", channels, err)
		}
		err = s.CreateAccount(t.Context(), store.Account{User: &monitor.User{Email: a.User.Email, TZ: "UTC"}})
		if errs.KindOf(err) != errs.Conflict {
			t.Errorf("second account with the address: %v, want a conflict", err)
		}
	})
}

// arrival is a ping of the kind now.
func arrival(s *store.Store, code uuid.UUID, kind monitor.PingKind) *store.Arrival {
	return &store.Arrival{
		Code:     code,
		Ping:     monitor.Ping{CreatedAt: s.Now(), Scheme: "http", Method: "GET"},
		Classify: func(*monitor.Filter) monitor.PingKind { return kind },
	}
}

func TestABatchOfPingsIsRecordedInOrder(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		exit := 3
		rid := uuid.NullUUID{UUID: uuid.New(), Valid: true}
		full := arrival(s, a.Check.Code, monitor.PingFail)
		full.Ping.ExitStatus = &exit
		full.Ping.RID = rid
		full.Ping.Body = []byte{0, 0xff, 'x'}
		full.Ping.UserAgent = "curl/8"
		full.Ping.RemoteAddr = "::1"
		unknown := arrival(s, uuid.New(), monitor.PingSuccess)
		batch := []*store.Arrival{arrival(s, a.Check.Code, monitor.PingStart), unknown, full, arrival(s, a.Check.Code, monitor.PingSuccess)}
		if err := s.RecordPings(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if errs.KindOf(unknown.Err) != errs.NotFound {
			t.Errorf("unknown check: %v, want not found", unknown.Err)
		}
		rows, err := s.Pings(t.Context(), a.Check.ID, store.PingFilter{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		var kinds []monitor.PingKind
		for _, r := range rows {
			kinds = append(kinds, r.Kind)
		}
		diff := cmp.Diff([]monitor.PingKind{"success", "fail", "start"}, kinds)
		if diff != "" {
			t.Errorf("newest first (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(full.Ping, rows[1].Ping); diff != "" {
			t.Errorf("stored ping (-sent +stored):\n%s", diff)
		}
		c, _ := s.CheckByCode(t.Context(), a.Check.Code)
		if c.Status != monitor.StatusUp || c.NPings != 3 || c.RecentRuns != "du" || !c.DueAt.Equal(clock.Now().Add(c.Timeout)) ||
			!c.AlertAt.Equal(c.DueAt.Add(c.Grace)) {
			t.Errorf("check after the batch: %+v", c.State)
		}
		flips, err := s.Flips(t.Context(), c.ID, store.FlipFilter{})
		if err != nil || len(flips) != 2 || flips[1].Reason != monitor.ReasonFail || flips[0].New != monitor.StatusUp {
			t.Errorf("flips: %+v, %v", flips, err)
		}
	})
}

func TestOnlyTheNewestPingsAreKept(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		for range 2 {
			var batch []*store.Arrival
			for range 125 {
				batch = append(batch, arrival(s, a.Check.Code, monitor.PingSuccess))
			}
			if err := s.RecordPings(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		rows, err := s.Pings(t.Context(), a.Check.ID, store.PingFilter{Limit: 1000})
		if err != nil || len(rows) < 100 || len(rows) > 199 || rows[0].N != 250 {
			t.Errorf("%d pings kept, newest %d, %v", len(rows), rows[0].N, err)
		}
	})
}

func TestAnOverdueCheckGoesDownAtItsDeadline(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		if err := s.RecordPings(t.Context(), []*store.Arrival{arrival(s, a.Check.Code, monitor.PingSuccess)}); err != nil {
			t.Fatal(err)
		}
		deadline := clock.Now().Add(a.Check.Timeout + a.Check.Grace)
		next, err := s.NextWatch(t.Context())
		if err != nil || !next.Equal(deadline) {
			t.Fatalf("next deadline %v, %v; want %v", next, err, deadline)
		}
		clock.Set(deadline.Add(-time.Microsecond))
		if got, err := s.JudgeOverdue(t.Context(), 10); err != nil || len(got.Flips) != 0 || got.Claimed != 0 {
			t.Fatalf("just before the deadline: %+v, %v", got, err)
		}
		clock.Set(deadline.Add(5 * time.Second))
		got, err := s.JudgeOverdue(t.Context(), 10)
		if err != nil || len(got.Flips) != 1 || !got.Flips[0].CreatedAt.Equal(deadline) || got.Flips[0].Reason != monitor.ReasonTimeout {
			t.Fatalf("after the deadline: %+v, %v", got, err)
		}
		if again, err := s.JudgeOverdue(t.Context(), 10); err != nil || again.Claimed != 0 {
			t.Errorf("a second look: %+v, %v", again, err)
		}
		var pending int
		if err := s.DB().QueryRow(t.Context(), `SELECT count(*) FROM deliveries WHERE status = 'pending' AND channel_id = $1`,
			a.Channel.ID).Scan(&pending); err != nil || pending != 1 {
			t.Errorf("%d deliveries, %v; want 1", pending, err)
		}
	})
}

func TestAutoProvisioningMakesOneCheck(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		type result struct {
			code    uuid.UUID
			created bool
			err     error
		}
		results := make(chan result)
		for range 8 {
			go func() {
				code, created, err := s.EnsureSlug(t.Context(), a.Project.PingKey, "backup", nil)
				results <- result{code, created, err}
			}()
		}
		created := 0
		codes := map[uuid.UUID]bool{}
		for range 8 {
			r := <-results
			if r.err != nil {
				t.Error(r.err)
			}
			if r.created {
				created++
			}
			codes[r.code] = true
		}
		if created != 1 || len(codes) != 1 {
			t.Errorf("%d created, %d different checks; want 1 and 1", created, len(codes))
		}
		_, _, err := s.EnsureSlug(t.Context(), "nosuchkey", "backup", nil)
		if errs.KindOf(err) != errs.NotFound {
			t.Errorf("unknown ping key: %v, want not found", err)
		}
	})
}

func TestTokensRunOutAndComeBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		take := func() bool {
			ok, _, err := s.TakeToken(t.Context(), "login:someone", 3, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		for i := range 3 {
			if !take() {
				t.Fatalf("token %d of 3 refused", i+1)
			}
		}
		ok, wait, err := s.TakeToken(t.Context(), "login:someone", 3, time.Hour)
		if ok || err != nil || wait.Round(time.Second) != 20*time.Minute {
			t.Fatalf("fourth token: %v, wait %v, %v; want none for 20 minutes", ok, wait, err)
		}
		clock.Advance(20 * time.Minute)
		if !take() {
			t.Error("no token after the wait")
		}
	})
}

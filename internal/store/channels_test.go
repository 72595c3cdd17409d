package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// addChannel makes a webhook of the project, shaped by edit.
func addChannel(t *testing.T, s *store.Store, project uuid.UUID, edit func(*monitor.Channel)) *monitor.Channel {
	t.Helper()
	c := &monitor.Channel{ProjectID: project, Kind: "webhook", Config: "{}", Verified: true}
	edit(c)
	if err := s.CreateChannel(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func asIs(*monitor.Channel) {}

// watchedThrough are the channels of a check.
func watchedThrough(t *testing.T, s *store.Store, c *monitor.Check) []uuid.UUID {
	t.Helper()
	channels, err := s.ChannelsOfCheck(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	var ids []uuid.UUID
	for _, h := range channels {
		ids = append(ids, h.ID)
	}
	return ids
}

func TestAChannelComesBackAsStored(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		clock.Advance(time.Minute)
		c := addChannel(t, s, a.Project.ID, func(c *monitor.Channel) {
			c.Name = "Chat"
			c.Config = `{"url":"https://example.org/ü"}`
		})
		c.Name = "Other"
		c.Config = `{"url":"x"}`
		c.Verified = false
		c.Disabled = true
		if err := testdb.PutChannel(t.Context(), s, c); err != nil {
			t.Fatal(err)
		}
		c.DisabledAt = clock.Now()
		c.LastNotifyAt = clock.Now()
		c.LastLatency = 1234567 * time.Microsecond
		c.LastError = "HTTP status 500"
		if err := s.NoteChannelOutcome(t.Context(), c.ID,
			store.ChannelOutcome{At: c.LastNotifyAt, Latency: c.LastLatency, Error: c.LastError}); err != nil {
			t.Fatal(err)
		}
		got, err := s.ChannelByID(t.Context(), c.ID)
		diff := cmp.Diff(c, got)
		if diff != "" || err != nil {
			t.Errorf("%v (-stored +loaded):\n%s", err, diff)
		}
		all, err := s.ChannelsOf(t.Context(), a.Project.ID)
		if err != nil || len(all) != 2 || all[0].ID != a.Channel.ID || all[1].ID != c.ID {
			t.Errorf("channels of the project: %v, %v; want the oldest first", all, err)
		}
		unknown := monitor.Channel{ID: uuid.New()}
		wantKind(t, "changing an unknown channel", testdb.PutChannel(t.Context(), s, &unknown), errs.NotFound)
		wantKind(t, "deleting an unknown channel", s.DeleteChannel(t.Context(), unknown.ID), errs.NotFound)
		_, err = s.ChannelByID(t.Context(), unknown.ID)
		wantKind(t, "an unknown channel", err, errs.NotFound)
	})
}

func TestAPermanentErrorDisablesAChannelForGood(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		for _, o := range []store.ChannelOutcome{{Error: "gone", Disable: true}, {}} {
			o.At = clock.Now()
			if err := s.NoteChannelOutcome(t.Context(), a.Channel.ID, o); err != nil {
				t.Fatal(err)
			}
		}
		c, err := s.ChannelByID(t.Context(), a.Channel.ID)
		if err != nil || !c.Disabled || c.LastError != "" || c.Ready() {
			t.Errorf("after a success that was on its way: %+v, %v", c, err)
		}
	})
}

// Of several outcomes that are recorded together the latest shows, whatever their
// order, and why a channel was disabled outlives a later one.
func TestTheLatestOutcomeOfAChannelShows(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		now := clock.Now()
		outcome := func(after time.Duration, message string, disable bool) store.Outcome {
			o := store.Outcome{ID: 1, Channel: a.Channel.ID, Verdict: store.Retry, NextTry: now, Tried: true}
			o.ChannelOutcome = store.ChannelOutcome{At: now.Add(after), Error: message, Disable: disable}
			return o
		}
		early := outcome(time.Second, "early", false)
		late := outcome(2*time.Second, "late", false)
		for _, batch := range [][]store.Outcome{{early, late}, {late, early}} {
			if _, err := s.FinishDeliveries(t.Context(), uuid.New(), batch); err != nil {
				t.Fatal(err)
			}
			c, err := s.ChannelByID(t.Context(), a.Channel.ID)
			if err != nil || c.LastError != "late" || !c.LastNotifyAt.Equal(late.At) || c.Disabled {
				t.Errorf("the channel shows %q at %v, %v", c.LastError, c.LastNotifyAt, err)
			}
		}
		gone := outcome(3*time.Second, "gone", true)
		for _, batch := range [][]store.Outcome{{gone, outcome(4*time.Second, "later", false)}, {outcome(4*time.Second, "later", false), gone}} {
			_, err := s.FinishDeliveries(t.Context(), uuid.New(), batch)
			if err != nil {
				t.Fatal(err)
			}
			if c, err := s.ChannelByID(t.Context(), a.Channel.ID); err != nil || c.LastError != "gone" || !c.Disabled {
				t.Errorf("the channel shows %q, disabled %v, %v", c.LastError, c.Disabled, err)
			}
		}
	})
}

func TestANewChannelWatchesAllChecksOfItsProject(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		second := addCheck(t, s, a.Project.ID, "second", "")
		clock.Advance(time.Minute)
		c := addChannel(t, s, a.Project.ID, asIs)
		diff := cmp.Diff([]uuid.UUID{a.Channel.ID, c.ID}, watchedThrough(t, s, a.Check))
		if diff != "" {
			t.Errorf("channels of the first check (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]uuid.UUID{c.ID}, watchedThrough(t, s, second)); diff != "" {
			t.Errorf("channels of the second check (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]uuid.UUID{other.Channel.ID}, watchedThrough(t, s, other.Check)); diff != "" {
			t.Errorf("channels of somebody else's check (-want +got):\n%s", diff)
		}
		all, err := s.Assignments(t.Context(), a.Project.ID)
		both := []uuid.UUID{a.Channel.ID, c.ID}
		slices.SortFunc(both, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
		if diff := cmp.Diff(map[int64][]uuid.UUID{a.Check.ID: both, second.ID: {c.ID}}, all); diff != "" || err != nil {
			t.Errorf("%v, all assignments (-want +got):\n%s", err, diff)
		}
		counts, checks, err := s.ChannelCounts(t.Context(), a.Project.ID)
		if diff := cmp.Diff(map[uuid.UUID]int{a.Channel.ID: 1, c.ID: 2}, counts); diff != "" || checks != 2 || err != nil {
			t.Errorf("%d checks, %v, counts (-want +got):\n%s", checks, err, diff)
		}
	})
}

func TestAChannelIsSwitchedPerCheck(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		for _, step := range []struct {
			on   bool
			want int
		}{{true, 1}, {false, 0}, {false, 0}, {true, 1}} {
			if err := s.AssignChannel(t.Context(), a.Check.ID, a.Channel.ID, step.on); err != nil {
				t.Fatal(err)
			}
			n := len(watchedThrough(t, s, a.Check))
			if n != step.want {
				t.Errorf("switched %v: %d channels, want %d", step.on, n, step.want)
			}
		}
	})
}

func TestTheChecksOfAChannelAreExactlyThoseChosen(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		second := addCheck(t, s, a.Project.ID, "second", "")
		if err := s.SetChannelChecks(t.Context(), a.Channel.ID, []int64{second.ID, other.Check.ID, 123456}); err != nil {
			t.Fatal(err)
		}
		got := watchedThrough(t, s, a.Check)
		if len(got) != 0 {
			t.Errorf("the check that was not chosen still has %v", got)
		}
		diff := cmp.Diff([]uuid.UUID{a.Channel.ID}, watchedThrough(t, s, second))
		if diff != "" {
			t.Errorf("the chosen check (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]uuid.UUID{other.Channel.ID}, watchedThrough(t, s, other.Check)); diff != "" {
			t.Errorf("somebody else's check (-want +got):\n%s", diff)
		}
	})
}

func TestDeletingAChannelTakesItsDeliveriesAlong(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		addChannel(t, s, a.Project.ID, asIs)
		signal(t, s, a.Check, monitor.PingFail)
		if err := s.DeleteChannel(t.Context(), a.Channel.ID); err != nil {
			t.Fatal(err)
		}
		n := count(t, s, "deliveries", "1 = 1")
		m := count(t, s, "flips", "1 = 1")
		if n != 1 || m != 1 {
			t.Errorf("%d deliveries and %d flips are left, want the other channel's and the flip", n, m)
		}
	})
}

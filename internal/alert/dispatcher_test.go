package alert_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/alert"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestDeliveriesOfACheckGoInOrderEvenWhenTheFirstFails(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		h := f.channel(sinkConfig{To: "sink"})
		f.sink.answer = func(_ context.Context, ev notify.Event) error {
			if ev.Attempt == 1 && ev.Status == monitor.StatusDown {
				return &notify.Error{Message: "Received status code 500"}
			}
			return nil
		}
		code := f.account.Check.Code
		f.ping(monitor.PingFail, code)
		f.clock.Advance(95 * time.Minute)
		f.ping(monitor.PingSuccess, code)
		f.dispatch(f.config())
		f.until("the first attempt to be recorded", func() bool {
			h, _ := f.ChannelByID(t.Context(), h.ID)
			return h.LastError == "Received status code 500"
		})
		n := f.sink.count()
		if n != 1 {
			t.Fatalf("%d attempts before the down was accepted, want 1", n)
		}
		f.later(11 * time.Second)
		f.until("all to be sent", func() bool { return f.with(code, 2, monitor.DeliverySent) })

		type attempt struct {
			Status  monitor.Status
			Attempt int
			DownFor time.Duration
		}
		var got []attempt
		sent := f.sink.attempts()
		for _, ev := range sent {
			got = append(got, attempt{ev.Status, ev.Attempt, ev.DownFor})
		}
		want := []attempt{{"down", 1, 0}, {"down", 2, 0}, {"up", 1, 95 * time.Minute}}
		diff := cmp.Diff(want, got)
		if diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if sent[0].Key != sent[1].Key || sent[0].Key == sent[2].Key || sent[0].Key == "" {
			t.Errorf("keys %q, %q, %q: want the same for the same delivery only", sent[0].Key, sent[1].Key, sent[2].Key)
		}
		if h, err := f.ChannelByID(t.Context(), h.ID); err != nil || h.LastError != "" || !h.LastNotifyAt.After(f.account.Check.CreatedAt) {
			t.Errorf("channel at the end: %+v, %v", h, err)
		}
	})
}

func TestSeveralDispatchersShareTheWorkWithoutRepeating(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const channels, checks = 20, 100
		codes := f.checks(checks, f.Now().AddDate(0, 1, 0))
		for i := range channels {
			// two channels each share a destination
			f.channel(sinkConfig{To: strconv.Itoa(i % 10)})
		}
		f.ping(monitor.PingFail, codes...)
		const total = channels * checks
		n := f.backlog()
		if n != total {
			t.Fatalf("%d deliveries wait, want %d", n, total)
		}
		began := time.Now()
		for range 3 {
			f.dispatch(f.config())
		}
		f.until("all to be sent", func() bool { return f.backlog() == 0 })
		took := time.Since(began)
		t.Logf("%d deliveries by three dispatchers in %v: %.0f/s", total, took.Round(time.Millisecond), float64(total)/took.Seconds())
		keys := map[string]bool{}
		for _, ev := range f.sink.attempts() {
			if keys[ev.Key] {
				t.Errorf("delivery %s was made twice", ev.Key)
			}
			keys[ev.Key] = true
		}
		if len(keys) != total {
			t.Errorf("%d different deliveries made, want %d", len(keys), total)
		}
	})
}

func TestErrorsDecideWhatBecomesOfADelivery(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		status  monitor.DeliveryStatus
		pause   time.Duration
		disable bool
		shown   string
		notice  alert.NoticeKind
	}{
		"temporary":   {&notify.Error{Message: "Received status code 500"}, "pending", 10 * time.Second, false, "Received status code 500", ""},
		"retry after": {&notify.Error{Message: "Slow down", RetryAfter: 2 * time.Hour}, "pending", 2 * time.Hour, false, "Slow down", ""},
		"internal":    {errors.New("secret detail"), "pending", 10 * time.Second, false, "Internal error", ""},
		"timeout":     {context.DeadlineExceeded, "pending", 10 * time.Second, false, "Connection timed out", ""},
		"give up": {&notify.Error{Message: "Quota used up", Class: notify.Reject}, "failed", 0, false, "Quota used up",
			alert.DeliveryGivenUp},
		"permanent": {&notify.Error{Message: "Received status code 410", Class: notify.Dead}, "failed", 0, true, "Received status code 410",
			alert.ChannelDisabled},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, f *fixture) {
				h := f.channel(sinkConfig{To: "sink"})
				f.sink.answer = func(context.Context, notify.Event) error { return test.err }
				code := f.account.Check.Code
				f.ping(monitor.PingFail, code)
				f.dispatch(f.config())
				var d store.DeliveryRow
				f.until("the outcome", func() bool { d = f.deliveries(code)[0]; return d.LastError != "" })
				pause := d.NextTryAt.Sub(f.Now()).Round(time.Second)
				if d.Status != test.status || d.LastError != test.shown || d.Status == "pending" && pause != test.pause {
					t.Errorf("delivery %+v, again in %v", d.Delivery, pause)
				}
				if h, err := f.ChannelByID(t.Context(), h.ID); err != nil || h.Disabled != test.disable || h.LastError != test.shown {
					t.Errorf("channel %+v, %v", h, err)
				}
				select {
				case n := <-f.notices:
					if n.Kind != test.notice || n.Owner.Email != f.account.User.Email || n.Error != test.shown || n.Channel.ID != h.ID ||
						n.Check.Code != code {
						t.Errorf("notice %+v", n)
					}
				default:
					if test.notice != "" {
						t.Error("the owner was not told")
					}
				}
			})
		})
	}
}

// A destination that never works: tried at growing intervals for half a day, with
// the same key, then given up, and the owner told.
func TestADeliveryIsGivenUpAfterHalfADayOfTries(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.channel(sinkConfig{To: "sink"})
		f.sink.answer = func(context.Context, notify.Event) error { return &notify.Error{Message: "Received status code 503"} }
		code := f.account.Check.Code
		began := f.Now()
		f.ping(monitor.PingFail, code)
		f.dispatch(f.config())
		var d store.DeliveryRow
		var pause time.Duration
		for n := 1; ; n++ {
			f.until("the next attempt to be recorded", func() bool {
				d = f.deliveries(code)[0]
				return d.Attempts == n && (d.Status == monitor.DeliveryFailed ||
					d.LastError != "" && f.sink.count() == n && d.NextTryAt.Sub(f.Now()) != time.Minute)
			})
			if d.Status == monitor.DeliveryFailed {
				break
			}
			next := d.NextTryAt.Sub(f.Now())
			if next < pause-time.Second {
				t.Errorf("pause %v after attempt %d, shorter than the one before, %v", next, n, pause)
			}
			pause = d.NextTryAt.Sub(f.Now())
			f.later(pause)
		}
		took := f.Now().Sub(began)
		if took < 11*time.Hour || took > 13*time.Hour || d.Attempts < 10 || f.sink.count() != d.Attempts {
			t.Errorf("given up after %v and %d attempts, %d of them made", took, d.Attempts, f.sink.count())
		}
		for _, ev := range f.sink.attempts() {
			if ev.Key != d.Code.String() {
				t.Errorf("attempt %d with key %s, want %s", ev.Attempt, ev.Key, d.Code)
			}
		}
		select {
		case n := <-f.notices:
			if n.Kind != alert.DeliveryGivenUp || n.Error != "Received status code 503" {
				t.Errorf("notice %+v", n)
			}
		default:
			t.Error("the owner was not told")
		}
	})
}

func TestABrokenMailAddressGetsNoMailThatItIsBroken(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.sink.kind = "email"
		f.sink.answer = func(context.Context, notify.Event) error {
			return &notify.Error{Message: "No such user", Class: notify.Dead}
		}
		for _, address := range []string{"Owner@Example.org", "somebody@example.org"} {
			h := &monitor.Channel{ProjectID: f.account.Project.ID, Kind: "email", Config: `{"address":"` + address + `"}`, Verified: true}
			if err := f.CreateChannel(t.Context(), h); err != nil {
				t.Fatal(err)
			}
		}
		f.ping(monitor.PingFail, f.account.Check.Code)
		f.dispatch(f.config())
		f.until("both to fail", func() bool { return f.with(f.account.Check.Code, 2, monitor.DeliveryFailed) })
		n := len(f.notices)
		if n != 1 {
			t.Fatalf("%d notices, want one", n)
		}
		if n := <-f.notices; n.Channel.Config != `{"address":"somebody@example.org"}` {
			t.Errorf("notice about %s", n.Channel.Config)
		}
	})
}

func TestWhatIsNotToBeSent(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		code := f.account.Check.Code
		disabled := f.channel(sinkConfig{To: "a"})
		unverified := f.channel(sinkConfig{To: "b"})
		f.channel(sinkConfig{To: "c", OnlyUp: true})
		unknown := &monitor.Channel{ProjectID: f.account.Project.ID, Kind: "pigeon", Config: `{}`, Verified: true}
		if err := f.CreateChannel(t.Context(), unknown); err != nil {
			t.Fatal(err)
		}
		f.ping(monitor.PingFail, code)
		disabled.Disabled = true
		unverified.Verified = false
		for _, h := range []*monitor.Channel{disabled, unverified} {
			if err := testdb.PutChannel(t.Context(), f.Store, h); err != nil {
				t.Fatal(err)
			}
		}
		f.dispatch(f.config())
		f.until("all to be settled", func() bool { return f.with(code, 3, monitor.DeliveryFailed) })
		reasons := map[uuid.UUID]string{}
		for _, d := range f.deliveries(code) {
			reasons[d.ChannelID] = d.LastError
		}
		want := map[uuid.UUID]string{disabled.ID: "The integration is disabled", unverified.ID: "The address is not verified",
			unknown.ID: `This site does not offer the integration "pigeon"`}
		diff := cmp.Diff(want, reasons)
		if diff != "" {
			t.Errorf("reasons (-want +got):\n%s", diff)
		}
		n := f.sink.count()
		if n != 0 {
			t.Errorf("%d attempts, want none", n)
		}
	})
}

func TestATestNotification(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		kinds := registry(f.sink)
		both := f.channel(sinkConfig{To: "a"})
		onlyUp := f.channel(sinkConfig{To: "b", OnlyUp: true})
		for _, h := range []*monitor.Channel{both, onlyUp} {
			_, err := alert.SendTest(t.Context(), f.Store, kinds, *h)
			if err != nil {
				t.Fatal(err)
			}
		}
		sent := f.sink.attempts()
		if len(sent) != 2 || sent[0].Status != monitor.StatusDown || sent[1].Status != monitor.StatusUp {
			t.Fatalf("sent %d", len(sent))
		}
		c := sent[0].Check
		if !sent[0].Test || c.Name != "TEST" || c.NPings != 42 || !c.LastPing.Equal(f.Now().Add(-24*time.Hour)) ||
			c.Status != monitor.StatusDown {
			t.Errorf("told of %+v", c)
		}
		f.sink.answer = func(context.Context, notify.Event) error {
			return &notify.Error{Message: "Received status code 404", Class: notify.Dead}
		}
		_, err := alert.SendTest(t.Context(), f.Store, kinds, *both)
		sendErr := (*notify.Error)(nil)
		if !errors.As(err, &sendErr) || sendErr.Message != "Received status code 404" {
			t.Errorf("error %v", err)
		}
		if h, err := f.ChannelByID(t.Context(), both.ID); err != nil || h.LastError != "Received status code 404" || !h.Disabled {
			t.Errorf("channel %+v, %v", h, err)
		}
	})
}

// The button "Test" must not mail somebody who has not agreed, or not any more.
func TestATestIsNotSentToWhoHasNotAgreed(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		kinds := registry(f.sink)
		asked := f.channel(sinkConfig{To: "a"})
		_, err := f.ChangeChannel(t.Context(), asked.ID, func(ch *monitor.Channel) error { ch.Verified = false; return nil })
		if err != nil {
			t.Fatal(err)
		}
		ended := &monitor.Channel{ProjectID: f.account.Project.ID, Kind: "email", Config: `{"address":"ops@example.org"}`, Verified: true}
		if err := f.CreateChannel(t.Context(), ended); err != nil {
			t.Fatal(err)
		}
		if err := f.Unsubscribe(t.Context(), ended.ID); err != nil {
			t.Fatal(err)
		}
		for want, ch := range map[string]*monitor.Channel{"not been confirmed": asked, "has unsubscribed": ended} {
			// what was loaded before does not count
			ch.Kind = asked.Kind
			_, err := alert.SendTest(t.Context(), f.Store, kinds, *ch)
			if errs.KindOf(err) != errs.Conflict || !strings.Contains(errs.Message(err), want) {
				t.Errorf("%v, want …%s…", err, want)
			}
		}
		n := f.sink.count()
		if n != 0 {
			t.Errorf("%d were sent", n)
		}
	})
}

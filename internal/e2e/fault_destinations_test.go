package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/smtpsink"
)

// failedOnce is the newest delivery of a check, whose first attempt has failed.
func failedOnce(t *testing.T, s *store.Store, code uuid.UUID) (d store.DeliveryRow) {
	t.Helper()
	c, err := s.CheckByCode(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	eventuallyWithin(t, 3*patience, "the first attempt fails", func() bool {
		rows, err := s.DeliveriesOf(t.Context(), c.ID, store.DeliveryFilter{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 || rows[0].LastError == "" {
			return false
		}
		d = rows[0]
		return true
	})
	if d.Status != monitor.DeliveryPending {
		t.Fatalf("after one failure the delivery is %s: %s", d.Status, d.LastError)
	}
	return d
}

// once makes the check change once.
func once(e env, codes []uuid.UUID, made map[uuid.UUID]int, n int) {
	c := &changes{}
	for _, code := range codes {
		c.ping(e.site("/ping/" + code.String() + [...]string{"/fail", ""}[n%2]))
		made[code]++
	}
}

// A mail server in each kind of trouble costs an attempt, never an alert. Where
// nobody can tell whether it took the mail, the mail comes again, with the same
// Message-ID.
func TestFaultMailServersInTrouble(t *testing.T) {
	t.Parallel()
	troubles := []struct {
		name      string
		behaviour smtpsink.Behaviour
		mails     int
	}{
		{"closes before the greeting", smtpsink.Refuse, 1},
		{"drops the connection after DATA", smtpsink.DropAfterData, 2},
		{"puts the recipient off", smtpsink.RejectRcpt(451), 1},
		{"puts the message off", smtpsink.RejectData(452), 1},
		{"falls silent after DATA", smtpsink.Hang, 1},
		{"does not say a word", smtpsink.Mute, 1},
	}
	if !full() {
		// silence takes the sender's whole patience, 20 s
		troubles = troubles[:4]
	}
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, len(troubles))
		sink := smtpsink.New(t, smtpsink.Options{TLS: "none"})
		e := newEnv(t, engine).with(env{"PUNCTUAL_SMTP_HOST": sink.Host(), "PUNCTUAL_SMTP_PORT": strconv.Itoa(sink.Port()),
			"PUNCTUAL_SMTP_TLS": "none"})
		s := e.migrated(t)
		codes := watched(t, s, 1, &monitor.Channel{Kind: "email", Config: `{"address":"you@example.org","up":true,"down":true}`, Verified: true})
		// It has tried the mail server: what follows happens to mails.
		e.start(t, "up").waitFor("the mail server answers")
		before := 0
		made := map[uuid.UUID]int{}
		for i, trouble := range troubles {
			sink.Next(trouble.behaviour)
			once(e, codes, made, i)
			failedOnce(t, s, codes[0])
			expireLeases(t, s)
			waitUntilSent(t, s)
			f.alerts++
			mails := sink.Messages()[before:]
			if len(mails) != trouble.mails {
				t.Fatalf("a server that %s: %d mails, want %d", trouble.name, len(mails), trouble.mails)
			}
			for _, m := range mails {
				id := m.Header.Get("Message-ID")
				if id != mails[0].Header.Get("Message-ID") || id == "" {
					t.Errorf("a server that %s: the mail came again as another, %s", trouble.name, id)
				}
			}
			f.alertsTwice += len(mails) - 1
			before += len(mails)
		}
		n := made[codes[0]]
		if n != f.alerts {
			t.Errorf("%d changes, %d alerts", n, f.alerts)
		}
	})
}

// A webhook in each kind of trouble costs an attempt, never an alert.
func TestFaultWebhooksInTrouble(t *testing.T) {
	t.Parallel()
	// bytes of answers without end
	var read atomic.Int64
	troubles := []struct {
		name   string
		answer http.HandlerFunc
		// at least, before the next attempt; 0 = the answer counts as a yes
		wait time.Duration
	}{
		{"500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, 5 * time.Second},
		{"429 with Retry-After", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(429)
		}, 3590 * time.Second},
		{"closed early", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 5 * time.Second},
		{"500 without end", func(w http.ResponseWriter, r *http.Request) { read.Add(endless(w, r, 500)) }, 5 * time.Second},
		{"200 without end", func(w http.ResponseWriter, r *http.Request) { read.Add(endless(w, r, 200)) }, 0},
		{"200 without end, drop by drop", drip, 0},
		{"silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 5 * time.Second},
	}
	if !full() {
		// the others take the client's whole patience, 30 s each
		troubles = troubles[:5]
	}
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, len(troubles))
		// of the next call
		var trouble atomic.Pointer[http.HandlerFunc]
		rc := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
			answer := trouble.Swap(nil)
			if answer != nil {
				(*answer)(w, r)
			}
		})
		// net/http repeats by itself what breaks on a used connection
		rc.Config.SetKeepAlivesEnabled(false)
		e := newEnv(t, engine)
		s := e.migrated(t)
		codes := watched(t, s, 1, rc.channel())
		e.start(t, "up")
		made := map[uuid.UUID]int{}
		repeated := 0
		for i, tr := range troubles {
			trouble.Store(&tr.answer)
			once(e, codes, made, i)
			if tr.wait > 0 {
				repeated++
				d := failedOnce(t, s, codes[0])
				wait := d.NextTryAt.Sub(s.Now())
				if wait < tr.wait {
					t.Errorf("%s: tried again in %v, want %v at least", tr.name, wait, tr.wait)
				}
				expireLeases(t, s)
			}
			waitUntilSent(t, s)
		}
		rc.check(t, made, f)
		n := read.Load()
		if n >= 64<<20 {
			t.Errorf("%d MB of answers without end were read", n>>20)
		}
		if f.alertsTwice != repeated {
			t.Errorf("%d attempts were repeated, want %d", f.alertsTwice, repeated)
		}
	})
}

// endless answers until the other side has had enough, or 64 MB are read. It
// returns how much was read, with what the network holds.
func endless(w http.ResponseWriter, r *http.Request, status int) (n int64) {
	w.WriteHeader(status)
	for piece := make([]byte, 1<<12); n < 64<<20 && r.Context().Err() == nil; n += int64(len(piece)) {
		_, err := w.Write(piece)
		if err != nil {
			break
		}
	}
	return n
}

// drip answers 200, and then a byte ten times a second until the other side has
// had enough.
func drip(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		_, err := w.Write([]byte{'.'})
		if err != nil {
			return
		}
		w.(http.Flusher).Flush()
		pause(100 * time.Millisecond)
	}
}

// An address that does not exist is not tried again: its integration is disabled,
// and the owner is told by mail.
func TestFaultAnAddressThatIsGone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) {
		sink := smtpsink.New(t, smtpsink.Options{TLS: "none"})
		e := newEnv(t, engine).with(env{"PUNCTUAL_SMTP_HOST": sink.Host(), "PUNCTUAL_SMTP_PORT": strconv.Itoa(sink.Port()),
			"PUNCTUAL_SMTP_TLS": "none"})
		s := e.migrated(t)
		gone := &monitor.Channel{Kind: "email", Config: `{"address":"gone@example.org","up":true,"down":true}`, Verified: true}
		codes := watched(t, s, 1, gone)
		sink.Next(smtpsink.RejectRcpt(550))
		e.start(t, "up")
		once(e, codes, map[uuid.UUID]int{}, 0)
		message := sink.WaitFor(t, func(m smtpsink.Message) bool { return m.SentTo("owner@example.org") })
		if !strings.HasPrefix(message.Subject(), "Alerts do not arrive") || !strings.Contains(message.Subject(), "gone@example.org") {
			t.Errorf("the owner got %q", message.Subject())
		}
		eventually(t, "the integration is disabled", func() bool {
			h, err := s.ChannelByID(t.Context(), gone.ID)
			return err == nil && h.Disabled && h.LastError != ""
		})
		for _, m := range sink.Messages() {
			if m.SentTo("gone@example.org") {
				t.Error("an alert came to the address that is gone")
			}
		}
	})
}

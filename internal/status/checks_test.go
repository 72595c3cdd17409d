package status_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/status"
	"punctual/internal/store"
	"punctual/internal/testkit/smtpsink"
	"punctual/internal/testkit/testdb"
)

// want holds the result of one check against what it should be; fact is a part of
// the message.
func want(t *testing.T, c status.Check, severity status.Severity, fact string, fields ...status.Field) status.Result {
	t.Helper()
	r := look(t, c)
	if r.Severity != severity || !strings.Contains(r.Message(), fact) {
		t.Errorf("%s: %s, %q; want %s, %q", r.Name, r.Severity, r.Message(), severity, fact)
	}
	for _, w := range fields {
		got := field(r, w.Name)
		if got != w.Value {
			t.Errorf("%s: %s is %v, want %v", r.Name, w.Name, got, w.Value)
		}
	}
	return r
}

func field(r status.Result, name string) any {
	for _, f := range r.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

func TestStorageWritesReadsAndDeletes(t *testing.T) {
	dir := t.TempDir()
	want(t, status.Storage(status.Directory{Path: dir}), status.OK, "read and deleted in "+dir)
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	gone := filepath.Join(dir, "gone")
	want(t, status.Storage(status.Directory{Path: gone}), status.Error, "no such file or directory",
		status.Field{Name: "directory", Value: gone})
	want(t, status.Storage(status.Directory{Path: gone, Spare: true}), status.Warning, "cannot be kept")
}

func TestDiskShowsHowMuchIsFree(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		free, total uint64
		spare       bool
		want        status.Severity
		fact        string
	}{
		{50 * gib, 100 * gib, false, status.OK, "50 GiB of 100 GiB free"},
		{10 * gib, 100 * gib, false, status.OK, ""},
		{99 * gib / 10, 100 * gib, false, status.Warning, "only 9.9 GiB of 100 GiB free"},
		{3 * gib, 100 * gib, false, status.Warning, ""},
		{29 * gib / 10, 100 * gib, false, status.Error, ""},
		{29 * gib / 10, 100 * gib, true, status.Warning, ""},
		{64 << 20, 128 << 20, false, status.OK, ""},
		{63 << 20, 128 << 20, false, status.Error, "only 63 MiB of 128 MiB free"},
		{0, 0, false, status.Error, "0 B"},
	} {
		space := func(string) (status.Space, error) { return status.Space{Free: c.free, Total: c.total}, nil }
		want(t, status.Disk(status.Directory{Path: "/x", Spare: c.spare}, space), c.want, c.fact,
			status.Field{Name: "free_bytes", Value: int64(c.free)})
	}
	want(t, status.Disk(status.Directory{Path: filepath.Join(t.TempDir(), "gone")}, status.DiskSpace), status.Error, "no such file")
	s, err := status.DiskSpace(t.TempDir())
	if err != nil || s.Total == 0 || s.Free > s.Total {
		t.Errorf("the real disk: %+v, %v", s, err)
	}
}

func TestMemoryAndFilesGetTight(t *testing.T) {
	for _, c := range []struct {
		used uint64
		want status.Severity
	}{{500, status.OK}, {800, status.OK}, {801, status.Warning}, {950, status.Warning}, {951, status.Error}, {1200, status.Error}} {
		use := func() (status.Use, error) { return status.Use{Used: c.used, Limit: 1000}, nil }
		want(t, status.Memory(use), c.want, "of 1000 B in use", status.Field{Name: "resident_bytes", Value: int64(c.used)})
		want(t, status.Files(use), c.want, "of 1000 files and connections open", status.Field{Name: "open", Value: int64(c.used)})
	}
	elsewhere := func() (status.Use, error) { return status.Use{}, fs.ErrNotExist }
	want(t, status.Memory(elsewhere), status.OK, "not known on this system")
	odd := func() (status.Use, error) { return status.Use{}, errors.New("odd") }
	want(t, status.Files(odd), status.Warning, "not known: odd")
	endless := func() (status.Use, error) { return status.Use{Used: 7, Limit: math.MaxUint64}, nil }
	want(t, status.Files(endless), status.OK, "7 of")
}

func TestTheLimitOfMemoryIsTheTightestOne(t *testing.T) {
	const gib = 1 << 30
	page := uint64(os.Getpagesize())
	for name, c := range map[string]struct {
		files map[string]string
		want  uint64
	}{
		"no groups":  {nil, 8 * gib},
		"no limit":   {map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n"}, 8 * gib},
		"of its own": {map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "1073741824\n"}, gib},
		"of one around it": {map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "2147483648\n",
			"sys/fs/cgroup/a/b/memory.max": "max\n"}, 2 * gib},
		"in a container": {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1073741824\n"}, gib},
		"version 1": {map[string]string{"proc/self/cgroup": "5:cpu:/x\n4:memory:/docker/abc\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n"}, gib},
		"version 1, none": {map[string]string{"proc/self/cgroup": "4:memory:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 8 * gib},
		"more than there is": {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "99999999999999\n"}, 8 * gib},
	} {
		root := fstest.MapFS{
			"proc/self/statm": {Data: []byte("9000 250 100 1 0 400 0\n")},
			"proc/meminfo":    {Data: []byte("MemTotal:        8388608 kB\nMemFree:          100 kB\n")},
		}
		for path, text := range c.files {
			root[path] = &fstest.MapFile{Data: []byte(text)}
		}
		u, err := status.MemoryUse(root)
		if err != nil || u.Used != 250*page || u.Limit != c.want {
			t.Errorf("%s: %+v, %v; want %d pages of %d", name, u, err, 250, c.want)
		}
	}
	_, err := status.MemoryUse(fstest.MapFS{})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without /proc: %v", err)
	}
	for what, use := range map[string]func(fs.FS) (status.Use, error){"memory": status.MemoryUse, "files": status.FileUse} {
		u, err := use(os.DirFS("/"))
		if errors.Is(err, fs.ErrNotExist) {
			t.Logf("%s: this system has no /proc", what)
		} else if err != nil || u.Used == 0 || u.Limit < u.Used {
			t.Errorf("%s of this process: %+v, %v", what, u, err)
		}
	}
}

func TestClocksThatDisagree(t *testing.T) {
	for _, c := range []struct {
		skew time.Duration
		want status.Severity
		fact string
	}{
		{0, status.OK, "agrees"},
		{2 * time.Second, status.OK, "agrees"},
		{-3 * time.Second, status.Warning, "3 seconds ahead of the database's"},
		{time.Minute, status.Warning, "1 minute behind the database's"},
		{-2 * time.Hour, status.Error, "2 hours ahead of"},
	} {
		measure := func(context.Context) (time.Duration, error) { return c.skew, nil }
		want(t, status.Clock(measure), c.want, c.fact, status.Field{Name: "skew_seconds", Value: c.skew.Seconds()})
	}
	away := func(context.Context) (time.Duration, error) { return 0, errors.New("away") }
	want(t, status.Clock(away), status.Error, "not known: the database cannot be read: away")
}

func TestTheWatcherMayNotLagBehind(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		ping := &store.Arrival{Code: a.Check.Code, Ping: monitor.Ping{CreatedAt: clock.Now(), Kind: monitor.PingSuccess}}
		if err := s.RecordPings(t.Context(), []*store.Arrival{ping}); err != nil {
			t.Fatal(err)
		}
		deadline, err := s.NextWatch(t.Context())
		if err != nil || deadline.IsZero() {
			t.Fatalf("deadline %s, %v", deadline, err)
		}
		node := &monitor.Node{ID: uuid.New(), Role: "sendalerts", StartedAt: clock.Now()}
		open := func(context.Context) (*store.Store, error) { return s, nil }
		for _, c := range []struct {
			late time.Duration
			want status.Severity
			fact string
		}{
			{-time.Hour, status.OK, "watching"},
			{10 * time.Second, status.OK, "watching"},
			{11 * time.Second, status.Warning, "a deadline passed 11 seconds ago"},
			{time.Minute, status.Warning, "a deadline passed 1 minute ago"},
			{2 * time.Hour, status.Error, "a deadline passed 2 hours ago"},
		} {
			clock.Set(deadline.Add(c.late))
			if err := s.Heartbeat(t.Context(), node); err != nil {
				t.Fatal(err)
			}
			want(t, status.SendAlerts(open), c.want, c.fact, status.Field{Name: "lag_seconds", Value: max(0, c.late.Seconds())},
				status.Field{Name: "processes", Value: 1})
		}
	})
}

func TestReportsMayWaitAWhile(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		open := func(context.Context) (*store.Store, error) { return s, nil }
		want(t, status.SendReports(open), status.Warning, "start `punctual sendreports`", status.Field{Name: "processes", Value: 0})
		due := clock.Now().Add(time.Hour)
		_, err := s.ChangeUser(t.Context(), testdb.Account(t, s).User.ID, func(u *monitor.User) error { u.NextReportAt = due; return nil })
		if err != nil {
			t.Fatal(err)
		}
		node := &monitor.Node{ID: uuid.New(), Role: "sendreports", StartedAt: clock.Now()}
		for _, c := range []struct {
			late time.Duration
			want status.Severity
			fact string
		}{
			{-time.Hour, status.OK, "sending"},
			{10 * time.Minute, status.OK, "sending"},
			{11 * time.Minute, status.Warning, "late: a report has been due for 11 minutes"},
			{61 * time.Minute, status.Error, "late: a report has been due for 1 hour, 1 minute"},
		} {
			clock.Set(due.Add(c.late))
			if err := s.Heartbeat(t.Context(), node); err != nil {
				t.Fatal(err)
			}
			want(t, status.SendReports(open), c.want, c.fact, status.Field{Name: "lag_seconds", Value: max(0, c.late.Seconds())})
		}
		clock.Advance(time.Minute)
		want(t, status.SendReports(open), status.Error, "start `punctual sendreports`")
	})
}

func TestWhatWaitsTooLong(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		open := func(context.Context) (*store.Store, error) { return s, nil }
		want(t, status.Outbox(open), status.OK, "nothing waits")
		began := clock.Now()
		mail := &monitor.Email{MessageID: "m@x", Kind: "login", To: "a@example.org", Subject: "x", Text: "x", CreatedAt: began}
		if err := s.EnqueueEmail(t.Context(), mail); err != nil {
			t.Fatal(err)
		}
		want(t, status.Outbox(open), status.OK, "0 deliveries and 1 mail wait")
		clock.Advance(6 * time.Minute)
		want(t, status.Outbox(open), status.Warning, "a mail has been due for 6 minutes")
		a := testdb.Account(t, s)
		fail := &store.Arrival{Code: a.Check.Code, Ping: monitor.Ping{CreatedAt: clock.Now(), Kind: monitor.PingFail}}
		if err := s.RecordPings(t.Context(), []*store.Arrival{fail}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(2 * time.Minute)
		want(t, status.Outbox(open), status.Warning, "an alert has been due for 2 minutes; 1 waits")
		clock.Advance(4 * time.Minute)
		want(t, status.Outbox(open), status.Error, "an alert has been due for 6 minutes", status.Field{Name: "deliveries", Value: 1},
			status.Field{Name: "deliveries_lag_seconds", Value: 360.0}, status.Field{Name: "mails", Value: 1},
			status.Field{Name: "mails_lag_seconds", Value: 720.0})
	})
}

// What operators hold waits on purpose, and they are reminded of it.
func TestAlertsThatAreHeldAreNotLate(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		open := func(context.Context) (*store.Store, error) { return s, nil }
		a := testdb.Account(t, s)
		fail := &store.Arrival{Code: a.Check.Code, Ping: monitor.Ping{CreatedAt: clock.Now(), Kind: monitor.PingFail}}
		if err := s.RecordPings(t.Context(), []*store.Arrival{fail}); err != nil {
			t.Fatal(err)
		}
		want(t, status.Hold(open), status.OK, "no, alerts are sent")
		if err := s.HoldAlerts(t.Context(), "jane", "", clock.Now().Add(3*time.Hour)); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
		want(t, status.Outbox(open), status.OK, "1 delivery and 0 mails wait")
		want(t, status.Hold(open), status.Warning, "jane has held all alerts for 1 hour: nobody is told when a check goes down; they are released in 2 hours",
			status.Field{Name: "held_seconds", Value: 3600.0})
	})
}

func TestTheIngestQueueFillsUp(t *testing.T) {
	for n, severity := range map[int]status.Severity{0: status.OK, 50: status.OK, 51: status.Warning, 90: status.Warning, 91: status.Error,
		100: status.Error} {
		want(t, status.Ingest(func() int { return n }, 100), severity, "room for 100", status.Field{Name: "length", Value: n},
			status.Field{Name: "capacity", Value: 100})
	}
}

func newSender(t *testing.T, s mail.Settings) *mail.Sender {
	t.Helper()
	s.From = "punctual@example.org"
	sender, err := mail.NewSender(s)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

func TestMailIsTriedAsItIsSent(t *testing.T) {
	for _, mode := range []string{mail.TLSNone, mail.TLSStart, mail.TLSFull} {
		sink := smtpsink.New(t, smtpsink.Options{TLS: mode, Username: "punctual", Password: "geheim"})
		settings := mail.Settings{Host: sink.Host(), Port: sink.Port(), TLS: mode, Roots: sink.Roots(), Username: "punctual", Password: "geheim"}
		want(t, status.Mail(newSender(t, settings)), status.OK, "answers in")
		settings.Password = "wrong"
		r := want(t, status.Mail(newSender(t, settings)), status.Error, "")
		if strings.Contains(r.Message(), "wrong") || strings.Contains(r.Message(), "geheim") {
			t.Errorf("%s: the password is shown: %s", mode, r.Message())
		}
		if mode == mail.TLSNone {
			continue
		}
		settings.Roots = nil
		want(t, status.Mail(newSender(t, settings)), status.Error, "certificate")
		n := len(sink.Messages())
		if n != 0 {
			t.Errorf("%d mails were sent", n)
		}
	}
	want(t, status.Mail(newSender(t, mail.Settings{Host: "127.0.0.1", Port: 1, TLS: mail.TLSNone})), status.Error,
		"the mail server cannot be reached")
	silent := listening(t, "")
	want(t, status.Mail(newSender(t, mail.Settings{Host: "127.0.0.1", Port: silent.Port, TLS: mail.TLSNone})), status.Error,
		"the mail server did not answer in time")
}

func TestAMailIsSentWhenItIsAskedFor(t *testing.T) {
	sink := smtpsink.New(t, smtpsink.Options{})
	sender := newSender(t, mail.Settings{Host: sink.Host(), Port: sink.Port(), TLS: mail.TLSNone})
	r := status.NewRunner([]status.Check{status.Mail(sender),
		status.MailSend(sender, []string{"a@example.org", "b@example.org"}, "Punctual at https://punctual.example.org")}, nil)
	report := run(t, r)
	if len(report.Results) != 1 || len(sink.Messages()) != 0 {
		t.Errorf("%d results and %d mails, want none that nobody asked for", len(report.Results), len(sink.Messages()))
	}
	// asking again at once sends nothing
	for range 2 {
		got := run(t, r, "mail-send").Results[0]
		if got.Severity != status.OK || got.Fact != "the server has taken 2 mails" {
			t.Errorf("%+v", got)
		}
	}
	got := sink.Messages()
	if len(got) != 2 || !got[0].SentTo("a@example.org") || !got[1].SentTo("b@example.org") ||
		got[0].Subject() != "Mail from Punctual at https://punctual.example.org works" {
		t.Errorf("%+v", got)
	}
	sink.Always(smtpsink.RejectRcpt(550))
	want(t, status.MailSend(sender, []string{"a@example.org"}, "x"), status.Error,
		"a@example.org: the mail server says that there is no such address (code 550)")
}

// listening is a server that says hello and nothing more.
func listening(t *testing.T, hello string) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			_, _ = conn.Write([]byte(hello))
		}
	}()
	return l.Addr().(*net.TCPAddr)
}

func TestPingsByMailAreGreeted(t *testing.T) {
	want(t, status.SMTPD(listening(t, "220 localhost ESMTP\r\n").String()), status.OK, "takes mail at 127.0.0.1")
	want(t, status.SMTPD(listening(t, "421 too many connections\r\n").String()), status.Warning,
		"turns connections away: 421 too many connections")
	want(t, status.SMTPD(listening(t, "").String()), status.Error, "does not greet")
	want(t, status.SMTPD("127.0.0.1:1"), status.Error, "does not greet")

	s := testdb.Open(t, "sqlite", nil)
	open := func(context.Context) (*store.Store, error) { return s, nil }
	want(t, status.SMTPDNode(open), status.Error, "start `punctual smtpd`")
	if err := s.Heartbeat(t.Context(), &monitor.Node{ID: uuid.New(), Role: "smtpd", StartedAt: s.Now()}); err != nil {
		t.Fatal(err)
	}
	want(t, status.SMTPDNode(open), status.OK, "taking mail")
}

func TestSpoolTellsForHowLongPingsAreKept(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		kept     status.Kept
		severity status.Severity
		fact     string
	}{
		{status.Kept{Bytes: 90, Limit: 100}, status.OK, "no ping is kept"},
		{status.Kept{Pings: 1, Limit: 100, Oldest: now.Add(-5 * time.Second)}, status.OK, "1 ping is kept on this disk for 5 seconds"},
		{status.Kept{Pings: 7, Limit: 100, Oldest: now.Add(-30 * time.Second)}, status.Warning, "7 pings are kept"},
		{status.Kept{Pings: 7, Limit: 100, Oldest: now.Add(-2 * time.Minute)}, status.Error, "the database takes none"},
		{status.Kept{Pings: 7, Bytes: 81, Limit: 100, Oldest: now}, status.Error, "hardly room for more"},
	} {
		want(t, status.Spool(func() status.Kept { return c.kept }, func() time.Time { return now }), c.severity, c.fact,
			status.Field{Name: "pings", Value: c.kept.Pings})
	}
}

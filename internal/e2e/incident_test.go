package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
	"punctual/internal/testkit/smtpsink"
)

// operated is an instance whose operators are told of errors.
type operated struct {
	env
	sink *smtpsink.Sink
	chat *chat
}

// chat stands in for the incoming webhook of a chat.
type chat struct {
	*httptest.Server
	mu    sync.Mutex
	texts []string
}

func newChat(t *testing.T) *chat {
	c := &chat{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct{ Text string }
		// an empty text is found out below
		_ = json.NewDecoder(r.Body).Decode(&message)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.texts = append(c.texts, message.Text)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *chat) count(part string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range c.texts {
		if strings.Contains(text, part) {
			n++
		}
	}
	return n
}

func newOperated(t *testing.T, engine db.Engine) *operated {
	t.Helper()
	o := &operated{sink: smtpsink.New(t, smtpsink.Options{TLS: "none"}), chat: newChat(t)}
	o.env = newEnv(t, engine).with(env{
		"PUNCTUAL_SMTP_HOST": o.sink.Host(), "PUNCTUAL_SMTP_PORT": strconv.Itoa(o.sink.Port()), "PUNCTUAL_SMTP_TLS": "none",
		"PUNCTUAL_ADMINS": "Root <root@acme.example>, second@acme.example", "PUNCTUAL_ADMINS_WEBHOOK": o.chat.URL + "/services/chat-secret",
	})
	return o
}

// signedUp is a browser of somebody new.
func (o *operated) signedUp(t *testing.T, address string) *browser {
	t.Helper()
	b := o.browser(t)
	signUp(b, address, func() string {
		m := o.sink.WaitFor(t, func(m smtpsink.Message) bool { return m.SentTo(address) })
		return find(t, `(http://127\.0\.0\.1:\d+/accounts/check_token/\S+)`, m.Text)
	})
	return b
}

// mails are the mails to the operator with such a subject.
func (o *operated) mails(to, subject string) (list []smtpsink.Message) {
	for _, m := range o.sink.Messages() {
		if m.SentTo(to) && strings.Contains(m.Subject(), subject) {
			list = append(list, m)
		}
	}
	return list
}

func TestErrorsReachTheOperators(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		o := newOperated(t, engine)
		s := o.migrated(t)
		p := o.start(t, "serve")
		b := o.signedUp(t, "jane@example.org")
		_, err := s.DB().Exec(t.Context(), `ALTER TABLE walls RENAME TO walls_gone`)
		if err != nil {
			t.Fatal(err)
		}
		const subject = "[Punctual] A request failed (GET /walls)"
		var ref string
		for range 5 {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.site("/walls/?token=query-secret-1"), http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range map[string]string{"X-Api-Key": "header-secret-2", "Authorization": "Bearer header-secret-3",
				"X-Ping-Body": "header-secret-4"} {
				r.Header.Set(name, value)
			}
			status, page, _ := b.read(b.Do(r))
			if status != http.StatusInternalServerError || !strings.Contains(page, "Something broke") {
				t.Fatalf("%d\n%s", status, page)
			}
			if ref == "" {
				ref = find(t, `<code>([a-z0-9]{8})</code>`, page)
			}
		}
		for _, to := range []string{"root@acme.example", "second@acme.example"} {
			eventually(t, to+" is told", func() bool { return len(o.mails(to, subject)) == 1 })
		}
		text := o.mails("root@acme.example", subject)[0].Text
		for _, want := range []string{ref, "jane@example.org", "project.(*Pages).Walls", "walls",
			"GET " + strings.TrimPrefix(o.site("/walls?token=…"), "http://"), "X-Api-Key: (removed)", "punctual serve"} {
			if !strings.Contains(text, want) {
				t.Errorf("the mail does not say %q:\n%s", want, text)
			}
		}
		if strings.Contains(text, "secret") || strings.Contains(o.sink.Messages()[0].Text, "chat-secret") {
			t.Errorf("the mail says a secret:\n%s", text)
		}
		p.waitFor(`"level":"ERROR".*` + ref)
		eventually(t, "the chat is told", func() bool { return o.chat.count(ref) == 1 })
		code := p.terminate()
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
		// what was held back is told at the end
		mails := o.mails("root@acme.example", subject)
		if len(mails) != 2 || !strings.Contains(mails[1].Text, "And 3 more since") || o.chat.count("And 3 more since") != 1 {
			t.Errorf("%d mails; %q", len(mails), o.chat.texts)
		}
	})
}

func TestPagesAreCalmWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]struct{ begin, end func(*testing.T, *pgCluster) }{
		"stopped": {func(t *testing.T, c *pgCluster) { must(t, c.Stop("immediate")) }, func(t *testing.T, c *pgCluster) { must(t, c.Restart()) }},
		"hung": {func(t *testing.T, c *pgCluster) { c.signal(t, syscall.SIGSTOP) },
			func(t *testing.T, c *pgCluster) { c.signal(t, syscall.SIGCONT) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &pgCluster{cluster(t, pgtest.Options{})}
			dsn, err := c.CreateDatabase()
			must(t, err)
			o := newOperated(t, db.SQLite)
			o.env["PUNCTUAL_DATABASE_URL"] = dsn
			s := o.migrated(t)
			o.start(t, "serve")
			b := o.signedUp(t, "jane@example.org")
			_, page, _ := b.get("/")
			project := find(t, `/projects/([0-9a-f-]{36})/checks/`, page)
			id, _, _ := strings.Cut(project, "/")
			_, page, _ = b.get("/projects/" + id + "/badges/")
			badge := find(t, `(/b(?:adge)?/[^"\s]+\.svg)`, page)
			s.DB().Close()
			away.begin(t, c)
			t.Cleanup(func() { away.end(t, c) })

			var all sync.WaitGroup
			for _, path := range []string{"/", "/projects/" + id + "/checks/", "/walls/", badge, "/api/v3/checks/", "/api/v3/badges/",
				"/ping/1234567890123456789012/slug"} {
				all.Go(func() {
					r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, o.site(path), http.NoBody)
					if strings.HasPrefix(path, "/api/") {
						r.Header.Set("X-Api-Key", strings.Repeat("k", 32))
					}
					began := time.Now()
					res, err := b.Do(r)
					if err != nil {
						t.Error(err)
						return
					}
					defer res.Body.Close()
					body, _ := io.ReadAll(res.Body)
					took := time.Since(began)
					t.Logf("%s: %d after %s", path, res.StatusCode, took)
					if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
						t.Errorf("%s: %d, Retry-After %q\n%s", path, res.StatusCode, res.Header.Get("Retry-After"), body)
					}
					// 8 s at most, on a machine with nothing else to do
					if took > 20*time.Second {
						t.Errorf("%s: after %s", path, took)
					}
					switch {
					case strings.HasPrefix(path, "/api/"):
						var answer struct{ Error string }
						if err := json.Unmarshal(body, &answer); err != nil || !strings.Contains(answer.Error, "reference") {
							t.Errorf("%s: %s", path, body)
						}
					case strings.Contains(path, ".svg"), strings.HasPrefix(path, "/ping/"):
					default:
						if !regexp.MustCompile(`<code>[a-z0-9]{8}</code>`).Match(body) ||
							!strings.Contains(string(body), "The database does not answer right now.") {
							t.Errorf("%s: %s", path, body)
						}
					}
				})
			}
			all.Wait()
			const subject = "[Punctual] The database does not answer"
			eventually(t, "the operators are told", func() bool { return len(o.mails("root@acme.example", subject)) > 0 })
			n := len(o.mails("root@acme.example", ""))
			if n != 1 {
				t.Errorf("%d reports of one outage", n)
			}
		})
	}
}

func TestAKilledWorkerIsNoticed(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		const gone, back = "No alerts are being sent", "Alerts are being sent again"
		o := newOperated(t, engine)
		s := o.migrated(t)
		o.start(t, "serve")
		worker := o.start(t, "sendalerts")
		b := o.signedUp(t, "root@example.org")
		banner := func() bool {
			_, page, _ := b.get("/")
			return strings.Contains(page, gone)
		}
		worker.terminate()
		if banner() {
			t.Error("who cannot do anything about it is told")
		}
		_, err := s.DB().Exec(t.Context(), `UPDATE users SET is_superuser = $1`, true)
		if err != nil {
			t.Fatal(err)
		}
		// a restart
		worker = o.start(t, "sendalerts")
		if banner() {
			t.Error("a restart is told")
		}
		worker.kill()
		began := time.Now()
		eventuallyWithin(t, time.Minute, "the page says so", banner)
		took := time.Since(began)
		if took > 35*time.Second {
			t.Errorf("the page says so after %s", took)
		}
		eventuallyWithin(t, time.Minute, "the operators are told", func() bool {
			return len(o.mails("root@acme.example", gone)) == 1 && len(o.mails("second@acme.example", gone)) == 1 && o.chat.count(gone) == 1
		})
		o.start(t, "sendalerts")
		eventually(t, "the operators are told that it is back", func() bool { return len(o.mails("root@acme.example", back)) == 1 })
		n := len(o.mails("root@acme.example", ""))
		if n != 2 || banner() {
			t.Errorf("%d mails to the operator", n)
		}
	})
}

func TestAnotherMonitorHearsThatSendalertsWorks(t *testing.T) {
	t.Parallel()
	beats := make(chan *http.Request, 100)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { beats <- r }))
	t.Cleanup(other.Close)
	e := newEnv(t, db.SQLite)
	e["PUNCTUAL_HEARTBEAT_URL"] = other.URL + "/ping/1234"
	e.migrated(t)
	e.start(t, "serve")
	e.start(t, "sendalerts")
	select {
	case r := <-beats:
		if r.Method != http.MethodGet || r.URL.Path != "/ping/1234" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
	case <-time.After(patience):
		t.Error("no heartbeat")
	}
}

// pgCluster is a PostgreSQL that can be stopped in the middle of everything.
type pgCluster struct{ *pgtest.Cluster }

// signal sends a signal to all its processes.
func (c *pgCluster) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	pidFile, err := os.ReadFile(filepath.Join(c.Dir, "data", "postmaster.pid"))
	must(t, err)
	first, _, _ := strings.Cut(string(pidFile), "\n")
	postmaster, err := strconv.Atoi(first)
	must(t, err)
	pids := []int{postmaster}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			// it has ended
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == first {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, sig); err != nil {
			t.Logf("signal %d to %d: %v", sig, pid, err)
		}
	}
}

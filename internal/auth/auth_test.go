package auth_test

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// bench is a Service with what it has mailed.
type bench struct {
	*testing.T
	*auth.Service
	clock *testdb.Clock

	// links are mailed after the answers, several at once
	mu   sync.Mutex
	sent []string
}

func newBench(t *testing.T, s *store.Store, clock *testdb.Clock, change ...func(*auth.Config)) *bench {
	b := &bench{T: t, clock: clock}
	c := auth.Config{
		Store: s, SecretKey: "s3cret", SiteRoot: "https://example.org/punctual", RegistrationOpen: true, CheckLimit: 20, PingLogLimit: 50,
		Log: slog.New(slog.DiscardHandler),
		SendLogin: func(_ context.Context, _ *monitor.User, link string) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.sent = append(b.sent, link)
			return nil
		},
	}
	for _, f := range change {
		f(&c)
	}
	b.Service = auth.NewService(c)
	return b
}

// ask asks for a link and returns the mark of the browser.
func (b *bench) ask(address string, change ...func(*auth.LoginRequest)) string {
	b.Helper()
	q := auth.LoginRequest{Identity: address, TZ: "Europe/Kiev", Origin: auth.Origin{IP: "192.0.2.1"}}
	for _, f := range change {
		f(&q)
	}
	browser, err := b.RequestLogin(b.Context(), q)
	if err != nil {
		b.Fatal(err)
	}
	b.Wait(b.Context())
	return browser
}

// link takes the last mailed link apart.
func (b *bench) link() (user uuid.UUID, token, next string) {
	b.Helper()
	if len(b.sent) == 0 {
		b.Fatal("nothing was mailed")
	}
	u, err := url.Parse(b.sent[len(b.sent)-1])
	if err != nil {
		b.Fatal(err)
	}
	parts := strings.Split(u.Path, "/")
	if !strings.HasPrefix(u.String(), "https://example.org/punctual/accounts/check_token/") || len(parts) != 7 {
		b.Fatalf("link %s", u)
	}
	return uuid.MustParse(parts[4]), parts[5], u.Query().Get("next")
}

func each(t *testing.T, test func(b *bench)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) { test(newBench(t, s, clock)) })
}

func kindIs(t *testing.T, err error, want errs.Kind, field string) {
	t.Helper()
	if err == nil || errs.KindOf(err) != want || errs.FieldOf(err) != field {
		t.Errorf("error %v of kind %s, field %q; want kind %s, field %q", err, errs.KindOf(err), errs.FieldOf(err), want, field)
	}
}

func TestSigningUpMakesEverythingAJobNeeds(t *testing.T) {
	each(t, func(b *bench) {
		b.ask("  Jane.Roe@Example.ORG ")

		user, err := b.Store.UserByEmail(b.Context(), "jane.roe@example.org")
		if err != nil {
			b.Fatal(err)
		}
		if user.TZ != "Europe/Kyiv" || !user.IsActive || user.IsSuperuser || user.CheckLimit != 20 || user.PingLogLimit != 50 {
			b.Errorf("user %+v", user)
		}
		projects, err := b.Store.ProjectsOf(b.Context(), user.ID)
		if err != nil || len(projects) != 1 || projects[0].Name == "" {
			b.Fatalf("projects %+v, %v", projects, err)
		}
		checks, err := testdb.ChecksOf(b.Context(), b.Store, projects[0].ID)
		if err != nil || len(checks) != 1 || checks[0].Name != "My First Check" || checks[0].Slug != "my-first-check" {
			b.Fatalf("checks %+v, %v", checks, err)
		}
		channels, err := b.Store.ChannelsOfCheck(b.Context(), checks[0].ID)
		if err != nil || len(channels) != 1 {
			b.Fatalf("channels %+v, %v", channels, err)
		}
		c := channels[0]
		if c.Kind != "email" || !c.Verified || c.Config != `{"address":"jane.roe@example.org","down":true,"up":true}` {
			b.Errorf("channel %+v", c)
		}
	})
}

func TestALinkWorksOnce(t *testing.T) {
	each(t, func(b *bench) {
		browser := b.ask("jane@example.org", func(q *auth.LoginRequest) { q.Next = "/docs/?a=1&b=2" })
		id, token, next := b.link()
		if next != "/docs/?a=1&b=2" {
			b.Errorf("next %q", next)
		}
		if link, err := b.CheckLink(b.Context(), id, token, browser); err != nil || link != (auth.Link{Valid: true, SameBrowser: true}) {
			b.Errorf("in the same browser %+v, %v", link, err)
		}
		if link, err := b.CheckLink(b.Context(), id, token, "forged"); err != nil || link != (auth.Link{Valid: true}) {
			b.Errorf("in another browser %+v, %v", link, err)
		}
		user, err := b.UseLink(b.Context(), id, token)
		if err != nil || user.Email != "jane@example.org" {
			b.Fatalf("first use: %v, %v", user, err)
		}
		again, _ := b.Store.UserByID(b.Context(), id)
		if again.LastLoginAt.IsZero() {
			b.Error("the login is not noted")
		}
		_, err = b.UseLink(b.Context(), id, token)
		kindIs(b.T, err, errs.Unauthorized, "")
	})
}

func TestLinksThatDoNotWork(t *testing.T) {
	cases := map[string]func(b *bench, id uuid.UUID, token string) (uuid.UUID, string){
		"an hour later": func(b *bench, id uuid.UUID, token string) (uuid.UUID, string) {
			b.clock.Advance(auth.LinkLife)
			return id, token
		},
		"of somebody else": func(b *bench, _ uuid.UUID, token string) (uuid.UUID, string) {
			return testdb.Account(b.T, b.Store, "other@example.org").User.ID, token
		},
		"of nobody": func(_ *bench, _ uuid.UUID, token string) (uuid.UUID, string) { return uuid.Nil, token },
		"altered":   func(_ *bench, id uuid.UUID, token string) (uuid.UUID, string) { return id, token + "x" },
		"empty":     func(_ *bench, id uuid.UUID, _ string) (uuid.UUID, string) { return id, "" },
		"after another one was used": func(b *bench, id uuid.UUID, token string) (uuid.UUID, string) {
			b.ask("jane@example.org")
			_, newer, _ := b.link()
			_, err := b.UseLink(b.Context(), id, newer)
			if err != nil {
				b.Fatal(err)
			}
			return id, token
		},
		"of a deactivated account": func(b *bench, id uuid.UUID, token string) (uuid.UUID, string) {
			deactivate(b, id)
			return id, token
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			each(t, func(b *bench) {
				b.ask("jane@example.org")
				id, token, _ := b.link()
				id, token = change(b, id, token)
				_, err := b.UseLink(b.Context(), id, token)
				kindIs(b.T, err, errs.Unauthorized, "")
			})
		})
	}
}

func deactivate(b *bench, id uuid.UUID) {
	b.Helper()
	user, err := b.Store.UserByID(b.Context(), id)
	if err == nil {
		user.IsActive = false
		err = testdb.PutUser(b.Context(), b.Store, user)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func TestWhoHasAnAccountDoesNotShow(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		b := newBench(t, s, clock, func(c *auth.Config) { c.RegistrationOpen = false })
		testdb.Account(t, s, "known@example.org")
		gone := testdb.Account(t, s, "gone@example.org")
		deactivate(b, gone.User.ID)

		var marks []string
		for _, address := range []string{"known@example.org", "gone@example.org", "stranger@example.org"} {
			marks = append(marks, b.ask(address))
		}
		for _, m := range marks {
			if len(m) != len(marks[0]) {
				t.Errorf("marks %q", marks)
			}
		}
		if len(b.sent) != 1 {
			t.Errorf("mailed %q", b.sent)
		}
		_, err := s.UserByEmail(t.Context(), "stranger@example.org")
		if errs.KindOf(err) != errs.NotFound {
			t.Errorf("an account was made though registration is closed: %v", err)
		}
	})
}

func TestAddresses(t *testing.T) {
	for _, good := range []string{"a@b", "first.last+tag@example.org", "o'hara@example.org", "jürgen@example.org",
		strings.Repeat("a", 242) + "@example.org"} {
		_, err := auth.Address("identity", good)
		if err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "  ", "jane", "jane@", "@example.org", "Jane <jane@example.org>", "a@b, c@d", "a b@example.org",
		"jane@example.org\r\nBcc: x@example.org",
		strings.Repeat("a", 243) + "@example.org",
	} {
		_, err := auth.Address("identity", bad)
		kindIs(t, err, errs.Invalid, "identity")
	}
}

func TestTooManyLinksForOneMailbox(t *testing.T) {
	each(t, func(b *bench) {
		spellings := []string{"jane.roe@example.org", "janeroe@example.org", "jane.roe+a@example.org", "j.a.n.e.r.o.e+b@example.org"}
		for i := range 10 {
			b.ask(spellings[i%4], func(q *auth.LoginRequest) { q.IP = "192.0.2." + string(rune('0'+i)) })
		}
		_, err := b.RequestLogin(b.Context(), auth.LoginRequest{Identity: "jane.roe+new@example.org", Origin: auth.Origin{IP: "198.51.100.1"}})
		kindIs(b.T, err, errs.TooMany, "")
		wait := errs.RetryAfterOf(err)
		if wait <= 0 || wait > 6*time.Minute {
			b.Errorf("wait %s", wait)
		}
		b.clock.Advance(6 * time.Minute)
		b.ask("jane.roe@example.org", func(q *auth.LoginRequest) { q.IP = "198.51.100.1" })
	})
}

func TestTooManyLinksForOneNetwork(t *testing.T) {
	for name, ips := range map[string][2]string{"IPv4": {"192.0.2.1", "192.0.2.1"}, "the same /64": {"2001:db8::1", "2001:db8::ffff:2"}} {
		t.Run(name, func(t *testing.T) {
			each(t, func(b *bench) {
				for i := range 20 {
					b.ask(string(rune('a'+i))+"@example.org", func(q *auth.LoginRequest) { q.IP = ips[i%2] })
				}
				_, err := b.RequestLogin(b.Context(), auth.LoginRequest{Identity: "z@example.org", Origin: auth.Origin{IP: ips[0]}})
				kindIs(b.T, err, errs.TooMany, "")
				b.ask("z@example.org", func(q *auth.LoginRequest) { q.IP = "203.0.113.9" })
			})
		})
	}
}

func TestTheDemoCheckBecomesTheFirstCheck(t *testing.T) {
	each(t, func(b *bench) {
		demo, err := b.NewDemoCheck(b.Context(), "192.0.2.1")
		if err != nil {
			b.Fatal(err)
		}
		b.ask("jane@example.org", func(q *auth.LoginRequest) { q.DemoCheck = demo.Code })
		checks := checksOf(b, "jane@example.org")
		if len(checks) != 1 || checks[0].Code != demo.Code {
			b.Errorf("checks %+v, want the demo check %s only", checks, demo.Code)
		}

		b.ask("thief@example.org", func(q *auth.LoginRequest) { q.DemoCheck = demo.Code })
		if checks := checksOf(b, "thief@example.org"); len(checks) != 1 || checks[0].Code == demo.Code {
			b.Errorf("somebody else's check was adopted: %+v", checks)
		}
		// Not even what it is called by now shows.
		_, err = b.Store.UpdateCheck(b.Context(), demo.Code, func(c *store.CheckChange) error {
			c.Name = "Secret plans"
			c.Slug = "secret-plans"
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		b.ask("spy@example.org", func(q *auth.LoginRequest) { q.DemoCheck = demo.Code })
		checks = checksOf(b, "spy@example.org")
		if len(checks) != 1 || checks[0].Name != "My First Check" || checks[0].Slug != "my-first-check" {
			b.Errorf("the first check of somebody new: %+v", checks)
		}
		b.ask("late@example.org", func(q *auth.LoginRequest) { q.DemoCheck = uuid.New() })
		if checks := checksOf(b, "late@example.org"); len(checks) != 1 {
			b.Errorf("after the demo check was pruned: %+v", checks)
		}
	})
}

func checksOf(b *bench, email string) []monitor.Check {
	b.Helper()
	user, err := b.Store.UserByEmail(b.Context(), email)
	if err != nil {
		b.Fatal(err)
	}
	projects, err := b.Store.ProjectsOf(b.Context(), user.ID)
	if err != nil || len(projects) != 1 {
		b.Fatalf("projects %+v, %v", projects, err)
	}
	checks, err := testdb.ChecksOf(b.Context(), b.Store, projects[0].ID)
	if err != nil {
		b.Fatal(err)
	}
	return checks
}

func TestTooManyDemoChecks(t *testing.T) {
	b := newBench(t, testdb.Open(t, db.SQLite, testdb.NewClock()), nil)
	for range 30 {
		_, err := b.NewDemoCheck(t.Context(), "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.NewDemoCheck(t.Context(), "192.0.2.1")
	kindIs(t, err, errs.TooMany, "")
	if _, err := b.NewDemoCheck(t.Context(), "192.0.2.2"); err != nil {
		t.Error(err)
	}
}

// However many addresses they come from, visitors together make no more checks than
// the site allows.
func TestTooManyDemoChecksOfAll(t *testing.T) {
	b := newBench(t, testdb.Open(t, db.SQLite, testdb.NewClock()), nil)
	// In one go, as a bucket of one.
	ok, _, err := b.Store.TakeToken(t.Context(), b.Bucket("demo", ""), 1, time.Hour)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for _, ip := range []string{"192.0.2.1", "198.51.100.1"} {
		_, err := b.NewDemoCheck(t.Context(), ip)
		kindIs(t, err, errs.TooMany, "")
	}
}

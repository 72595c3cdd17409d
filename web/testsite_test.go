package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/clientip"
	"punctual/internal/db"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/static"
	"punctual/templates"
)

// testSite is a whole site with a database of its own, and one browser on it.
type testSite struct {
	testing.TB
	store  *store.Store
	clock  *testdb.Clock
	auth   *auth.Service
	server *Server
	url    string // of the site, without a slash at the end
	client *http.Client
	sent   *outbox
	header http.Header // of each request

	addresses *auth.Addresses
	mailbox   *mailboxLog
	streams   *atomic.Int32 // live pages that are open
}

// outbox collects what the site wanted to mail.
type outbox struct {
	mu       sync.Mutex
	links    []string // login links, in order
	verifies []mail.Verify
	factors  []mail.TwoFactor
	security []mail.Security
	people   []string // links of invitations, offers and changes of address, each after the address it went to
}

// told collects the link of a mail about people.
func (o *outbox) told(to, link string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.people = append(o.people, to, link)
	return nil
}

// linkTo is the link last mailed to the address about people.
func (s *testSite) linkTo(address string) string {
	s.Helper()
	s.sent.mu.Lock()
	defer s.sent.mu.Unlock()
	for i := len(s.sent.people) - 2; i >= 0; i -= 2 {
		if s.sent.people[i] == address {
			return s.sent.people[i+1]
		}
	}
	s.Fatalf("no mail to %s: %q", address, s.sent.people)
	return ""
}

// newTestSite starts a site; change may alter what it stands on.
func newTestSite(t testing.TB, engine db.Engine, change ...func(*Deps)) *testSite {
	t.Helper()
	clock := testdb.NewClock()
	st := testdb.Open(t, engine, clock)
	var site *Server
	streams := &atomic.Int32{}
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { countStreams(site, streams, w, r) }))
	t.Cleanup(listener.Close)
	root, err := url.Parse(listener.URL)
	if err != nil {
		t.Fatal(err)
	}
	out := &outbox{}
	d := Deps{
		Site: Instance{
			Name: "Punctual", Root: root, PingEndpoint: listener.URL + "/ping/", PingBodyLimit: 100000, Version: "test",
			RegistrationOpen: true, VerifyEmail: true, CheckLimit: 500, PingLogLimit: 100,
		},
		Store:     st,
		Sessions:  auth.NewSessionStore(st, auth.SessionConfig{Signer: auth.NewSigner(testSecret)}),
		Signer:    auth.NewSigner(testSecret),
		Notifiers: notify.NewRegistry(),
		SendVerify: func(_ context.Context, v mail.Verify) error {
			out.mu.Lock()
			defer out.mu.Unlock()
			out.verifies = append(out.verifies, v)
			return nil
		},
		Templates: templates.FS,
		Static:    static.FS,
		Proxies:   clientip.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, slog.New(slog.DiscardHandler)),
		Log:       slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&d)
	}
	if d.Auth == nil {
		d.Auth = auth.NewService(auth.Config{
			Store: st, SecretKey: testSecret, SiteRoot: d.Site.Root.String(), SiteName: d.Site.Name, RegistrationOpen: d.Site.RegistrationOpen,
			CheckLimit: 500, PingLogLimit: 100, Log: d.Log,
			SendLogin: func(_ context.Context, _ *monitor.User, link string) error {
				out.mu.Lock()
				defer out.mu.Unlock()
				out.links = append(out.links, link)
				return nil
			},
			Mails: auth.Mails{
				Invite:      func(_ context.Context, v mail.Invite) error { return out.told(v.To, v.Link) },
				Transfer:    func(_ context.Context, v mail.Transfer) error { return out.told(v.To, v.Link) },
				EmailChange: func(_ context.Context, v mail.EmailChange) error { return out.told(v.To, v.Link) },
				Removed: func(v mail.Removed) (*mail.Message, error) {
					return &mail.Message{Email: monitor.Email{MessageID: uuid.NewString(), Kind: mail.KindRemoved, To: v.To, Subject: v.Project, Text: v.By}}, nil
				},
				Stored: func(context.Context, *mail.Message) {},
				Security: func(_ context.Context, v mail.Security) error {
					out.mu.Lock()
					defer out.mu.Unlock()
					out.security = append(out.security, v)
					return nil
				},
				TwoFactor: func(_ context.Context, v mail.TwoFactor) error {
					out.mu.Lock()
					defer out.mu.Unlock()
					out.factors = append(out.factors, v)
					return nil
				},
			},
		})
	}
	mailbox := &mailboxLog{Handler: d.Log.Handler(), key: &mailboxToken{}}
	d.Log = slog.New(mailbox)
	if site, err = New(d); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(site.EndStreams) // before the listener waits for them
	s := &testSite{TB: t, store: st, clock: clock, auth: d.Auth, server: site, url: d.Site.Root.String(), sent: out, header: http.Header{}}
	s.mailbox = mailbox
	s.streams = streams
	s.addresses = &auth.Addresses{Store: d.Store, Signer: d.Signer, SiteRoot: s.url, Verify: d.Site.VerifyEmail, Send: d.SendVerify}
	return s.otherBrowser()
}

const testSecret = "a secret of tests only"

// eachSite runs the test once on each engine.
func eachSite(t *testing.T, test func(s *testSite)) {
	t.Helper()
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(newTestSite(t, engine))
		})
	}
}

// otherBrowser is the same site in a browser without cookies.
func (s *testSite) otherBrowser() *testSite {
	jar, _ := cookiejar.New(nil) // cannot fail
	other := *s
	other.header = s.header.Clone()
	other.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &other
}

// answer is what the site has answered.
type answer struct {
	testing.TB
	*goquery.Document
	status   int
	header   http.Header
	body     string
	location string // of a redirect, below the site's root
}

// get asks for a path, or a full address of the site.
func (s *testSite) get(path string) *answer {
	s.Helper()
	return s.do(http.MethodGet, path, nil)
}

// post sends a form.
func (s *testSite) post(path string, form url.Values) *answer {
	s.Helper()
	return s.do(http.MethodPost, path, form)
}

func (s *testSite) do(method, path string, form url.Values) *answer {
	s.Helper()
	if !strings.HasPrefix(path, "http") {
		path = s.url + path
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(s.Context(), method, path, body)
	if err != nil {
		s.Fatal(err)
	}
	for k, v := range s.header {
		req.Header[k] = v
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(raw)))
	if err != nil {
		s.Fatal(err)
	}
	return &answer{
		TB: s.TB, Document: doc, status: resp.StatusCode, header: resp.Header, body: string(raw),
		location: strings.TrimPrefix(strings.TrimPrefix(resp.Header.Get("Location"), s.url), s.server.Site.Root.Path),
	}
}

// is holds the status of an answer and returns the answer.
func (a *answer) is(status int) *answer {
	a.Helper()
	if a.status != status {
		a.Fatalf("status %d, want %d; %s%.1500s", a.status, status, a.header.Get("Location"), a.Find("main").Text())
	}
	return a
}

// leadsTo holds where a redirect after a post leads.
func (a *answer) leadsTo(path string) *answer {
	a.Helper()
	a.is(http.StatusSeeOther)
	if a.location != path {
		a.Fatalf("leads to %s, want %s", a.location, path)
	}
	return a
}

// text is the text of what the selector finds, blanks folded.
func (a *answer) text(selector string) string {
	return strings.Join(strings.Fields(a.Find(selector).Text()), " ")
}

// has holds that the main part of the page says each of the words.
func (a *answer) has(words ...string) *answer {
	a.Helper()
	text := a.text("main")
	for _, w := range words {
		if !strings.Contains(text, w) {
			a.Errorf("the page does not say %q; it says: %.1500s", w, text)
		}
	}
	return a
}

// hasNot holds that the main part of the page says none of the words.
func (a *answer) hasNot(words ...string) *answer {
	a.Helper()
	text := a.text("main")
	for _, w := range words {
		if strings.Contains(text, w) {
			a.Errorf("the page says %q: %.1500s", w, text)
		}
	}
	return a
}

// openMailbox opens the mailbox by the address that the log prints.
func (s *testSite) openMailbox() {
	s.Helper()
	s.get("/mailbox/?token=" + s.mailboxToken()).leadsTo("/mailbox/")
}

// mailboxToken is what opens the mailbox once, as the log prints it; "" = there is
// no mailbox.
func (s *testSite) mailboxToken() string {
	s.server.ShowMailbox(s.Context())
	s.mailbox.key.Lock()
	defer s.mailbox.key.Unlock()
	return s.mailbox.key.token
}

// mailboxLog hands on what is logged, and notes the token in the address that
// opens the mailbox.
type mailboxLog struct {
	slog.Handler

	key *mailboxToken
}

type mailboxToken struct {
	sync.Mutex

	token string
}

func (l *mailboxLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level == slog.LevelInfo || l.Handler.Enabled(ctx, level)
}

func (l *mailboxLog) Handle(ctx context.Context, record slog.Record) error {
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "mailbox" {
			l.key.Lock()
			_, l.key.token, _ = strings.Cut(a.Value.String(), "token=")
			l.key.Unlock()
		}
		return true
	})
	if !l.Handler.Enabled(ctx, record.Level) {
		return nil
	}
	return l.Handler.Handle(ctx, record)
}

// countStreams counts the live pages that are open while it serves them.
func countStreams(site http.Handler, open *atomic.Int32, w http.ResponseWriter, r *http.Request) {
	sw := &streamWriter{ResponseWriter: w, open: open}
	defer func() {
		if sw.counted {
			open.Add(-1)
		}
	}()
	site.ServeHTTP(sw, r)
}

type streamWriter struct {
	http.ResponseWriter

	open    *atomic.Int32
	counted bool
}

func (w *streamWriter) Write(p []byte) (int, error) {
	if !w.counted && w.Header().Get("Content-Type") == "text/event-stream" {
		w.counted = true
		w.open.Add(1)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *streamWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// lastLink is the login link mailed last.
func (s *testSite) lastLink() string {
	s.Helper()
	s.auth.Wait(s.Context())
	s.sent.mu.Lock()
	defer s.sent.mu.Unlock()
	if len(s.sent.links) == 0 {
		s.Fatal("no login link was mailed")
	}
	return s.sent.links[len(s.sent.links)-1]
}

// login signs the address up where it is new, and logs it in through its
// mailed link. It returns the user and the (first) project.
func (s *testSite) login(email string) (*monitor.User, *monitor.Project) {
	s.Helper()
	s.post("/accounts/login/", url.Values{"identity": {email}, "tz": {"Europe/Riga"}}).is(http.StatusSeeOther)
	s.get(s.lastLink()).is(http.StatusSeeOther)
	user, err := s.store.UserByEmail(s.Context(), email)
	if err != nil {
		s.Fatal(err)
	}
	projects, err := s.store.ProjectsOf(s.Context(), user.ID)
	if err != nil {
		s.Fatal(err)
	}
	if len(projects) == 0 {
		return user, nil
	}
	return user, &projects[0].Project
}

// firstCheck is the oldest check of the project.
func (s *testSite) firstCheck(p *monitor.Project) *monitor.Check {
	s.Helper()
	checks, err := testdb.ChecksOf(s.Context(), s.store, p.ID)
	if err != nil {
		s.Fatal(err)
	}
	if len(checks) == 0 {
		s.Fatal("the project has no checks")
	}
	return &checks[0]
}

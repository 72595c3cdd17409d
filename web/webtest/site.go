// Package webtest runs a whole site for tests, with a database of its own, and asks it
// as a browser does.
package webtest

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
	"punctual/internal/channel"
	"punctual/internal/clientip"
	"punctual/internal/db"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/project"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/static"
	"punctual/templates"
	"punctual/web"
	"punctual/web/ui"
)

// Site is a whole site with a database of its own, and one browser on it.
type Site struct {
	testing.TB
	Store    *store.Store
	Clock    *testdb.Clock
	Projects *project.Service
	Auth     *auth.Service
	Server   *web.Server
	// of the site, without a slash at the end
	URL    string
	Client *http.Client
	Sent   *outbox
	// of each request
	Header http.Header

	Channels *channel.Service
	mailbox  *mailboxLog
	// live pages that are open
	Streams *atomic.Int32
}

// outbox collects what the site wanted to mail.
type outbox struct {
	Mu sync.Mutex
	// login links, in order
	Links    []string
	Verifies []mail.Verify
	Factors  []mail.TwoFactor
	Security []mail.Security
	// links of invitations, offers and changes of address, each after the address it went to
	people []string
}

// collect collects the link of a mail about people.
func (o *outbox) collect(to, link string) error {
	o.Mu.Lock()
	defer o.Mu.Unlock()
	o.people = append(o.people, to, link)
	return nil
}

// LinkTo is the link last mailed to the address about people.
func (s *Site) LinkTo(address string) string {
	s.Helper()
	s.Sent.Mu.Lock()
	defer s.Sent.Mu.Unlock()
	for i := len(s.Sent.people) - 2; i >= 0; i -= 2 {
		if s.Sent.people[i] == address {
			return s.Sent.people[i+1]
		}
	}
	s.Fatalf("no mail to %s: %q", address, s.Sent.people)
	return ""
}

// New starts a site; change may alter what it stands on.
func New(t testing.TB, engine db.Engine, change ...func(*web.Deps)) *Site {
	t.Helper()
	clock := testdb.NewClock()
	st := testdb.Open(t, engine, clock)
	var site *web.Server
	streams := &atomic.Int32{}
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { countStreams(site, streams, w, r) }))
	t.Cleanup(listener.Close)
	root, err := url.Parse(listener.URL)
	if err != nil {
		t.Fatal(err)
	}
	out := &outbox{}
	ask := func(_ context.Context, v mail.Verify) error {
		out.Mu.Lock()
		defer out.Mu.Unlock()
		out.Verifies = append(out.Verifies, v)
		return nil
	}
	d := web.Deps{
		Site: ui.Instance{
			Name: "Punctual", Root: root, PingEndpoint: listener.URL + "/ping/", PingBodyLimit: 100000, Version: "test",
			RegistrationOpen: true, VerifyEmail: true, CheckLimit: 500, PingLogLimit: 100,
		},
		Store:     st,
		Sessions:  auth.NewSessionStore(st, auth.SessionConfig{Signer: auth.NewSigner(Secret)}),
		Signer:    auth.NewSigner(Secret),
		Notifiers: noKinds(t),
		Templates: templates.FS,
		Static:    static.FS,
		Proxies:   clientip.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, slog.New(slog.DiscardHandler)),
		Log:       slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&d)
	}
	d.Channels = &channel.Service{
		Store: d.Store, Signer: d.Signer, SiteRoot: d.Site.Root.String(), Verify: d.Site.VerifyEmail, Send: ask, Log: d.Log,
	}
	if d.Auth == nil {
		d.Auth = auth.NewService(auth.Config{
			Store: st, SecretKey: Secret, SiteRoot: d.Site.Root.String(), SiteName: d.Site.Name, RegistrationOpen: d.Site.RegistrationOpen,
			CheckLimit: 500, PingLogLimit: 100, Log: d.Log,
			SendLogin: func(_ context.Context, _ *monitor.User, link string) error {
				out.Mu.Lock()
				defer out.Mu.Unlock()
				out.Links = append(out.Links, link)
				return nil
			},
			Mails: auth.Mails{
				EmailChange: func(_ context.Context, v mail.EmailChange) error { return out.collect(v.To, v.Link) },
				Security: func(_ context.Context, v mail.Security) error {
					out.Mu.Lock()
					defer out.Mu.Unlock()
					out.Security = append(out.Security, v)
					return nil
				},
				TwoFactor: func(_ context.Context, v mail.TwoFactor) error {
					out.Mu.Lock()
					defer out.Mu.Unlock()
					out.Factors = append(out.Factors, v)
					return nil
				},
			},
		})
	}
	d.Projects = project.NewService(project.Config{
		Store: st, Auth: d.Auth, SiteRoot: d.Site.Root.String(), Log: d.Log,
		Mails: project.Mails{
			Invite:   func(_ context.Context, v mail.Invite) error { return out.collect(v.To, v.Link) },
			Transfer: func(_ context.Context, v mail.Transfer) error { return out.collect(v.To, v.Link) },
			Removed: func(v mail.Removed) (*mail.Message, error) {
				return &mail.Message{Email: monitor.Email{MessageID: uuid.NewString(), Kind: mail.KindRemoved, To: v.To, Subject: v.Project,
					Text: v.By}}, nil
			},
			Stored: func(context.Context, *mail.Message) {},
		},
	})
	mailbox := &mailboxLog{Handler: d.Log.Handler(), key: &mailboxToken{}}
	d.Log = slog.New(mailbox)
	site, err = web.New(d)
	if err != nil {
		t.Fatal(err)
	}
	// before the listener waits for them
	t.Cleanup(site.EndStreams)
	s := &Site{TB: t, Store: st, Clock: clock, Auth: d.Auth, Projects: d.Projects, Server: site, URL: d.Site.Root.String(), Sent: out,
		Header: http.Header{}}
	s.mailbox = mailbox
	s.Streams = streams
	s.Channels = d.Channels
	return s.OtherBrowser()
}

// noKinds offers no integrations at all.
func noKinds(t testing.TB) *notify.Registry {
	r, err := notify.NewRegistry(notify.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Secret is what the site of a test signs by.
const Secret = "a secret of tests only"

// Each runs the test once on each engine.
func Each(t *testing.T, test func(s *Site)) {
	t.Helper()
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(New(t, engine))
		})
	}
}

// OtherBrowser is the same site in a browser without cookies.
func (s *Site) OtherBrowser() *Site {
	// cannot fail
	jar, _ := cookiejar.New(nil)
	other := *s
	other.Header = s.Header.Clone()
	other.Client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &other
}

// Answer is what the site has answered.
type Answer struct {
	testing.TB
	*goquery.Document
	Status int
	Header http.Header
	Body   string
	// of a redirect, below the site's root
	Location string
}

// Get asks for a path, or a full address of the site.
func (s *Site) Get(path string) *Answer {
	s.Helper()
	return s.Do(http.MethodGet, path, nil)
}

// Post sends a form.
func (s *Site) Post(path string, form url.Values) *Answer {
	s.Helper()
	return s.Do(http.MethodPost, path, form)
}

// Do sends a form by the method; a nil one is no body.
func (s *Site) Do(method, path string, form url.Values) *Answer {
	s.Helper()
	if !strings.HasPrefix(path, "http") {
		path = s.URL + path
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(s.Context(), method, path, body)
	if err != nil {
		s.Fatal(err)
	}
	for k, v := range s.Header {
		req.Header[k] = v
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := s.Client.Do(req)
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
	return &Answer{
		TB: s.TB, Document: doc, Status: resp.StatusCode, Header: resp.Header, Body: string(raw),
		Location: strings.TrimPrefix(strings.TrimPrefix(resp.Header.Get("Location"), s.URL), s.Server.Site.Root.Path),
	}
}

// Is holds the status of an answer and returns the answer.
func (a *Answer) Is(status int) *Answer {
	a.Helper()
	if a.Status != status {
		a.Fatalf("status %d, want %d; %s%.1500s", a.Status, status, a.Header.Get("Location"), a.Find("main").Text())
	}
	return a
}

// LeadsTo holds where a redirect after a post leads.
func (a *Answer) LeadsTo(path string) *Answer {
	a.Helper()
	a.Is(http.StatusSeeOther)
	if a.Location != path {
		a.Fatalf("leads to %s, want %s", a.Location, path)
	}
	return a
}

// Text is the text of what the selector finds, blanks folded.
func (a *Answer) Text(selector string) string {
	return strings.Join(strings.Fields(a.Find(selector).Text()), " ")
}

// Has holds that the main part of the page says each of the words.
func (a *Answer) Has(words ...string) *Answer {
	a.Helper()
	text := a.Text("main")
	for _, w := range words {
		if !strings.Contains(text, w) {
			a.Errorf("the page does not say %q; it says: %.1500s", w, text)
		}
	}
	return a
}

// HasNot holds that the main part of the page says none of the words.
func (a *Answer) HasNot(words ...string) *Answer {
	a.Helper()
	text := a.Text("main")
	for _, w := range words {
		if strings.Contains(text, w) {
			a.Errorf("the page says %q: %.1500s", w, text)
		}
	}
	return a
}

// OpenMailbox opens the mailbox by the address that the log prints.
func (s *Site) OpenMailbox() {
	s.Helper()
	s.Get("/mailbox/?token=" + s.MailboxToken()).LeadsTo("/mailbox/")
}

// MailboxToken is what opens the mailbox once, as the log prints it; "" = there is
// no mailbox.
func (s *Site) MailboxToken() string {
	s.Server.ShowMailbox(s.Context())
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

// Enabled lets through what may have the address of the mailbox.
func (l *mailboxLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level == slog.LevelInfo || l.Handler.Enabled(ctx, level)
}

// Handle notes the token and hands the record on.
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

// Write counts a stream by its first bytes.
func (w *streamWriter) Write(p []byte) (int, error) {
	if !w.counted && w.Header().Get("Content-Type") == "text/event-stream" {
		w.counted = true
		w.open.Add(1)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *streamWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// LastLink is the login link mailed last.
func (s *Site) LastLink() string {
	s.Helper()
	s.Auth.Wait(s.Context())
	s.Sent.Mu.Lock()
	defer s.Sent.Mu.Unlock()
	if len(s.Sent.Links) == 0 {
		s.Fatal("no login link was mailed")
	}
	return s.Sent.Links[len(s.Sent.Links)-1]
}

// Login signs the address up where it is new, and logs it in through its
// mailed link. It returns the user and the (first) project.
func (s *Site) Login(email string) (*monitor.User, *monitor.Project) {
	s.Helper()
	s.Post("/accounts/login/", url.Values{"identity": {email}, "tz": {"Europe/Riga"}}).Is(http.StatusSeeOther)
	s.Get(s.LastLink()).Is(http.StatusSeeOther)
	user, err := s.Store.UserByEmail(s.Context(), email)
	if err != nil {
		s.Fatal(err)
	}
	projects, err := s.Store.ProjectsOf(s.Context(), user.ID)
	if err != nil {
		s.Fatal(err)
	}
	if len(projects) == 0 {
		return user, nil
	}
	return user, &projects[0].Project
}

// FirstCheck is the oldest check of the project.
func (s *Site) FirstCheck(p *monitor.Project) *monitor.Check {
	s.Helper()
	checks, err := testdb.ChecksOf(s.Context(), s.Store, p.ID)
	if err != nil {
		s.Fatal(err)
	}
	if len(checks) == 0 {
		s.Fatal("the project has no checks")
	}
	return &checks[0]
}

// Send sends a request with a body as it is.
func (s *Site) Send(method, path, contentType string, body io.Reader) *http.Response {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.URL+path, body)
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := s.Client.Do(req)
	if err != nil {
		s.Fatalf("%s %s: %v", method, path, err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp
}

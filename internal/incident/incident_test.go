package incident

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/logs"
)

// operators are a Reporter with those it tells, and a clock that stands still.
type operators struct {
	*Reporter
	// reports
	log *slog.Logger
	// what it wrote
	lines  bytes.Buffer
	panics []string

	mu      sync.Mutex
	now     time.Time
	reports []Report
	came    chan struct{}
	seen    int
	// of sending
	fail error
}

var errAway = errors.New("connection refused")

func newOperators(t *testing.T, limits Limits) *operators {
	t.Helper()
	o := &operators{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), came: make(chan struct{}, 1000)}
	if limits.Retry == nil {
		limits.Retry = []time.Duration{time.Millisecond}
	}
	o.Reporter = NewReporter(Config{
		Process: Process{Site: "http://localhost:8000", Version: "1.2", Role: "serve", Host: "box", PID: 7},
		Send:    []Send{{Name: "test", Do: o.take}}, Secrets: []string{"the-secret-key"},
		Away: func(err error) bool { return errors.Is(err, errAway) }, Panicked: func(where string) { o.panics = append(o.panics, where) },
		Now: o.clock, Log: slog.New(slog.DiscardHandler), Limits: limits,
	})
	t.Cleanup(o.Close)
	o.log = slog.New(o.Handler(slog.NewTextHandler(&o.lines, nil)))
	return o
}

func (o *operators) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *operators) pass(d time.Duration) {
	o.mu.Lock()
	o.now = o.now.Add(d)
	o.mu.Unlock()
	o.sweep(o.clock(), false)
}

func (o *operators) take(_ context.Context, r *Report) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer func() { o.came <- struct{}{} }()
	if o.fail != nil {
		return o.fail
	}
	o.reports = append(o.reports, *r)
	return nil
}

// next waits for one more report.
func (o *operators) next(t *testing.T) Report {
	t.Helper()
	select {
	case <-o.came:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was told")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen++
	return o.reports[o.seen-1]
}

// all ends the reporter and returns everything that was told.
func (o *operators) all() []Report {
	o.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.reports
}

type otherError struct{}

func (otherError) Error() string { return "other" }

func TestTheSameErrorIsReportedOnceInAWhile(t *testing.T) {
	t.Parallel()
	o := newOperators(t, Limits{})
	fails := func(err error) { o.log.Error("it failed", "error", err) }
	for i := range 42 {
		// the same kind and place, another text
		fails(fmt.Errorf("number %d", i))
	}
	if r := o.next(t); r.More != 0 || r.Error != "number 0" || r.Title != "it failed" {
		t.Errorf("first %+v", r)
	}
	fails(otherError{})
	if r := o.next(t); r.Error != "other" {
		t.Errorf("another kind of error at the same place: %+v", r)
	}
	o.log.Error("it failed elsewhere", "error", errors.New("number 0"))
	if r := o.next(t); r.Title != "it failed elsewhere" {
		t.Errorf("the same error at another place: %+v", r)
	}
	o.pass(10*time.Minute - time.Second)
	n := len(o.queue)
	if n > 0 {
		t.Errorf("%d reports too early", n)
	}
	o.pass(time.Second)
	r := o.next(t)
	if r.Error != "number 41" || r.More != 40 || len(r.MoreRefs) != maxRefs-1 ||
		!strings.Contains(r.Body(), "And 40 more since 2026-03-01 12:00:00 UTC.") {
		t.Errorf("at the end of the window: %d more, %q\n%s", r.More, r.Error, r.Body())
	}
	for i := range 3 {
		fails(fmt.Errorf("later %d", i))
	}
	o.pass(20 * time.Minute)
	if r := o.next(t); r.Error != "later 2" || r.More != 2 {
		t.Errorf("in the second window: %d more, %q", r.More, r.Error)
	}
	o.pass(10 * time.Minute)
	o.pass(10 * time.Minute)
	fails(errors.New("long after"))
	if r := o.next(t); r.Error != "long after" || r.More != 0 {
		t.Errorf("after a quiet time: %d more, %q", r.More, r.Error)
	}
}

func TestWhatWasNotReportedComesWithTheNext(t *testing.T) {
	t.Parallel()
	o := newOperators(t, Limits{})
	fails := func(text string) { o.log.Error("it failed", "error", errors.New(text)) }
	fails("one")
	o.next(t)
	fails("two")
	o.mu.Lock()
	// nobody has swept yet
	o.now = o.now.Add(time.Hour)
	o.mu.Unlock()
	fails("three")
	r := o.next(t)
	if r.Error != "three" || r.More != 1 {
		t.Errorf("%d more, %q", r.More, r.Error)
	}
}

func TestADatabaseThatIsAwayIsOneError(t *testing.T) {
	t.Parallel()
	o := newOperators(t, Limits{})
	for i := range 3 {
		o.log.Error("one place", "error", fmt.Errorf("%d: %w", i, errAway))
		o.log.Error("another place", "error", errAway)
	}
	reports := o.all()
	if len(reports) != 2 || reports[0].Title != "The database does not answer: one place" || reports[1].More != 4 {
		t.Errorf("%d reports: %+v", len(reports), reports)
	}
}

func TestFewReportsInAnHourHoweverManyErrors(t *testing.T) {
	t.Parallel()
	o := newOperators(t, Limits{PerHour: 5, Errors: 10})
	for i := range 50 {
		o.log.Error("it failed", "error", otherError{}, "route", fmt.Sprint("/", i))
	}
	for range 5 {
		o.next(t)
	}
	if len(o.windows) > 11 {
		t.Errorf("%d errors are remembered", len(o.windows))
	}
	o.pass(time.Hour - time.Second)
	if len(o.came)+len(o.queue) > 0 {
		t.Error("more than five in an hour")
	}
	o.pass(time.Second)
	sum := 5
	for range 5 {
		sum += 1 + o.next(t).More
	}
	o.pass(time.Hour)
	for _, r := range o.all()[10:] {
		sum += 1 + r.More
	}
	if sum != 50 {
		t.Errorf("%d of 50 errors were told or counted", sum)
	}
}

func TestNobodyWaitsForReportsToBeSent(t *testing.T) {
	t.Parallel()
	o := newOperators(t, Limits{Queue: 3, PerHour: 1000})
	release := make(chan struct{})
	o.cfg.Send = []Send{{Name: "slow", Do: func(ctx context.Context, r *Report) error {
		<-release
		return o.take(ctx, r)
	}}}
	for i := range 100 {
		o.log.Error("it failed", "error", otherError{}, "route", fmt.Sprint("/", i))
	}
	// all lines were written while the first report was on its way
	close(release)
	sum := 0
	for _, r := range o.all() {
		sum += 1 + r.More
	}
	n := len(o.reports)
	if n < 3 || n > 8 {
		t.Errorf("%d reports, %d errors: the queue has room for three, and once more at the end", n, sum)
	}
}

func TestAReportThatCannotBeSentIsTriedAgain(t *testing.T) {
	t.Parallel()
	o := newOperators(t, Limits{Retry: []time.Duration{time.Millisecond, time.Millisecond}})
	o.fail = errors.New("no")
	o.log.Error("it failed", "error", otherError{})
	<-o.came
	o.mu.Lock()
	o.fail = nil
	o.mu.Unlock()
	late := o.next(t)
	if late.Title != "it failed" {
		t.Errorf("%+v", late)
	}
}

func TestWhatWaitsIsReportedAtTheEnd(t *testing.T) {
	t.Parallel()
	o := newOperators(t, Limits{})
	for i := range 3 {
		o.log.Error("it failed", "error", otherError{}, "n", i)
	}
	reports := o.all()
	if len(reports) != 2 || reports[1].More != 1 {
		t.Errorf("%d reports: %+v", len(reports), reports)
	}
	// must not panic
	o.log.Error("too late", "error", otherError{})
	o.Notify("too late", "too")
}

func TestTheEndDoesNotWaitForLong(t *testing.T) {
	t.Parallel()
	o := newOperators(t, Limits{Flush: 50 * time.Millisecond})
	o.cfg.Send = []Send{{Name: "hangs", Do: func(ctx context.Context, _ *Report) error {
		<-ctx.Done()
		return ctx.Err()
	}}}
	ended := make(chan struct{})
	go func() { o.Reporter.Close(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the end waits")
	}
}

func TestPanicsAreErrorsWithTheirStack(t *testing.T) {
	t.Parallel()
	o := newOperators(t, Limits{})
	err := Catch("worker", func() error { return explode(nil) })
	o.log.Error("a round failed", "error", fmt.Errorf("look: %w", err))
	r := o.next(t)
	if r.Title != "Panic: a round failed" || !strings.HasPrefix(r.Place, "incident.explode (incident_test.go:") ||
		!strings.Contains(r.Stack, "incident.explode") ||
		strings.Contains(r.Stack, "gopanic") || !strings.Contains(r.Error, "nil pointer") {
		t.Errorf("%q at %s: %s\n%s", r.Title, r.Place, r.Error, r.Stack)
	}
	text := o.lines.String()
	if !strings.Contains(text, "ref="+r.Ref) || !strings.Contains(text, "incident.explode") || !slices.Equal(o.panics, []string{"worker"}) {
		t.Errorf("log %s\npanics %q", text, o.panics)
	}
	if Catch("worker", func() error { return errAway }) != errAway { //nolint:errorlint // it must be this one
		t.Error("Catch changes errors")
	}
	if err := Catch("worker", func() error { panic(errAway) }); !errors.Is(err, errAway) {
		t.Errorf("the cause of a panic is lost: %v", err)
	}
}

func explode(r *Report) error { return errors.New(r.Ref) }

func TestWhatIsNoErrorIsNotReported(t *testing.T) {
	t.Parallel()
	o := newOperators(t, Limits{})
	o.log.Warn("a warning", "error", otherError{})
	o.log.Error("cut off", "error", fmt.Errorf("query: %w", context.Canceled))
	reports := o.all()
	if len(reports) > 0 || strings.Contains(o.lines.String(), "ref=") {
		t.Errorf("%+v\n%s", reports, &o.lines)
	}
}

// hidden are secrets at all places of a request where there may be one.
func hidden() (*http.Request, []string) {
	body := strings.NewReader("body-secret-01")
	r := httptest.NewRequest(http.MethodPost,
		"https://cron.example.org/checks/0a1b2c3d-1111-4222-8333-444455556666/details/path-secret-02?api_key=query-secret-03&query-secret-04&next=/x", body)
	for name, value := range map[string]string{
		"Cookie": "session=cookie-secret-05; other=\"cookie-secret-06\"", "Authorization": "Bearer bearer-secret-07",
		"X-Api-Key":   "header-secret-08",
		"X-Ping-Body": "header secret-09", "X-Metrics-Key": "header-secret-10",
		"Referer":    "https://cron.example.org/accounts/check_token/u/referer-secret-11/",
		"X-Whatever": "header-secret-12", "User-Agent": "curl/8", "Accept": "*/*",
	} {
		r.Header.Set(name, value)
	}
	return r, []string{
		"body-secret-01", "path-secret-02", "query-secret-03", "query-secret-04", "cookie-secret-05", "cookie-secret-06", "bearer-secret-07",
		"header-secret-08",
		"secret-09", "header-secret-10", "referer-secret-11", "header-secret-12", "0a1b2c3d-1111-4222-8333-444455556666",
	}
}

func TestNoSecretIsInAReport(t *testing.T) {
	t.Parallel()
	o := newOperators(t, Limits{})
	r, secrets := hidden()
	text := strings.Join(secrets[1:], " and ") + " and the-secret-key, postgres://u:db-secret-13@db:5432/x?password=db-secret-14, " +
		`Get "https://hooks.example.org/services/url-secret-15": refused, password=plain-secret-16, token: plain-secret-17, Authorization: Bearer plain-secret-18, ` +
		`{"api_key":"plain-secret-19"}, ping key 99999999-1111-4222-8333-444455556666`
	secrets = append(secrets, "the-secret-key", "db-secret-13", "db-secret-14", "url-secret-15", "plain-secret-16", "plain-secret-17",
		"plain-secret-18", "plain-secret-19", "99999999-1111")
	h := Within(time.Minute, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		SetEmail(r.Context(), "jane@example.org")
		r = r.WithContext(logs.WithEvent(r.Context(), &logs.Event{ID: "8letters", User: uuid.MustParse("12345678-1111-4222-8333-444455556666")}))
		_, _ = io.ReadAll(r.Body)
		for _, route := range []string{"/checks/{check}/details/*", ""} {
			o.log.With("given", text).ErrorContext(r.Context(), "failed: "+text, "route", route, "what", text, "error", Caught("request", text))
			o.log.ErrorContext(r.Context(), "failed: "+text, "route", route, "what", text, "error", errors.New(text))
		}
	}))
	h.ServeHTTP(httptest.NewRecorder(), r)
	reports := o.all()
	if len(reports) < 3 {
		t.Fatalf("%d reports", len(reports))
	}
	for _, report := range reports {
		for _, shown := range []string{report.Subject(), report.Body(), report.Chat()} {
			for _, secret := range secrets {
				if strings.Contains(shown, secret) {
					t.Errorf("%s is in\n%s", secret, shown)
				}
			}
		}
		body := report.Body()
		for _, want := range []string{"User-Agent: curl/8", "X-Api-Key: (removed)", "jane@example.org", "12345678-1111", "hooks.example.org",
			report.Ref, "punctual serve 1.2 on box, process 7"} {
			if !strings.Contains(body, want) {
				t.Errorf("%q is missing in\n%s", want, body)
			}
		}
	}
	body := reports[0].Body()
	if !strings.Contains(body, "POST cron.example.org/checks/{check}/details?api_key=…&next=…&…=…") &&
		!strings.Contains(body, "POST cron.example.org/checks/{check}/details?") {
		t.Errorf("the address is not as expected:\n%s", body)
	}
}

func TestErrorsOfRequestsAreReportedUnderTheirID(t *testing.T) {
	t.Parallel()
	o := newOperators(t, Limits{})
	ctx := logs.WithEvent(WithRequest(t.Context(), httptest.NewRequest(http.MethodGet, "/checks/x/", nil)), &logs.Event{ID: "anid5678"})
	o.log.ErrorContext(ctx, "request", "route", "/checks/{check}/", "status", 500, "error", From(explode, otherError{}))
	r := o.next(t)
	if r.Ref != "anid5678" || r.Title != "A request failed (GET /checks/{check}/)" ||
		!strings.HasPrefix(r.Place, "incident.explode (incident_test.go:") {
		t.Errorf("%s %q at %s", r.Ref, r.Title, r.Place)
	}
	// it is meant to say so
	o.log.ErrorContext(ctx, "request", "route", "/status/", "status", 500)
	// and so is this
	o.log.ErrorContext(ctx, "request", "route", "/x/", "status", 503, "error", errs.Unavailablef(0, "full"))
	reports := o.all()
	if len(reports) != 1 {
		t.Errorf("%+v", reports[1:])
	}
}

func TestRequestsAreBoundedButForWhatMayTakeLong(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	life, gone := context.WithCancel(context.WithValue(r.Context(), visitKey{}, nil))
	var inner, withoutTimeout context.Context
	Within(time.Nanosecond, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		inner = context.WithValue(r.Context(), valueKey{}, "kept")
		<-inner.Done()
		withoutTimeout = WithoutTimeout(inner)
	})).ServeHTTP(httptest.NewRecorder(), r.WithContext(life))
	if !errors.Is(inner.Err(), context.DeadlineExceeded) || withoutTimeout.Err() != nil || withoutTimeout.Value(valueKey{}) != "kept" {
		t.Errorf("bounded: %v; unhurried: %v, value %v", inner.Err(), withoutTimeout.Err(), withoutTimeout.Value(valueKey{}))
	}
	derived, cancel := context.WithTimeout(withoutTimeout, time.Minute)
	defer cancel()
	gone()
	<-derived.Done()
	if !errors.Is(derived.Err(), context.Canceled) {
		t.Errorf("the reader has gone: %v", derived.Err())
	}
}

type valueKey struct{}

func TestChatsAreShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<&>", 5000)
	r := Report{Title: long, Error: long, Text: long, Place: long, Ref: "12345678", More: 5, MoreRefs: []string{long},
		Request: &Request{Method: "GET", URL: long}}
	// escaped; Discord counts what it stands for
	n := len([]rune(r.Chat()))
	if n > 8000 {
		t.Errorf("%d characters", n)
	}
	unescaped := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(r.Chat())
	if n := len([]rune(unescaped)); n > 2000 {
		t.Errorf("%d characters", n)
	}
}

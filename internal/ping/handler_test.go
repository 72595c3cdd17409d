package ping_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/clientip"
	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// endpoint is a ping endpoint over a real store with one account.
type endpoint struct {
	*testing.T
	store *store.Store
	clock *testdb.Clock
	h     *ping.Handler
	store.Account
}

const bodyLimit = 100

// proxies trusts those on this machine, as by default.
func proxies(log *slog.Logger) *clientip.Proxies {
	return clientip.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, log)
}

func each(t *testing.T, test func(e *endpoint)) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		log := slog.New(slog.DiscardHandler)
		rec := ping.NewRecorder(s, ping.Limits{}, log, ping.Observe{})
		t.Cleanup(rec.Close)
		test(&endpoint{T: t, store: s, clock: clock, h: ping.NewHandler(s, rec, "/ping/", bodyLimit, proxies(log), log),
			Account: testdb.Account(t, s)})
	})
}

// do sends a request; each header is "Name: value", and From: is where it comes
// from, a proxy on this machine when it is missing.
func (e *endpoint) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	e.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, "/", reader)
	path, r.URL.RawQuery, _ = strings.Cut(path, "?")
	r.URL.Path = path
	// a proxy's
	r.RemoteAddr = "127.0.0.1:1234"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "From" {
			r.RemoteAddr = value
			continue
		}
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	e.h.ServeHTTP(w, r)
	return w
}

// path fills in {U}, the code of the check, and {KEY}, the ping key.
func (e *endpoint) path(p string) string {
	return strings.NewReplacer("{U}", e.Check.Code.String(), "{KEY}", e.Project.PingKey).Replace(p)
}

func (e *endpoint) check() *monitor.Check {
	e.Helper()
	c, err := e.store.CheckByCode(e.Context(), e.Check.Code)
	if err != nil {
		e.Fatal(err)
	}
	return c
}

func (e *endpoint) last() *monitor.Ping {
	e.Helper()
	c := e.check()
	p, err := e.store.Ping(e.Context(), c.ID, c.NPings)
	if err != nil {
		e.Fatal(err)
	}
	return p
}

func (e *endpoint) change(f func(*monitor.Check)) {
	e.Helper()
	_, err := e.store.UpdateCheck(e.Context(), e.Check.Code, func(c *store.CheckChange) error {
		f(c.Check)
		return nil
	})
	if err != nil {
		e.Fatal(err)
	}
}

// docs/contract.md §1.1–1.4, docs/conformance.md §9, §10: the answer to each form.
func TestAnswers(t *testing.T) {
	const rid = "0f5b1f0a-6f0e-4c53-8b8a-2d9f4a3f2c11"
	cases := []struct {
		path   string
		status int
		// "" = a page, not looked at
		body string
		kind monitor.PingKind
	}{
		{"/ping/{U}", 200, "OK", "success"},
		{"/ping/{U}/", 200, "OK", "success"},
		{"/ping/{U}/start", 200, "OK", "start"},
		{"/ping/{U}/fail", 200, "OK", "fail"},
		{"/ping/{U}/log", 200, "OK", "log"},
		{"/ping/{U}/0", 200, "OK", "success"},
		{"/ping/{U}/007", 200, "OK", "fail"},
		{"/ping/{U}/255", 200, "OK", "fail"},
		{"/ping/{U}/256", 400, "invalid url format", ""},
		{"/ping/{U}/99999999999999999999999", 400, "invalid url format", ""},
		{"/ping/{U}/-1", 200, "OK", "fail"},
		{"/ping/{U}/-2147483648", 200, "OK", "fail"},
		{"/ping/{U}/-2147483649", 400, "invalid url format", ""},
		{"/ping/{U}/2147483647", 400, "invalid url format", ""},
		{"/ping/{U}/2147483648", 200, "OK", "fail"},
		{"/ping/{U}/4294967295", 200, "OK", "fail"},
		{"/ping/{U}/4294967296", 400, "invalid url format", ""},
		{"/ping/{U}?create=1", 200, "OK", "success"},
		{"/ping/{U}?rid=" + rid, 200, "OK", "success"},
		{"/ping/{U}?rid=x&rid=" + strings.ToUpper(rid), 200, "OK", "success"},
		{"/ping/{U}?rid=", 400, "invalid uuid format", ""},
		{"/ping/{U}?rid=123", 400, "invalid uuid format", ""},
		{"/ping/{U}?rid={" + rid + "}", 400, "invalid uuid format", ""},
		{"/ping/{U}/256?rid=123", 400, "invalid url format", ""},
		{"/ping/{U}/FAIL", 400, "invalid url format", ""},
		{"/ping/{U}/foo", 404, "not found", ""},
		{"/ping/{U}/-0", 404, "not found", ""},
		{"/ping/{U}/--1", 404, "not found", ""},
		{"/ping/{U}/1.5", 404, "", ""},
		{"/ping/{U}/fail/", 404, "", ""},
		{"/ping/{U}/fail/x", 404, "", ""},
		{"/ping//{U}", 404, "", ""},
		{"/ping/", 404, "", ""},
		{"/ping/nonsense", 404, "", ""},
		{"/ping/4B1F0C2E-7A55-4D1B-9F6E-0D2F7C1A9E33", 404, "", ""},
		{"/ping/4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33", 404, "not found", ""},
		{"/ping/4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33/fail", 404, "not found", ""},
		{"/ping/4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33/256", 404, "not found", ""},
		{"/ping/4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33?rid=1", 404, "not found", ""},
		{"/ping/00000000-0000-0000-0000-000000000000", 404, "not found", ""},
		{"/ping/{KEY}/nightly-dump", 200, "OK", "success"},
		{"/ping/{KEY}/nightly-dump/start", 200, "OK", "start"},
		{"/ping/{KEY}/nightly-dump/fail", 200, "OK", "fail"},
		{"/ping/{KEY}/nightly-dump/log", 200, "OK", "log"},
		{"/ping/{KEY}/nightly-dump/3", 200, "OK", "fail"},
		{"/ping/{KEY}/nightly-dump/256", 400, "invalid url format", ""},
		{"/ping/{KEY}/nightly-dump/-1", 200, "OK", "fail"},
		{"/ping/{KEY}/nightly-dump/3221225786", 200, "OK", "fail"},
		{"/ping/{KEY}/nightly-dump/-2147483649", 400, "invalid url format", ""},
		{"/ping/{KEY}/nightly-dump/4294967296", 400, "invalid url format", ""},
		{"/ping/{KEY}/nightly-dump/-0", 404, "", ""},
		{"/ping/{KEY}/-1", 404, "not found", ""},
		{"/ping/{KEY}/nightly-dump/", 404, "", ""},
		{"/ping/{KEY}/nightly-dump/done", 404, "", ""},
		{"/ping/{KEY}/Nightly-dump", 400, "invalid url format", ""},
		{"/ping/{KEY}/nightly.dump", 404, "", ""},
		{"/ping/{KEY}/unknown", 404, "not found", ""},
		{"/ping/{KEY}/unknown/256", 404, "not found", ""},
		{"/ping/{KEY}/unknown?rid=1", 404, "not found", ""},
		{"/ping/{KEY}/unknown?create=0", 404, "not found", ""},
		{"/ping/{KEY}/unknown?create=true", 404, "not found", ""},
		{"/ping/unknownkey/nightly-dump?create=1", 404, "not found", ""},
	}
	each(t, func(e *endpoint) {
		for _, c := range cases {
			before := e.check().NPings
			got := e.do("GET", e.path(c.path), "")
			if got.Code != c.status || c.body != "" && got.Body.String() != c.body {
				e.Errorf("%s: %d %q, want %d %q", c.path, got.Code, got.Body, c.status, c.body)
			}
			added := e.check().NPings - before
			if (added == 1) != (c.kind != "") {
				e.Errorf("%s: %d pings recorded", c.path, added)
			} else if added == 1 && e.last().Kind != c.kind {
				e.Errorf("%s: recorded as %s, want %s", c.path, e.last().Kind, c.kind)
			}
		}
	})
}

func TestEveryMethodIsAPing(t *testing.T) {
	each(t, func(e *endpoint) {
		for i, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			w := e.do(method, e.path("/ping/{U}"), "")
			if w.Code != 200 || e.check().NPings != int64(i+1) || e.last().Method != method {
				e.Errorf("%s: %d, %d pings", method, w.Code, e.check().NPings)
			}
			for name, want := range map[string]string{
				"Access-Control-Allow-Origin": "*", "Ping-Body-Limit": "100", "Content-Type": "text/html; charset=utf-8",
				"Cache-Control": "max-age=0, no-cache, no-store, must-revalidate, private",
			} {
				got := w.Header().Get(name)
				if got != want {
					e.Errorf("%s: %s is %q, want %q", method, name, got, want)
				}
			}
		}
	})
}

// A body whose length is not announced, as `curl -T -` sends it, has the limit of
// those whose length is: the last byte that is taken and the first that is not.
func TestABodyWithoutContentLengthHasALimitToo(t *testing.T) {
	const largest = 2621440
	each(t, func(e *endpoint) {
		send := func(size int) *httptest.ResponseRecorder {
			r := httptest.NewRequest("POST", e.path("/ping/{U}"), io.MultiReader(strings.NewReader(strings.Repeat("x", size))))
			if r.ContentLength != -1 {
				e.Fatalf("the length is announced as %d", r.ContentLength)
			}
			w := httptest.NewRecorder()
			e.h.ServeHTTP(w, r)
			return w
		}
		for _, size := range []int{largest, bodyLimit + 1, bodyLimit, 1} {
			w := send(size)
			if w.Code != 200 {
				e.Errorf("%d bytes: %d", size, w.Code)
			}
			got := len(e.last().Body)
			want := min(size, bodyLimit)
			if got != want {
				e.Errorf("of %d bytes %d are kept, want %d", size, got, want)
			}
		}
		before := e.check().NPings
		for _, size := range []int{largest + 1, 2 * largest} {
			w := send(size)
			if w.Code != 400 || !strings.Contains(w.Body.String(), "larger than 2621440 bytes") {
				e.Errorf("%d bytes: %d %s, want 400 with the limit", size, w.Code, w.Body)
			}
		}
		n := e.check().NPings - before
		if n != 0 {
			e.Errorf("%d pings with too large a body are recorded", n)
		}
	})
}

func TestWhatIsKeptOfARequest(t *testing.T) {
	each(t, func(e *endpoint) {
		body := string([]byte{0, 0xff, 0xfe}) + strings.Repeat("x", bodyLimit)
		const rid = "0F5B1F0A-6F0E-4C53-8B8A-2D9F4A3F2C11"
		e.do("POST", e.path("/ping/{U}/3?rid="+rid), body, "User-Agent: "+strings.Repeat("ü", 250), "X-Forwarded-For: 1.2.3.4:555, 10.0.0.1",
			"X-Forwarded-Proto: https")
		p := e.last()
		switch {
		case !bytes.Equal(p.Body, []byte(body[:bodyLimit])):
			e.Errorf("body: %q", p.Body)
		case p.UserAgent != strings.Repeat("ü", 200):
			e.Errorf("user agent of %d bytes", len(p.UserAgent))
		case p.RemoteAddr != "1.2.3.4" || p.Scheme != "https" || p.Method != "POST":
			e.Errorf("%s %s %s", p.RemoteAddr, p.Scheme, p.Method)
		case p.ExitStatus == nil || *p.ExitStatus != 3 || p.RID.UUID != uuid.MustParse(rid):
			e.Errorf("exit %v, rid %v", p.ExitStatus, p.RID)
		}
		for in, want := range map[string]string{"2001:DB8::1": "2001:db8::1", "[2001:db8::1]:80": "2001:db8::1",
			"::ffff:1.2.3.4": "::ffff:1.2.3.4", "garbage": "", " 5.6.7.8 ,x": "5.6.7.8", "a\x00b": ""} {
			e.do("GET", e.path("/ping/{U}"), "", "X-Forwarded-For: "+in)
			got := e.last().RemoteAddr
			if got != want {
				e.Errorf("X-Forwarded-For %q: kept %q, want %q", in, got, want)
			}
		}
		for in, want := range map[string]string{"https": "https", "HTTPS": "https", "https, http": "https", "http": "http",
			"abcdefghijkl": "http", "": "http", "javascript:": "http"} {
			e.do("GET", e.path("/ping/{U}"), "", "X-Forwarded-Proto: "+in)
			got := e.last().Scheme
			if got != want {
				e.Errorf("X-Forwarded-Proto %q: kept %q, want %q", in, got, want)
			}
		}
		for _, from := range []string{"192.0.2.7:1234", "10.0.0.9:1234", "[fd00::7]:1234"} {
			e.do("GET", e.path("/ping/{U}"), "", "From: "+from, "X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https")
			got := e.last()
			if got.RemoteAddr != netip.MustParseAddrPort(from).Addr().String() || got.Scheme != "http" {
				e.Errorf("forged by %s: kept %s by %s", from, got.RemoteAddr, got.Scheme)
			}
		}
		e.do("GET", e.path("/ping/{U}"), "", "User-Agent: a\x00b\xff")
		got := e.last()
		if got.UserAgent != "ab\uFFFD" || got.Body != nil {
			e.Errorf("user agent %q, body %v", got.UserAgent, got.Body)
		}
	})
}

func TestABodyBeyondAllLimitsIsRefused(t *testing.T) {
	each(t, func(e *endpoint) {
		big := strings.Repeat("x", 2621441)
		w := e.do("POST", e.path("/ping/{U}"), big[1:])
		if w.Code != 200 {
			e.Errorf("at the limit: %d", w.Code)
		}
		if w := e.do("POST", e.path("/ping/{U}"), big); w.Code != 400 || e.check().NPings != 1 {
			e.Errorf("beyond the limit: %d, %d pings", w.Code, e.check().NPings)
		}
		for _, nowhere := range []string{"/ping/{KEY}/unknown", "/ping/4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33"} {
			w := e.do("POST", e.path(nowhere), big)
			if w.Code != 404 {
				e.Errorf("beyond the limit, to %s: %d", nowhere, w.Code)
			}
		}
	})
}

// docs/contract.md §1.6: the filters, in their order.
func TestFilters(t *testing.T) {
	keywords := monitor.Filter{HTTPBody: true, FailureKW: "error, FATAL", SuccessKW: "done", StartKW: "begin"}
	failing := keywords
	failing.DefaultFail = true
	post := monitor.Filter{Methods: "POST"}
	cases := []struct {
		filter monitor.Filter
		method string
		suffix string
		body   string
		want   monitor.PingKind
	}{
		{post, "GET", "", "", "ign"},
		{post, "HEAD", "/fail", "", "ign"},
		{post, "POST", "/fail", "", "fail"},
		{keywords, "POST", "/fail", "all done", "success"},
		{keywords, "POST", "/log", "all done", "success"},
		{keywords, "POST", "", "done with error", "fail"},
		{keywords, "POST", "", "fatal", "ign"},
		{keywords, "POST", "", "FATAL", "fail"},
		{keywords, "POST", "", "begin", "start"},
		{keywords, "POST", "/3", "nothing", "ign"},
		{keywords, "GET", "", "", "ign"},
		{keywords, "POST", "", "\xff\xfe done", "success"},
		{failing, "POST", "/start", "nothing", "fail"},
		{monitor.Filter{Subject: true, Body: true, SuccessKW: "x"}, "POST", "", "y", "success"},
	}
	each(t, func(e *endpoint) {
		for i, c := range cases {
			e.change(func(check *monitor.Check) { check.Filter = c.filter })
			w := e.do(c.method, e.path("/ping/{U}"+c.suffix), c.body)
			got := e.last().Kind
			if w.Code != 200 || got != c.want {
				e.Errorf("case %d, %s %s %q: %d, %s; want %s", i, c.method, c.suffix, c.body, w.Code, got, c.want)
			}
		}
	})
}

func TestAutoProvisioning(t *testing.T) {
	each(t, func(e *endpoint) {
		steps := []struct{ path, answer string }{
			{"/ping/{KEY}/backup?create=1", "201 Created"},
			{"/ping/{KEY}/backup?create=1", "200 OK"},
			{"/ping/{KEY}/broken/fail?create=1", "201 Created"},
			{"/ping/{KEY}/running/start?create=1", "201 Created"},
			{"/ping/{KEY}/odd?create=1&rid=bad", "400 invalid uuid format"},
			{"/ping/{KEY}/odd", "200 OK"},
			{"/ping/{KEY}/odd2/256?create=1", "400 invalid url format"},
		}
		for _, step := range steps {
			w := e.do("GET", e.path(step.path), "")
			got := fmt.Sprint(w.Code, " ", w.Body)
			if got != step.answer {
				e.Errorf("%s: %s, want %s", step.path, got, step.answer)
			}
		}
		checks, _ := testdb.ChecksOf(e.Context(), e.store, e.Project.ID)
		made := map[string]monitor.Check{}
		for _, c := range checks {
			made[c.Slug] = c
		}
		backup := made["backup"]
		if backup.Name != "backup" || backup.Timeout != monitor.DefaultTimeout || backup.Grace != monitor.DefaultGrace ||
			backup.Status != monitor.StatusUp {
			e.Errorf("made: %+v", backup)
		}
		if made["broken"].Status != monitor.StatusDown || made["running"].Status != monitor.StatusNew || made["running"].LastStart.IsZero() {
			e.Errorf("broken: %v, running: %v", made["broken"].State, made["running"].State)
		}
		channels, _ := e.store.ChannelsOfCheck(e.Context(), backup.ID)
		if len(channels) != 1 {
			e.Errorf("%d channels on the new check, want all of the project", len(channels))
		}
		twin := monitor.NewCheck(e.Project.ID, e.clock.Now())
		twin.Slug = "backup"
		if err := e.store.CreateCheck(e.Context(), &twin, store.Channels{}); err != nil {
			e.Fatal(err)
		}
		w := e.do("GET", e.path("/ping/{KEY}/backup?create=1"), "")
		if w.Code != http.StatusConflict || w.Body.String() != "ambiguous slug" {
			e.Errorf("two checks with the slug: %d %s", w.Code, w.Body)
		}
	})
}

func TestProvisioningStopsAtTwiceTheLimit(t *testing.T) {
	each(t, func(e *endpoint) {
		u := *e.User
		u.CheckLimit = 2
		if err := testdb.PutUser(e.Context(), e.store, &u); err != nil {
			e.Fatal(err)
		}
		// with the first check: 4 = 2 × 2
		for i, want := range []int{201, 201, 201, 404} {
			w := e.do("GET", fmt.Sprintf("/ping/%s/job%d?create=1", e.Project.PingKey, i), "")
			if w.Code != want {
				e.Errorf("check %d: %d, want %d", i+2, w.Code, want)
			}
		}
	})
}

func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33/fail", "key/slug/12", "key/slug/", "//", "a/b/c/d"} {
		f.Add(seed)
	}
	rec := ping.NewRecorder(nil, ping.Limits{}, slog.New(slog.DiscardHandler), ping.Observe{})
	f.Cleanup(rec.Close)
	f.Fuzz(func(t *testing.T, path string) { ping.ParseTargetForTest(path) })
}

// Long bodies that do not fit beside those on their way are to be sent again, and
// short ones are taken.
func TestLongBodiesShareARoom(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		const size = 100_000
		log := slog.New(slog.DiscardHandler)
		rec := ping.NewRecorder(s, ping.Limits{Room: 16 * size}, log, ping.Observe{})
		t.Cleanup(rec.Close)
		e := &endpoint{T: t, store: s, clock: clock, h: ping.NewHandler(s, rec, "/ping/", size, proxies(log), log), Account: testdb.Account(t, s)}
		path := "/ping/" + e.Check.Code.String()
		long := strings.Repeat("x", size)
		answers := make(chan int)
		var senders []*io.PipeWriter
		// each takes two steps of 64 KiB
		const fit = 12
		for range fit {
			body, sender := io.Pipe()
			senders = append(senders, sender)
			go func() {
				w := httptest.NewRecorder()
				e.h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, body))
				answers <- w.Code
			}()
			_, err := io.WriteString(sender, long+"!")
			if err != nil {
				t.Fatal(err)
			}
		}
		w := e.do("POST", path, long)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("a long body: %d %s", w.Code, w.Body)
		}
		if w := e.do("POST", path, "short"); w.Code != http.StatusOK {
			t.Errorf("a short body: %d %s", w.Code, w.Body)
		}
		for _, sender := range senders {
			sender.Close()
			code := <-answers
			if code != http.StatusOK {
				t.Errorf("one that was on its way: %d", code)
			}
		}
		if w := e.do("POST", path, long); w.Code != http.StatusOK {
			t.Errorf("afterwards: %d %s", w.Code, w.Body)
		}
	})
}

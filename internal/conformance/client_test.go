package conformance

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// client is a line's view of a site: an account of its own with one check and
// one channel, and beside it the account of somebody else.
type client struct {
	*testing.T
	site *site
	http *http.Client
	// v1, v2, v3: what the API is asked through
	version string
	store.Account
	other store.Account

	// the API keys of the project
	rw, ro string
	// the one that is sent; "" = none
	key string
}

func newClient(t *testing.T, s *site, version string) *client {
	t.Helper()
	c := &client{T: t, site: s, version: version, rw: auth.NewAPIKey(false), ro: auth.NewAPIKey(true)}
	c.key = c.rw
	c.http = &http.Client{Transport: s.document.Transport(t, s.http), Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}}
	c.Account = newAccount(t, s.Store(), c.rw, c.ro)
	c.other = newAccount(t, s.Store(), auth.NewAPIKey(false), auth.NewAPIKey(true))
	return c
}

func newAccount(t *testing.T, s *store.Store, rw, ro string) store.Account {
	t.Helper()
	address := uuid.NewString() + "@example.org"
	check := monitor.NewCheck(uuid.Nil, s.Now())
	check.Name = "Nightly dump"
	check.Slug = "nightly-dump"
	a := store.Account{
		User: &monitor.User{Email: address, IsActive: true, TZ: "UTC", CheckLimit: 500, PingLogLimit: 100},
		Project: &monitor.Project{
			Name: "Operations", PingKey: auth.NewPingKey(),
			APIKey: auth.KeyHash(secretKey, rw), APIKeyReadonly: auth.KeyHash(secretKey, ro),
		},
		Check:   &check,
		Channel: &monitor.Channel{Kind: "email", Name: "Ops", Config: `{"address":"` + address + `","up":true,"down":true}`, Verified: true},
	}
	if err := s.CreateAccount(t.Context(), a); err != nil {
		t.Fatalf("make an account: %v", err)
	}
	return a
}

// as is c with another key; "" sends none.
func (c *client) as(key string) *client {
	out := *c
	out.key = key
	return &out
}

// unseen is c asking for what no document can describe: of a parameter given
// twice, only the last value must be right; a header may have any letter case;
// a tag may have a slash.
func (c *client) unseen() *client {
	out := *c
	plain := *c.http
	plain.Transport = c.site.http
	out.http = &plain
	return &out
}

// through is c asking through another version of the API.
func (c *client) through(version string) *client {
	out := *c
	out.version = version
	return &out
}

// fill replaces the names that the document uses in addresses: U is the check,
// K its unique key, PK the ping key, V the version; OTHER and OTHERK are the
// check of somebody else, NONE is no check at all.
func (c *client) fill(s string) string {
	return strings.NewReplacer(
		"{V}", c.version,
		"{U}", c.Check.Code.String(), "{K}", uniqueKey(c.Check.Code), "{PK}", c.Project.PingKey,
		"{OTHER}", c.other.Check.Code.String(), "{OTHERK}", uniqueKey(c.other.Check.Code),
		"{NONE}", "00000000-1111-4222-8333-444444444444", "{NONEK}", strings.Repeat("0a", 20),
		"{P}", c.Project.ID.String(), "{CH}", c.Channel.ID.String(), "{RW}", c.rw, "{RO}", c.ro,
		"{API}", siteRoot+"/api/"+c.version,
	).Replace(s)
}

// uniqueKey is how a check is named to read-only keys, written down anew from
// docs/contract.md §2.3.
func uniqueKey(code uuid.UUID) string {
	sum := sha1.Sum([]byte(strings.ReplaceAll(code.String(), "-", "")[:16]))
	return hex.EncodeToString(sum[:])
}

// answer is what came back.
type answer struct {
	*client
	request string
	status  int
	header  http.Header
	body    string
}

// send sends a request as it is written; each header is "Name: value". The API
// key goes with requests to the API, unless a header says otherwise.
func (c *client) send(method, path, body string, headers ...string) *answer {
	c.Helper()
	path = c.fill(path)
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(c.Context(), method, c.site.address+c.site.path+path, reader)
	if err != nil {
		c.Fatal(err)
	}
	if c.key != "" && strings.HasPrefix(path, "/api/") {
		r.Header.Set("X-Api-Key", c.key)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		// as written; an empty User-Agent is none
		r.Header[name] = []string{value}
	}
	res, err := c.http.Do(r)
	if err != nil {
		c.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.Fatalf("%s %s: %v", method, path, err)
	}
	return &answer{client: c, request: strings.TrimSpace(fmt.Sprintf("%s %s %.300s", method, path, body)), status: res.StatusCode,
		header: res.Header, body: string(text)}
}

func (c *client) get(path string, headers ...string) *answer {
	c.Helper()
	return c.send("GET", path, "", headers...)
}

func (c *client) post(path, body string, headers ...string) *answer {
	c.Helper()
	return c.send("POST", path, body, headers...)
}

// is compares the answer with the short forms of the document:
//
//	"404p"     a page, without CORS headers
//	"404e"     nothing, as text/html, with CORS headers; also 400e, 403e, 405e
//	"401m"     {"error": "missing api key"}
//	"401w"     {"error": "wrong api key"}
//	"jve:x"    400 {"error": "json validation error: x"}
//	"error:x"  400 {"error": "x"}
//	"200 {}"   a JSON object
//	"200 OK"   this status and this text, to the byte
//	"301"      only the status
func (a *answer) is(want string) *answer {
	a.Helper()
	switch {
	case want == "401m":
		return a.isError(401, "missing api key")
	case want == "401w":
		return a.isError(401, "wrong api key")
	case strings.HasPrefix(want, "jve:"):
		return a.isError(400, "json validation error: "+want[len("jve:"):])
	case strings.HasPrefix(want, "error:"):
		return a.isError(400, want[len("error:"):])
	case want == "404p":
		a.isPage(404)
	case len(want) == 4 && want[3] == 'e':
		a.isEmpty(want[:3])
	case strings.HasSuffix(want, " {}"):
		a.isStatus(want[:3])
		a.isJSON()
	default:
		status, text, exact := strings.Cut(want, " ")
		a.isStatus(status)
		if exact && a.body != text {
			a.Errorf("%s: the body is %q, want %q", a.request, a.body, text)
		}
	}
	return a
}

func (a *answer) isStatus(want string) {
	a.Helper()
	if fmt.Sprint(a.status) != want {
		a.Errorf("%s: %d %.300s, want %s", a.request, a.status, a.body, want)
	}
}

func (a *answer) isError(status int, text string) *answer {
	a.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != status || len(got) != 1 || got["error"] != text {
		a.Errorf("%s: %d %.300s, want %d {\"error\": %q}", a.request, a.status, a.body, status, text)
	}
	a.isJSON()
	return a
}

// isPage expects a page of HTML for people, who ask without CORS.
func (a *answer) isPage(status int) {
	a.Helper()
	if a.status != status || !strings.Contains(a.body, "<html") {
		a.Errorf("%s: %d %.200s, want a page with %d", a.request, a.status, a.body, status)
	}
	a.has("Content-Type", "text/html; charset=utf-8")
	a.has("Access-Control-Allow-Origin", "")
}

func (a *answer) isEmpty(status string) {
	a.Helper()
	a.isStatus(status)
	if a.body != "" {
		a.Errorf("%s: the body is %.200s, want none", a.request, a.body)
	}
	a.has("Content-Type", "text/html; charset=utf-8")
	a.has("Access-Control-Allow-Origin", "*")
}

func (a *answer) isJSON() {
	a.Helper()
	a.has("Content-Type", "application/json")
	a.has("Access-Control-Allow-Origin", "*")
}

// has compares a header; "" means that it must not be there.
func (a *answer) has(header, want string) *answer {
	a.Helper()
	got := a.header.Values(header)
	if strings.Join(got, "|") != want {
		a.Errorf("%s: %s is %q, want %q", a.request, header, got, want)
	}
	return a
}

// object is a JSON object. Numbers are float64, as encoding/json has it.
type object map[string]any

// object reads the answer, which must have the status.
func (a *answer) object(status int) object {
	a.Helper()
	var o object
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || a.status != status {
		a.Fatalf("%s: %d %.300s, want %d and an object", a.request, a.status, a.body, status)
	}
	a.isJSON()
	return o
}

// list is the list under a name in an answer with status 200.
func (a *answer) list(name string) []object {
	a.Helper()
	var o map[string][]object
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || a.status != 200 || len(o) != 1 || o[name] == nil {
		a.Fatalf("%s: %d %.300s, want a list of %s", a.request, a.status, a.body, name)
	}
	a.isJSON()
	return o[name]
}

// shows compares some of the keys: key, value, key, value … Numbers may be int,
// nil is null, absent is no such key.
func (o object) shows(t testing.TB, pairs ...any) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		key := pairs[i].(string)
		want := pairs[i+1]
		got, there := o[key]
		n, ok := want.(int)
		if ok {
			want = float64(n)
		}
		if !there {
			got = absent
		}
		if got != want {
			t.Errorf("%s is %#v, want %#v", key, got, want)
		}
	}
}

// absent is the value of a key that is not there.
const absent missing = "absent"

type missing string

// check is a check of the project.
type check struct {
	*client
	code string
}

// make makes a check through the API.
func (c *client) make(body string) check {
	c.Helper()
	code, _ := c.through("v3").post("/api/{V}/checks/", body).object(201)["uuid"].(string)
	return check{c, code}
}

// own is the check the account came with: a day and an hour, with the channel.
func (c *client) own() check { return check{c, c.Check.Code.String()} }

func (k check) path() string { return "/api/{V}/checks/" + k.code }

// get is the check as the API shows it.
func (k check) get() object {
	k.Helper()
	return k.client.get(k.path()).object(200)
}

// shows compares some of the keys of the check.
func (k check) shows(pairs ...any) {
	k.Helper()
	k.get().shows(k, pairs...)
}

// update changes the check through the API.
func (k check) update(body string) object {
	k.Helper()
	return k.post(k.path(), body).object(200)
}

// ping sends a ping by POST that must be taken; rest is what follows the uuid.
func (k check) ping(rest string, body ...string) {
	k.Helper()
	k.post("/ping/"+k.code+rest, strings.Join(body, "")).is("200 OK")
}

// pings are those of the check, the newest first.
func (k check) pings() []object {
	k.Helper()
	return k.as(k.rw).get(k.path() + "/pings/").list("pings")
}

// last is the newest ping.
func (k check) last() object {
	k.Helper()
	all := k.pings()
	if len(all) == 0 {
		k.Fatal("no ping was recorded")
	}
	return all[0]
}

// kinds are the types of the pings, the oldest first.
func (k check) kinds() string {
	k.Helper()
	var out []string
	for _, p := range k.pings() {
		out = append([]string{fmt.Sprint(p["type"])}, out...)
	}
	return strings.Join(out, " ")
}

// flips are the values of "up", the oldest first.
func (k check) flips() string {
	k.Helper()
	var out []string
	for _, f := range k.client.get(k.path() + "/flips/").list("flips") {
		out = append([]string{fmt.Sprint(f["up"])}, out...)
	}
	return strings.Join(out, " ")
}

// stored is the check as the store has it, for what no address shows.
func (k check) stored() *monitor.Check {
	k.Helper()
	c, err := k.site.Store().CheckByCode(k.Context(), uuid.MustParse(k.code))
	if err != nil {
		k.Fatal(err)
	}
	return c
}

// storedPing is the newest ping as the store has it.
func (k check) storedPing() *monitor.Ping {
	k.Helper()
	c := k.stored()
	p, err := k.site.Store().Ping(k.Context(), c.ID, c.NPings)
	if err != nil {
		k.Fatal(err)
	}
	return p
}

// same compares two texts.
func (c *client) same(what, got, want string) {
	c.Helper()
	if got != want {
		c.Errorf("%s: %q, want %q", what, got, want)
	}
}

// channel adds a channel to the project.
func (c *client) channel(name string) uuid.UUID {
	c.Helper()
	ch := &monitor.Channel{ProjectID: c.Project.ID, Kind: "webhook", Name: name, Config: `{"url_down":"https://example.org/hook"}`,
		Verified: true}
	if err := c.site.Store().CreateChannel(c.Context(), ch); err != nil {
		c.Fatal(err)
	}
	return ch.ID
}

// change changes the user, for instance the limits of the account.
func (c *client) change(f func(*monitor.User)) {
	c.Helper()
	f(c.User)
	if err := testdb.PutUser(c.Context(), c.site.Store(), c.User); err != nil {
		c.Fatal(err)
	}
}

// now is the site's time as the API writes it, moved by d.
func (c *client) now(d time.Duration) string {
	return c.site.clock.Now().Add(d).Format("2006-01-02T15:04:05+00:00")
}

// advance moves the clock on and waits until the site has heard that no more pings come of
// the time before, as it has all the time where a clock goes on by itself.
func (c *client) advance(d time.Duration) {
	c.Helper()
	c.site.clock.Advance(d)
	// marks are written every five seconds
	mark := c.site.clock.Now().Add(-5 * time.Second)
	c.eventually("the mark follows the clock", func() bool {
		h, err := c.site.Store().Hearing(c.Context())
		return err == nil && h.Heard(monitor.WayBoth).After(mark)
	})
	if err := c.site.Store().RefreshHeard(c.Context()); err != nil {
		c.Fatal(err)
	}
}

// watch moves the clock on before the eyes of the watcher.
func (c *client) watch(d time.Duration) { c.advance(d) }

// eventually waits until ok. What happens at the site's own pace takes at most
// a second; machines under load take longer.
func (c *client) eventually(what string, ok func() bool) {
	c.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			c.Fatalf("not within 20 s: %s", what)
		}
		pause := time.NewTimer(20 * time.Millisecond)
		<-pause.C
	}
}

package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/channel"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/project"
	"punctual/internal/store"
	"punctual/internal/testkit/kindtest"
	"punctual/internal/testkit/openapitest"
	"punctual/internal/testkit/testdb"
	"punctual/web/api"
)

// extended calls the API with all that our extensions stand on.
type extended struct {
	*client
	auth *auth.Service
	// addresses that were asked
	asked []mail.Verify
	// channels a test was sent through
	sent []uuid.UUID
	// what the other side makes of a test
	result notify.Result
	err    error
}

func eachExtended(t *testing.T, test func(e *extended)) {
	each(t, func(c *client) {
		log := slog.New(slog.DiscardHandler)
		root := "https://p.example.org"
		e := &extended{client: c, auth: auth.NewService(auth.Config{Store: c.store, SecretKey: "secret", SiteRoot: root, Log: log})}
		projects := project.NewService(project.Config{Store: c.store, Auth: e.auth, SiteRoot: root, Log: log, Mails: project.Mails{
			Removed: func(v mail.Removed) (*mail.Message, error) {
				return &mail.Message{Email: monitor.Email{MessageID: v.To, Kind: mail.KindRemoved, To: v.To, Subject: v.Project}}, nil
			},
			Stored: func(context.Context, *mail.Message) {},
		}})
		channels := &channel.Service{Log: log, Store: c.store, Signer: auth.NewSigner("secret"), SiteRoot: root, Verify: true,
			Send: func(_ context.Context, v mail.Verify) error {
				e.asked = append(e.asked, v)
				return nil
			}}
		p := c.mine.Project
		p.APIKey = e.auth.KeyHash(rwKey)
		p.APIKeyReadonly = e.auth.KeyHash(roKey)
		if err := testdb.PutProject(t.Context(), c.store, p); err != nil {
			t.Fatal(err)
		}
		deps := api.Deps{
			Store: c.store, HashKey: e.auth.StoredKey, SiteURL: root, PingEndpoint: root + "/ping/", Log: log,
			Auth: e.auth, Projects: projects, Channels: channels, MetricsKey: metricsKey, ReturnPaths: returnPaths,
			Notifiers: kindtest.Registry(notify.Env{}, nil, kindtest.Kinds("email", "webhook")...),
			SendTest: func(ctx context.Context, ch *monitor.Channel) (notify.Result, error) {
				if err := e.auth.MayTest(ctx, ch); err != nil {
					return notify.Result{}, err
				}
				e.sent = append(e.sent, ch.ID)
				return e.result, e.err
			},
		}
		c.api = openapitest.Load(t, deps.Document()).Handler(t, http.StripPrefix("/api", api.New(deps)))
		test(e)
	})
}

// send is callAs with the whole answer; each header is "Name: value".
func (e *extended) send(key, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	e.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if key != "" {
		r.Header.Set("X-Api-Key", key)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	e.api.ServeHTTP(w, r)
	return w
}

// objectAs is object with a key of choice.
func (e *extended) objectAs(key string, status int, method, path, body string) map[string]any {
	e.Helper()
	code, text := e.callAs(key, method, path, body)
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != status {
		e.Fatalf("%s %s %s: %d %s, want %d and an object", method, path, body, code, text, status)
	}
	return out
}

// refused holds status and error of an answer.
func (e *extended) refused(key string, status int, method, path, body, words string) {
	e.Helper()
	got, _ := e.objectAs(key, status, method, path, body)["error"].(string)
	if !strings.Contains(got, words) {
		e.Errorf("%s %s %s: %q, want …%s…", method, path, body, got, words)
	}
}

const hook = `{"kind":"webhook","name":"Hook","config":{"url_down":"https://hooks.example.org/secret","method_down":"POST","body_down":"$NAME is down","headers_down":{"X-Token":"s3cret"},"url_up":"https://hooks.example.org/up"}}`

func TestAChannelIsMadeChangedAndRemoved(t *testing.T) {
	eachExtended(t, func(e *extended) {
		made := e.object(201, "POST", "/api/v3/channels/", hook)
		path := "/api/v3/channels/" + made["id"].(string)
		want := map[string]any{
			"id": made["id"], "name": "Hook", "kind": "webhook", "verified": true, "disabled": false, "last_notify": nil, "last_error": "",
			"checks": []any{e.mine.Check.Code.String()},
			"config": map[string]any{
				"url_down": "https://hooks.example.org/secret", "method_down": "POST", "body_down": "$NAME is down",
				"headers_down": map[string]any{"X-Token": "s3cret"},
				"url_up":       "https://hooks.example.org/up", "method_up": "POST", "body_up": "", "headers_up": map[string]any{},
			},
		}
		diff := cmp.Diff(want, made)
		if diff != "" {
			e.Errorf("made (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, e.object(200, "GET", path, "")); diff != "" {
			e.Errorf("read (-want +got):\n%s", diff)
		}
		seen := e.objectAs(roKey, 200, "GET", path, "")
		for _, secret := range []string{"config", "checks"} {
			_, there := seen[secret]
			if there {
				e.Errorf("a read-only key sees %s", secret)
			}
		}
		if err := e.store.NoteChannelOutcome(e.Context(), uuid.MustParse(made["id"].(string)),
			store.ChannelOutcome{At: e.clock.Now(), Error: "Gone.", Disable: true}); err != nil {
			e.Fatal(err)
		}
		got := e.object(200, "POST", path, `{"name":"Hook"}`)
		if got["disabled"] != true {
			e.Errorf("a new name has switched it on again: %v", got)
		}
		if got := e.object(200, "GET", path, ""); got["disabled"] != true || got["last_error"] != "Gone." ||
			got["last_notify"] != "2026-03-01T12:00:00+00:00" {
			e.Errorf("after an error: %v", got)
		}
		changed := e.object(200, "POST", path, `{"config":{"url_up":"","headers_down":{"X-Other":"1"}}}`)
		config := changed["config"].(map[string]any)
		if changed["name"] != "Hook" || changed["disabled"] != false || config["url_up"] != "" || config["body_down"] != "$NAME is down" ||
			!cmp.Equal(config["headers_down"], map[string]any{"X-Other": "1"}) {
			e.Errorf("changed: %v", changed)
		}
		if got := e.object(200, "POST", path, `{"name":" Pager "}`); got["name"] != "Pager" {
			e.Errorf("renamed: %v", got["name"])
		}
		if got := e.object(200, "GET", "/api/v3/channels/", ""); len(got["channels"].([]any)) != 2 {
			e.Errorf("list: %v", got)
		}
		if got := e.object(200, "DELETE", path, ""); got["name"] != "Pager" || len(got["checks"].([]any)) != 1 {
			e.Errorf("removed: %v", got)
		}
		e.refused(rwKey, 404, "GET", path, "", "channel not found")
	})
}

func TestAChannelIsRefusedWithTheNameOfTheField(t *testing.T) {
	eachExtended(t, func(e *extended) {
		own := "/api/v3/channels/" + e.mine.Channel.ID.String()
		theirs := "/api/v3/channels/" + e.other.Channel.ID.String()
		for _, k := range []struct {
			status             int
			method, path, body string
			words              string
		}{
			{400, "POST", "/api/v3/channels/", `{}`, "kind: This site has no channels of that kind; there are email, webhook."},
			{400, "POST", "/api/v3/channels/", `{"kind":"po"}`, "kind: "},
			{400, "POST", "/api/v3/channels/", `{"kind":7}`, "kind: The value must be a text."},
			{400, "POST", "/api/v3/channels/", `{"kind":"email"}`, "config.address: "},
			{400, "POST", "/api/v3/channels/", `{"kind":"email","config":null}`, "config: The value must be an object."},
			{400, "POST", "/api/v3/channels/", `{"kind":"email","config":[]}`, "config: The value must be an object."},
			{400, "POST", "/api/v3/channels/", `{"kind":"email","value":"a@example.org"}`,
				"value: There is no such field; there are kind, name, config."},
			{400, "POST", "/api/v3/channels/", `{"kind":"email","config":{"mail":"a@example.org"}}`,
				"config.mail: There is no such setting; there are address, down, up."},
			{400, "POST", "/api/v3/channels/", `{"kind":"webhook","config":{"url_down":"ftp://x"}}`, "config.url_down: "},
			{400, "POST", "/api/v3/channels/", `{"kind":"email","name":null,"config":{"address":"a@example.org"}}`, "name: "},
			{400, "POST", "/api/v3/channels/", `{"kind":"email","name":"` + strings.Repeat("ü", 101) + `","config":{"address":"a@example.org"}}`,
				"name: A name has at most 100 characters."},
			{400, "POST", "/api/v3/channels/", `[`, "could not parse request body"},
			{400, "POST", own, `{"kind":"webhook"}`, "kind: There is no such field"},
			{400, "POST", own, `{"config":{"up":"yes"}}`, "config.up: The value must be true or false."},
			{400, "POST", own + "/test", `{"x":1}`, "x: There is no such field"},
			{400, "PUT", own + "/checks", `{}`, "checks: "},
			{400, "PUT", own + "/checks", `{"checks":null}`, "checks: "},
			{400, "PUT", own + "/checks", `{"checks":[null]}`, "checks: "},
			{400, "PUT", own + "/checks", `{"checks":"all"}`, "checks: "},
			{400, "PUT", own + "/checks", `{"checks":["` + e.other.Check.Code.String() + `"]}`,
				"checks: The project has no check " + e.other.Check.Code.String()},
			{404, "GET", theirs, "", "channel not found"},
			{404, "POST", theirs, "", "channel not found"},
			{404, "DELETE", theirs, "", "channel not found"},
			{404, "POST", theirs + "/test", "", "channel not found"},
			{404, "PUT", theirs + "/checks", `{"checks":[]}`, "channel not found"},
		} {
			e.refused(rwKey, k.status, k.method, k.path, k.body, k.words)
		}
		for _, k := range [][2]string{{"POST", own}, {"DELETE", own}, {"POST", own + "/test"}, {"PUT", own + "/checks"},
			{"POST", "/api/v3/channels/"}} {
			e.refused(roKey, 401, k[0], k[1], "", "wrong api key")
		}
		for _, path := range []string{"/api/v1/channels/", "/api/v2/channels/"} {
			code, _ := e.call("POST", path, hook)
			if code != 405 {
				e.Errorf("POST %s: %d, want 405 as ever", path, code)
			}
		}
		channels, _ := e.store.ChannelsOf(e.Context(), e.mine.Project.ID)
		if len(channels) != 1 || len(e.sent) != 0 {
			e.Errorf("%d channels, %d tests; want nothing made or sent", len(channels), len(e.sent))
		}
	})
}

func TestAnAddressIsAskedBeforeItGetsAlerts(t *testing.T) {
	eachExtended(t, func(e *extended) {
		add := func(address string) map[string]any {
			e.Helper()
			return e.object(201, "POST", "/api/v3/channels/",
				`{"kind":"email","name":"Ops","config":{"address":"`+address+`","up":true,"down":true}}`)
		}
		got := add(strings.ToUpper(e.mine.User.Email))
		if got["verified"] != true || len(e.asked) != 0 {
			e.Errorf("the owner's address: verified %v, asked %v", got["verified"], e.asked)
		}
		foreign := add("ops@elsewhere.example")
		if foreign["verified"] != false || len(e.asked) != 1 || e.asked[0].To != "ops@elsewhere.example" || e.asked[0].By != e.mine.User.Email {
			e.Fatalf("a foreign address: verified %v, asked %+v", foreign["verified"], e.asked)
		}
		path := "/api/v3/channels/" + foreign["id"].(string)
		if !strings.HasPrefix(e.asked[0].Link, "https://p.example.org/integrations/"+foreign["id"].(string)+"/verify/") {
			e.Errorf("link: %s", e.asked[0].Link)
		}
		e.object(200, "POST", path, `{"name":"Night shift"}`)
		if len(e.asked) != 1 {
			e.Error("a new name asks again")
		}
		if got := e.object(200, "POST", path, `{"config":{"address":"it@elsewhere.example"}}`); got["verified"] != false || len(e.asked) != 2 {
			e.Errorf("another address: verified %v, asked %d times", got["verified"], len(e.asked))
		}
		for i := len(e.asked); i < auth.VerifyMails; i++ {
			add(fmt.Sprintf("a%d@elsewhere.example", i))
		}
		e.refused(rwKey, 429, "POST", "/api/v3/channels/", `{"kind":"email","config":{"address":"late@elsewhere.example"}}`, "many addresses")
	})
}

func TestATestReturnsTheAnswerOfTheOtherSide(t *testing.T) {
	eachExtended(t, func(e *extended) {
		path := "/api/v3/channels/" + e.mine.Channel.ID.String() + "/test"
		e.result = notify.Result{StatusCode: 200, Response: "thanks"}
		want := map[string]any{"accepted": true, "error": "", "status_code": 200.0, "response": "thanks"}
		diff := cmp.Diff(want, e.object(200, "POST", path, ""))
		if diff != "" {
			e.Errorf("accepted (-want +got):\n%s", diff)
		}
		e.result = notify.Result{}
		e.err = &notify.Error{Message: "The name is not known.", Class: notify.Dead}
		want = map[string]any{"accepted": false, "error": "The name is not known.", "status_code": nil, "response": ""}
		if diff := cmp.Diff(want, e.object(200, "POST", path, "{}")); diff != "" {
			e.Errorf("refused (-want +got):\n%s", diff)
		}
		if !slices.Equal(e.sent, []uuid.UUID{e.mine.Channel.ID, e.mine.Channel.ID}) {
			e.Errorf("sent through %v", e.sent)
		}
	})
}

func TestAChannelIsAssignedToChecks(t *testing.T) {
	eachExtended(t, func(e *extended) {
		path := "/api/v3/channels/" + e.mine.Channel.ID.String() + "/checks"
		e.clock.Advance(time.Second)
		second := e.object(201, "POST", "/api/v3/checks/", `{"name":"second"}`)["uuid"].(string)
		first := e.mine.Check.Code.String()
		for _, step := range []struct {
			method, checks string
			want           []any
		}{
			{"PUT", `["` + strings.ToUpper(second) + `"]`, []any{second}},
			{"POST", `"*"`, []any{first, second}},
			{"PUT", `["` + first + `","` + first + `"]`, []any{first}},
			{"PUT", `[]`, []any{}},
		} {
			got := e.object(200, step.method, path, `{"checks":`+step.checks+`}`)
			diff := cmp.Diff(step.want, got["checks"])
			if diff != "" {
				e.Errorf("%s (-want +got):\n%s", step.checks, diff)
			}
		}
	})
}

// A project key opens a project; an account token opens the projects of its
// user, as far as the user may go.
func TestAnAccountTokenSeesToProjects(t *testing.T) {
	eachExtended(t, func(e *extended) {
		_, token, err := e.auth.CreateToken(e.Context(), e.mine.User, "Terraform", false, "")
		if err != nil {
			e.Fatal(err)
		}
		e.clock.Advance(time.Second)
		made := e.objectAs(token, 201, "POST", "/api/v3/projects/", `{"name":" Night  shift "}`)
		path := "/api/v3/projects/" + made["id"].(string)
		want := map[string]any{
			"id": made["id"], "name": "Night shift", "role": "owner", "owner": e.mine.User.Email, "created": "2026-03-01T12:00:01+00:00",
			"checks": 0.0, "checks_down": 0.0, "channels": 1.0, "keys": map[string]any{"api_key": nil, "api_key_readonly": nil, "ping_key": nil},
		}
		diff := cmp.Diff(want, made)
		if diff != "" {
			e.Errorf("made (-want +got):\n%s", diff)
		}
		list := e.objectAs(token, 200, "GET", "/api/v3/projects/", "")["projects"].([]any)
		if len(list) != 2 || !cmp.Equal(list[1], any(want)) && !cmp.Equal(list[0], any(want)) {
			e.Errorf("list: %v", list)
		}

		keys := e.objectAs(token, 200, "POST", path+"/keys", `{"make":["api_key","ping_key"]}`)
		if keys["project"] != made["id"] || keys["api_key_readonly"] != nil ||
			!regexp.MustCompile(`^hcw_[A-Za-z0-9]{28}$`).MatchString(keys["api_key"].(string)) ||
			!regexp.MustCompile(`^[a-z0-9]{22}$`).MatchString(keys["ping_key"].(string)) {
			e.Errorf("keys: %v", keys)
		}
		first := keys["api_key"].(string)
		code, text := e.callAs(first, "POST", "/api/v3/checks/", `{"name":"made with the key"}`)
		if code != 201 {
			e.Errorf("the key made: %d %s", code, text)
		}
		e.refused(token, 409, "POST", path+"/keys", `{"revoke":["ping_key"],"make":["api_key"]}`, "There is such a key already")
		hints := e.objectAs(token, 200, "GET", path, "")["keys"].(map[string]any)
		if hints["api_key"] != first[:8] || hints["api_key_readonly"] != nil || hints["ping_key"] != keys["ping_key"].(string)[:4] {
			e.Errorf("hints: %v; want those of keys that a refused request has not touched", hints)
		}
		again := e.objectAs(token, 200, "POST", path+"/keys", `{"revoke":["api_key","ping_key"],"make":["api_key"]}`)
		if again["api_key"] == first || again["ping_key"] != nil {
			e.Errorf("made anew: %v", again)
		}
		if code, _ := e.callAs(first, "GET", "/api/v3/checks/", ""); code != 401 {
			e.Errorf("the revoked key: %d", code)
		}

		got := e.objectAs(token, 200, "POST", path, `{"name":"Day shift"}`)
		if got["name"] != "Day shift" || got["checks"] != 1.0 {
			e.Errorf("renamed: %v", got)
		}
		other := testdb.Account(e.T, e.store, "member@example.org")
		id := uuid.MustParse(made["id"].(string))
		if err := e.store.AddMember(e.Context(), id, other.User.ID, monitor.RoleReadonly); err != nil {
			e.Fatal(err)
		}
		if got := e.objectAs(token, 200, "DELETE", path, ""); got["name"] != "Day shift" {
			e.Errorf("removed: %v", got)
		}
		mails, err := e.store.Emails(e.Context(), store.EmailFilter{Kind: mail.KindRemoved})
		if err != nil || len(mails) != 1 || mails[0].To != other.User.Email {
			e.Errorf("the members were told: %+v, %v", mails, err)
		}
		e.refused(token, 404, "GET", path, "", "project not found")
	})
}

func TestWhoMayDoWhatToProjects(t *testing.T) {
	eachExtended(t, func(e *extended) {
		token := func(user *monitor.User, readonly bool) string {
			e.Helper()
			_, made, err := e.auth.CreateToken(e.Context(), user, "x", readonly, "")
			if err != nil {
				e.Fatal(err)
			}
			return made
		}
		mine := token(e.mine.User, false)
		looking := token(e.mine.User, true)
		theirs := token(e.other.User, false)
		list := "/api/v3/projects/"
		path := "/api/v3/projects/" + e.mine.Project.ID.String()

		w := e.send("", "GET", list, "", "Authorization: Bearer "+mine)
		if w.Code != 200 {
			e.Errorf("as a bearer: %d %s", w.Code, w.Body)
		}
		for _, key := range []string{"hca_" + strings.Repeat("x", 28), rwKey, "short"} {
			e.refused(key, 401, "GET", list, "", "wrong account token")
		}
		e.refused("", 401, "GET", list, "", "missing account token")
		e.refused(mine, 401, "GET", "/api/v3/checks/", "", "wrong api key")
		e.refused(mine, 400, "POST", list, "[]", "value is not an object")
		e.refused(mine, 400, "POST", list, `{"name":""}`, "name: Please give")
		e.refused(mine, 400, "POST", list, `{"name":"x","owner":"y"}`, "owner: There is no such field")
		e.refused(mine, 400, "POST", path, `{"name":null}`, "name: The value must be a text.")
		e.refused(mine, 400, "POST", path, `{"name":"`+strings.Repeat("x", 61)+`"}`, "name: A project's name")
		e.refused(mine, 400, "POST", path+"/keys", `{"make":"api_key"}`, "make: The value must be a list of api_key, api_key_readonly, ping_key.")
		e.refused(mine, 400, "POST", path+"/keys", `{"make":["api_key","api_key"]}`, "make: ")
		e.refused(mine, 400, "POST", path+"/keys", `{"revoke":["badge_key"]}`, "revoke: ")

		got := e.objectAs(looking, 200, "GET", path, "")
		if got["keys"] != nil || got["name"] != e.mine.Project.Name {
			e.Errorf("a read-only token sees %v", got)
		}
		for _, k := range [][2]string{{"POST", list}, {"POST", path}, {"POST", path + "/keys"}, {"DELETE", path}} {
			e.refused(looking, 403, k[0], k[1], "{}", "may only read")
			if k[1] != list {
				e.refused(theirs, 404, k[0], k[1], "{}", "project not found")
			}
		}
		join := func(role monitor.Role) {
			e.Helper()
			_, err := e.store.DB().Exec(e.Context(), `INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, $3, $4)
				ON CONFLICT (user_id, project_id) DO UPDATE SET role = excluded.role`, e.other.User.ID, e.mine.Project.ID, role, e.clock.Now())
			if err != nil {
				e.Fatal(err)
			}
		}
		join(monitor.RoleReadonly)
		if got := e.objectAs(theirs, 200, "GET", path, ""); got["role"] != "read-only" || got["keys"] != nil {
			e.Errorf("a read-only member sees %v", got)
		}
		e.refused(theirs, 403, "POST", path, `{"name":"x"}`, "not change it")
		e.refused(theirs, 403, "POST", path+"/keys", `{}`, "not change it")
		join(monitor.RoleMember)
		if got := e.objectAs(theirs, 200, "POST", path, `{}`); got["role"] != "member" || got["keys"] == nil {
			e.Errorf("a member sees %v", got)
		}
		e.refused(theirs, 403, "DELETE", path, "", "Only the owner")
	})
}

// names are those of the listed checks, in order.
func (e *extended) names(path string) string {
	e.Helper()
	var names []string
	for _, c := range e.object(200, "GET", path, "")["checks"].([]any) {
		names = append(names, c.(map[string]any)["name"].(string))
	}
	return strings.Join(names, " ")
}

func (e *extended) addChecks(names ...string) {
	e.Helper()
	for _, name := range names {
		e.object(201, "POST", "/api/v3/checks/", `{"name":"`+name+`","tags":"added"}`)
	}
}

func TestTheListIsFiltered(t *testing.T) {
	eachExtended(t, func(e *extended) {
		e.object(200, "POST", "/api/v3/checks/{U}", `{"name":"first","timeout":60,"grace":60}`)
		e.addChecks("Backup-DB", "backup-files")
		e.record(monitor.PingSuccess)
		for path, want := range map[string]string{
			"":                                  "first Backup-DB backup-files",
			"?name=BACKUP":                      "Backup-DB backup-files",
			"?name=-db":                         "Backup-DB",
			"?name=nothing":                     "",
			"?name=":                            "first Backup-DB backup-files",
			"?status=up":                        "first",
			"?status=new&status=up&name=b":      "Backup-DB backup-files",
			"?status=down":                      "",
			"?status=new&tag=added&slug=":       "Backup-DB backup-files",
			"?page=2&tags=x&limit_x=1&extra=no": "first Backup-DB backup-files",
		} {
			got := e.names("/api/v3/checks/" + path)
			if got != want {
				e.Errorf("%q lists %q, want %q", path, got, want)
			}
		}
		// docs/conformance.md §5: clients of versions 1 and 2 rely on these being ignored.
		for _, version := range []string{"v1", "v2"} {
			got := e.names("/api/" + version + "/checks/?name=nothing&status=down&limit=1&cursor=MS4x")
			if got != "first Backup-DB backup-files" {
				e.Errorf("%s lists %q", version, got)
			}
		}
		e.clock.Advance(61 * time.Second)
		got := e.names("/api/v3/checks/?status=grace")
		if got != "first" {
			e.Errorf("late: %q", got)
		}
		e.record(monitor.PingSuccess)
		e.record(monitor.PingStart)
		if got := e.names("/api/v3/checks/?status=started"); got != "first" {
			e.Errorf("started: %q", got)
		}
		e.refused(rwKey, 400, "GET", "/api/v3/checks/?status=late", "", "status: The value must be one of new, up, grace, down, paused, started.")
		for _, limit := range []string{"0", "-1", "x", "", "10001"} {
			e.refused(rwKey, 400, "GET", "/api/v3/checks/?limit="+limit, "", "limit: The value must be a number from 1 to 10000.")
		}
		for _, cursor := range []string{"", "x", "MQ", "!"} {
			e.refused(rwKey, 400, "GET", "/api/v3/checks/?cursor="+cursor, "", "cursor: ")
		}
	})
}

// record sends a ping to the check of the project.
func (e *extended) record(kind monitor.PingKind) {
	e.Helper()
	exit := 7
	a := &store.Arrival{Code: e.mine.Check.Code, Ping: monitor.Ping{CreatedAt: e.clock.Now()},
		Classify: func(*monitor.Filter) monitor.PingKind { return kind }}
	if kind == monitor.PingFail {
		a.Ping.ExitStatus = &exit
	}
	if err := e.store.RecordPings(e.Context(), []*store.Arrival{a}); err != nil {
		e.Fatal(err)
	}
}

var nextLink = regexp.MustCompile(`^<https://p\.example\.org(/api/v3/checks/\?[^>]*)>; rel="next"$`)

func TestTheListComesInPages(t *testing.T) {
	eachExtended(t, func(e *extended) {
		// all at the same moment
		e.addChecks("a", "b", "c", "d")
		var pages []string
		for path := "/api/v3/checks/?limit=2&tag=added"; path != ""; {
			pages = append(pages, e.names(path))
			w := e.send(rwKey, "GET", path, "")
			link := w.Header().Get("Link")
			path = ""
			if link != "" {
				m := nextLink.FindStringSubmatch(link)
				if m == nil {
					e.Fatalf("link: %s", link)
				}
				path = m[1]
			}
			// what is gone meanwhile does not move what is to come
			if len(pages) == 1 {
				var list struct{ Checks []struct{ UUID, Name string } }
				json.Unmarshal(w.Body.Bytes(), &list)
				e.object(200, "DELETE", "/api/v3/checks/"+list.Checks[1].UUID, "")
			}
		}
		got := strings.Join(pages, "|")
		if got != "a b|c d" {
			e.Errorf("pages: %s", got)
		}
		for _, path := range []string{"/api/v3/checks/", "/api/v3/checks/?limit=4"} {
			link := e.send(rwKey, "GET", path, "").Header().Get("Link")
			if link != "" {
				e.Errorf("%s has a link to %s, but nothing is left", path, link)
			}
		}
	})
}

func TestListsAreNotSentTwice(t *testing.T) {
	eachExtended(t, func(e *extended) {
		e.object(200, "POST", "/api/v3/checks/{U}", `{"timeout":60,"grace":60}`)
		e.record(monitor.PingSuccess)
		_, token, err := e.auth.CreateToken(e.Context(), e.mine.User, "x", false, "")
		if err != nil {
			e.Fatal(err)
		}
		for path, key := range map[string]string{
			"/api/v1/checks/": rwKey, "/api/v3/checks/": roKey, "/api/v3/channels/": rwKey, "/api/v3/projects/": token,
			"/api/v3/checks/" + e.mine.Check.Code.String() + "/pings/": rwKey, "/api/v3/checks/" + e.mine.Check.Code.String() + "/flips/": roKey,
		} {
			w := e.send(key, "GET", path, "")
			tag := w.Header().Get("ETag")
			if w.Code != 200 || !strings.HasPrefix(tag, `W/"`) || w.Header().Get("Cache-Control") != "private, no-cache" {
				e.Errorf("%s: %d, tag %q, %s", path, w.Code, tag, w.Header().Get("Cache-Control"))
			}
			for _, sent := range []string{tag, `"x", ` + tag, strings.TrimPrefix(tag, "W/"), "*"} {
				again := e.send(key, "GET", path, "", "If-None-Match: "+sent)
				if again.Code != 304 || again.Body.Len() != 0 || again.Header().Get("ETag") != tag ||
					again.Header().Get("Access-Control-Allow-Origin") != "*" {
					e.Errorf("%s with %s: %d %q", path, sent, again.Code, again.Body)
				}
			}
			other := e.send(key, "GET", path, "", `If-None-Match: W/"x"`)
			if other.Code != 200 || other.Body.Len() == 0 {
				e.Errorf("%s with another tag: %d", path, other.Code)
			}
			refused := e.send("", "GET", path, "", "If-None-Match: *")
			if refused.Code != 401 || refused.Header().Get("ETag") != "" {
				e.Errorf("%s without a key: %d", path, refused.Code)
			}
		}
		// Nothing was written, but the check is late now.
		tag := e.send(rwKey, "GET", "/api/v3/checks/", "").Header().Get("ETag")
		e.clock.Advance(61 * time.Second)
		w := e.send(rwKey, "GET", "/api/v3/checks/", "", "If-None-Match: "+tag)
		if w.Code != 200 || !strings.Contains(w.Body.String(), `"status":"grace"`) {
			e.Errorf("a minute later: %d %s", w.Code, w.Body)
		}
	})
}

func TestPingsHaveTheirExitStatusWhereItIsWanted(t *testing.T) {
	eachExtended(t, func(e *extended) {
		e.record(monitor.PingSuccess)
		e.record(monitor.PingFail)
		statuses := func(path string) (out []any) {
			e.Helper()
			for _, p := range e.object(200, "GET", path, "")["pings"].([]any) {
				status, there := p.(map[string]any)["exit_status"]
				if !there {
					status = "absent"
				}
				out = append(out, status)
			}
			return out
		}
		for path, want := range map[string][]any{
			"/api/v3/checks/{U}/pings/":                              {"absent", "absent"},
			"/api/v1/checks/{U}/pings/?extra=exit_status":            {"absent", "absent"},
			"/api/v3/checks/{U}/pings/?extra=exit_status":            {7.0, nil},
			"/api/v3/checks/{U}/pings/?extra=x,exit_status&extra=no": {7.0, nil},
		} {
			diff := cmp.Diff(want, statuses(path))
			if diff != "" {
				e.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
	})
}

func TestAnUpdateDoesNotUndoAnUnsubscription(t *testing.T) {
	eachExtended(t, func(e *extended) {
		if err := e.store.Unsubscribe(e.Context(), e.mine.Channel.ID); err != nil {
			e.Fatal(err)
		}
		path := "/api/v3/channels/" + e.mine.Channel.ID.String()
		for _, body := range []string{`{}`, `{"name":"Ops"}`, `{"config":{"up":false}}`,
			`{"name":"Ops","config":{"address":"` + strings.ToUpper(e.store.AddressOf(e.mine.Channel)) + `"}}`} {
			got := e.object(200, "POST", path, body)
			if got["disabled"] != true || got["verified"] != false || got["last_error"] != monitor.ErrorUnsubscribed {
				e.Errorf("%s: %v", body, got)
			}
		}
		if len(e.asked) != 1 {
			e.Errorf("asked %d times, want once a day", len(e.asked))
		}
		again := e.object(200, "DELETE", path, "")["config"].(map[string]any)["address"].(string)
		e.clock.Advance(25 * time.Hour)
		made := e.object(201, "POST", "/api/v3/channels/", `{"kind":"email","config":{"address":"`+again+`","up":true,"down":true}}`)
		if made["verified"] != false {
			e.Errorf("made anew: %v", made)
		}
	})
}

// Scripts of other sites may use what the extensions document.
func TestScriptsOfOtherSites(t *testing.T) {
	each(t, func(c *client) {
		ask := func(method string, header ...string) http.Header {
			r := httptest.NewRequest(method, "/api/v3/checks/", nil)
			r.Header.Set("Origin", "https://dashboard.example.org")
			for i := 0; i < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			w := httptest.NewRecorder()
			c.api.ServeHTTP(w, r)
			return w.Header()
		}
		for asked, want := range map[string]string{
			"":                             "X-Api-Key",
			"x-api-key":                    "X-Api-Key",
			"content-type,x-api-key":       "X-Api-Key",
			"authorization":                "X-Api-Key, Authorization",
			"if-none-match, authorization": "X-Api-Key, Authorization, If-None-Match",
			"x-other":                      "X-Api-Key",
		} {
			got := ask("OPTIONS", "Access-Control-Request-Headers", asked).Get("Access-Control-Allow-Headers")
			if got != want {
				t.Errorf("asked for %q: %q, want %q", asked, got, want)
			}
		}
		answer := ask("GET", "Authorization", "Bearer "+rwKey)
		if answer.Get("ETag") == "" || answer.Get("Access-Control-Expose-Headers") != "ETag" || answer.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%v", answer)
		}
		again := ask("GET", "Authorization", "Bearer "+rwKey, "If-None-Match", answer.Get("ETag"))
		if again.Get("Access-Control-Expose-Headers") != "ETag" {
			t.Errorf("304: %v", again)
		}
	})
}

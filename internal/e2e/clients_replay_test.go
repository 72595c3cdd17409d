package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// TestClientsReplayed sends what clients that are not to be had here send, and
// looks at the answers as they do (docs/contract.md §6, and their sources): the same
// addresses, headers and bodies, in the same order.
func TestClientsReplayed(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		withUsers(t, engine, map[string]func(*user){
			"runitor": runitor, "runitor by slug": runitorBySlug, "Terraform provider": terraform, "adamdecaf go-healthchecksio": adamdecaf,
			"py-healthchecks.io": pyHealthchecks, "healthchecks-rs": healthchecksRS, "Ansible collection": ansible,
			"healthchecksio-java": java, "PHP libraries": phpLibraries, "Salt formula": salt, "Home Assistant": homeAssistant,
			"Grafana datasource": grafana, "Singer tap": singer, "MCP server": mcp, "PowerShell module": powershell,
			"GitHub action": githubAction, "hc command": hcCommand, "borgmatic with create_slug": borgmaticBySlug,
			"dashboards in browsers": dashboard, "k9s and Duplicati": k9s, "routers and microcontrollers": microcontroller,
		})
	})
}

// answer is what came back for a request.
type answer struct {
	*user
	request string
	status  int
	header  http.Header
	body    string
}

// send sends "METHOD /path" with a body and headers such as "X-Api-Key: …",
// follows redirects as most clients do, and fails the test unless the answer
// has the status.
func (u *user) send(want int, request, body string, headers ...string) answer {
	u.Helper()
	method, address, _ := strings.Cut(request, " ")
	if strings.HasPrefix(address, "/") {
		address = u.site(address)
	}
	r, err := http.NewRequestWithContext(u.Context(), method, address, strings.NewReader(body))
	if err != nil {
		u.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		u.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		u.Fatal(err)
	}
	if res.StatusCode != want {
		u.Fatalf("%s %s: %d %.500s, want %d", request, body, res.StatusCode, text, want)
	}
	return answer{u, request, res.StatusCode, res.Header, string(text)}
}

// call is send with the read-write key.
func (u *user) call(want int, request, body string) answer {
	u.Helper()
	return u.send(want, request, body, "X-Api-Key: "+u.APIKey)
}

// into decodes the answer into what the client makes of it.
func (a answer) into(v any) {
	a.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		a.Fatalf("%s: %v: %.500s", a.request, err, a.body)
	}
}

// objects is the list under the name, which must be there.
func (a answer) objects(name string) []map[string]any {
	a.Helper()
	var all map[string][]map[string]any
	a.into(&all)
	list, ok := all[name]
	if !ok {
		a.Fatalf("%s: no %q in %.500s", a.request, name, a.body)
	}
	return list
}

// object is the answer as an object, which must have the fields.
func (a answer) object(fields ...string) map[string]any {
	a.Helper()
	var o map[string]any
	a.into(&o)
	for _, f := range fields {
		_, ok := o[f]
		if !ok {
			a.Fatalf("%s: no %q in %.500s", a.request, f, a.body)
		}
	}
	return o
}

// lastSegment is how many clients find the id of a check: behind the last slash of one
// of its addresses.
func lastSegment(address any) string {
	s, _ := address.(string)
	return s[strings.LastIndex(s, "/")+1:]
}

// asRunitor runs a job as runitor does: start, then the exit status with the
// end of the output, cut to what the instance keeps.
func asRunitor(u *user, handle, query string, exit int, output string) {
	u.Helper()
	headers := []string{"Content-Type: text/plain", "User-Agent: runitor/v1.4.1 (+https://bdd.fi/x/runitor)"}
	base := "POST " + u.site("/ping") + "/" + handle
	want := 200
	if strings.HasPrefix(query, "?create=1") {
		want = 201
	}
	begun := u.send(want, base+"/start"+query, "", headers...)
	limit, err := strconv.ParseUint(begun.header.Get("Ping-Body-Limit"), 10, 32)
	if err != nil {
		u.Fatalf("Ping-Body-Limit: %v", err)
	}
	output = output[max(0, len(output)-int(limit)):]
	u.send(200, fmt.Sprintf("%s/%d%s", base, exit, query), output, headers...)
}

func runitor(u *user) {
	c := u.check()
	rid := uuid.NewString()
	asRunitor(u, c.UUID, "?rid="+rid, 0, "all well\n")
	asRunitor(u, c.UUID, "", 3, strings.Repeat("\x1b[1mlong\x00 output\xff\n", 20_000)+"the end\n")
	pings := c.pings()
	if len(pings) != 4 {
		u.Fatalf("%d pings, want 4", len(pings))
	}
	p := pings[1]
	if p.RID.UUID.String() != rid || p.Kind != monitor.PingSuccess || string(p.Body) != "all well\n" ||
		!strings.HasPrefix(p.UserAgent, "runitor/") {
		u.Errorf("the first run: %+v", p)
	}
	if p := pings[3]; p.Kind != monitor.PingFail || *p.ExitStatus != 3 || p.BodySize != 100_000 ||
		!strings.HasSuffix(string(p.Body), "the end\n") {
		u.Errorf("the second run: %s, exit status %v, %d bytes", p.Kind, p.ExitStatus, p.BodySize)
	}
	s := c.load().Status
	if s != monitor.StatusDown {
		u.Errorf("after exit status 3: %s", s)
	}
}

func runitorBySlug(u *user) {
	handle := u.PingKey + "/made-by-runitor"
	asRunitor(u, handle, "?create=1&rid="+uuid.NewString(), 0, "")
	asRunitor(u, handle, "?rid="+uuid.NewString(), 0, "")
	made := u.call(200, "GET /api/v3/checks/?slug=made-by-runitor", "").objects("checks")
	if len(made) != 1 || made[0]["n_pings"] != 4.0 || made[0]["status"] != "up" {
		u.Errorf("checks: %v", made)
	}
}

// terraform is the provider's client: v1, every field of its struct, the id out of
// update_url, and a read that lists everything.
func terraform(u *user) {
	type healthcheck struct {
		Channels, Desc, Methods, Name, Slug, Schedule, Status, Tags string
		Grace, Timeout                                              int
		LastPing                                                    string `json:"last_ping"`
		PauseURL                                                    string `json:"pause_url"`
		PingURL                                                     string `json:"ping_url"`
		UpdateURL                                                   string `json:"update_url"`
		Timezone                                                    string `json:"tz"`
	}
	send := func(want int, request, body string) answer {
		u.Helper()
		return u.send(want, request, body, "Content-Type: application/json", "X-Api-Key: "+u.APIKey)
	}
	var made, read healthcheck
	send(201, "POST /api/v1/checks/",
		`{"channels":"","desc":"From code","grace":120,"methods":"","name":"tf check","schedule":"0,30 2 * * *","tags":"go unite","tz":"Asia/Tokyo"}`).into(&made)
	id := lastSegment(made.UpdateURL)
	var list struct{ Checks []healthcheck }
	send(200, "GET /api/v1/checks/", "").into(&list)
	for _, h := range list.Checks {
		if lastSegment(h.UpdateURL) == id {
			read = h
		}
	}
	diff := cmp.Diff(made, read)
	if diff != "" || read.Schedule != "0,30 2 * * *" || read.Timezone != "Asia/Tokyo" || read.Slug != "tf-check" {
		u.Errorf("read after create: %+v\n%s", read, diff)
	}
	var changed healthcheck
	send(200, "POST /api/v1/checks/"+id, `{"channels":"","methods":"POST","name":"tf check","tags":"go","timeout":3600}`).into(&changed)
	if changed.Timeout != 3600 || changed.Schedule != "" || changed.Methods != "POST" {
		u.Errorf("update: %+v", changed)
	}
	channels := send(200, "GET /api/v1/channels/", "").objects("channels")
	if len(channels) != 1 || channels[0]["kind"] != "email" {
		u.Errorf("channels: %v", channels)
	}
	send(200, "POST /api/v1/checks/"+id+"/pause", "")
	send(200, "DELETE /api/v1/checks/"+id, "")
	// the operator: already gone
	send(404, "DELETE /api/v1/checks/"+id, "")
	e := send(400, "POST /api/v1/checks/", `{"channels":"","methods":"","timeout":1}`).object("error")
	if !strings.Contains(e["error"].(string), "timeout") {
		u.Errorf("error: %v", e)
	}
}

// adamdecaf tells a new check from a known one by the status.
func adamdecaf(u *user) {
	const body = `{"name":"typed","tags":"prod www","timeout":3600,"grace":60,"unique":["name"]}`
	made := u.call(201, "POST /api/v3/checks/", body).object("name", "slug", "tags", "desc", "grace", "n_pings", "status", "last_ping",
		"next_ping", "manual_resume", "methods", "ping_url", "update_url", "pause_url", "channels", "timeout")
	u.call(200, "POST /api/v3/checks/", body)
	u.call(200, "GET /api/v3/checks/"+lastSegment(made["update_url"]), "")
}

// pyHealthchecks has models with required fields, and reads the words of pings.
func pyHealthchecks(u *user) {
	c := u.check()
	u.send(200, "GET /ping/"+c.UUID, "")
	for _, o := range u.call(200, "GET /api/v1/checks/", "").objects("checks") {
		for _, f := range []string{"slug", "tags", "desc", "grace", "n_pings", "status", "last_ping", "next_ping", "manual_resume", "methods"} {
			_, ok := o[f]
			if !ok {
				u.Errorf("no %q in %v", f, o)
			}
		}
	}
	for _, p := range u.call(200, "GET /api/v1/checks/"+c.UUID+"/pings/", "").objects("pings") {
		_, ok := p["remote_addr"].(string)
		if !ok {
			u.Errorf("remote_addr is no text: %v", p)
		}
	}
	got := u.send(404, "GET /ping/"+uuid.NewString(), "")
	if !strings.Contains(got.body, "not found") {
		u.Errorf("unknown check: %q", got.body)
	}
	u.send(401, "GET /api/v1/checks/", "", "X-Api-Key: nonsense").object("error")
	u.call(404, "GET /api/v1/checks/"+uuid.NewString(), "")
	u.call(200, "GET /api/v1/badges/", "").object("badges")
}

// healthchecksRS (hcctl) leaves slashes away, and posts where it means to read: the
// redirect makes a GET of it.
func healthchecksRS(u *user) {
	c := u.check()
	u.send(200, "GET /ping/"+c.UUID, "", "User-Agent: healthchecks-rs")
	for _, version := range []string{"v1", "v2", "v3"} {
		base := "/api/" + version + "/"
		checks := u.call(200, "GET "+base+"checks", "").objects("checks")
		if len(checks) != 1 || lastSegment(checks[0]["ping_url"]) != c.UUID {
			u.Errorf("%s checks: %v", version, checks)
		}
		u.call(200, "GET "+base+"channels", "").objects("channels")
		u.send(401, "GET "+base+"channels", "", "X-Api-Key: "+u.APIKeyReadonly)
		pings := u.call(200, "POST "+base+"checks/"+c.UUID+"/pings", "").objects("pings")
		if len(pings) != 1 {
			u.Errorf("%s pings: %v", version, pings)
		}
		flips := u.call(200, "POST "+base+"checks/"+c.UUID+"/flips?seconds=3600", "").objects("flips")
		if len(flips) != 1 || flips[0]["up"] != 1.0 {
			u.Errorf("%s flips: %v", version, flips)
		}
	}
}

// ansible logs in by listing, with a JSON null as the body of each GET; it
// sends every option, set or not.
func ansible(u *user) {
	u.call(200, "GET /api/v1/checks", "null")
	u.send(401, "GET /api/v1/checks", "null", "X-Api-Key: wrong")
	const fields = `"name":"from a playbook","tags":"a b","desc":"","grace":3600,"schedule":"* * * * *","tz":"UTC","timeout":86400,"manual_resume":false,"methods":"","channels":"","unique":["name"],"slug":""`
	made := u.call(201, "POST /api/v1/checks/", "{"+fields+"}").object("ping_url", "schedule")
	u.call(200, "POST /api/v1/checks/", "{"+fields+"}")
	id := lastSegment(made["ping_url"])
	u.call(200, "GET /api/v1/checks/"+id, "null")
	u.call(200, "GET /api/v1/checks?tag=a&tag=b", "null")
	for _, action := range []string{"", "/fail", "/start"} {
		u.call(200, "HEAD /ping/"+id+action, "")
	}
	pings := u.call(200, "GET /api/v1/checks/"+id+"/pings", "null").objects("pings")
	if len(pings) != 3 || pings[0]["method"] != "HEAD" {
		u.Errorf("pings: %v", pings)
	}
	u.call(200, "GET /api/v1/checks/"+id+"/flips", "null").objects("flips")
	u.call(200, "GET /api/v1/badges", "null").object("badges")
	u.call(200, "GET /api/v1/channels", "null").objects("channels")
	u.call(200, "DELETE /api/v1/checks/"+id, "")
	u.call(404, "DELETE /api/v1/checks/"+id, "")
}

// java cuts the last colon out of times before it reads them.
func java(u *user) {
	c := u.check()
	u.send(200, "POST /ping/"+c.UUID, "")
	u.call(201, "POST /api/v1/checks/", `{"name":"from Java","timeout":60}`)
	check := u.call(200, "GET /api/v1/checks/"+c.UUID, "").object()
	at := check["last_ping"].(string)
	if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$`).MatchString(at) {
		u.Errorf("last_ping is %q", at)
	}
	for _, list := range []string{"checks", "channels", "pings", "flips"} {
		path := list
		if list == "pings" || list == "flips" {
			path = "checks/" + c.UUID + "/" + list
		}
		// It takes the first key of the object for the list.
		got := u.call(200, "GET /api/v1/"+path, "")
		if !strings.HasPrefix(got.body, `{"`+list+`":[`) {
			u.Errorf("%s: %.100s", path, got.body)
		}
	}
}

// phpLibraries are codin/healthchecks-io and henrywhitaker3's.
func phpLibraries(u *user) {
	c := u.check()
	for _, path := range []string{"checks", "channels", "checks/" + c.UUID, "checks/" + c.UUID + "/pings", "checks/" + c.UUID + "/flips"} {
		u.call(200, "GET /api/v1/"+path, "").object()
	}
	paused := u.call(200, "POST /api/v1/checks/"+c.UUID+"/pause", "").object("status")
	if paused["status"] != "paused" {
		u.Errorf("pause: %v", paused)
	}
}

// salt finds the id of a check behind "/ping/".
func salt(u *user) {
	u.call(201, "POST /api/v2/checks/",
		`{"name":"highstate","tags":"minion-1 salt","timeout":3600,"grace":600,"channels":"*","unique":["name","tags"]}`)
	list := u.call(200, "GET /api/v2/checks/?tag=minion-1&tag=salt", "").objects("checks")
	if len(list) != 1 {
		u.Fatalf("checks of the minion: %v", list)
	}
	_, id, ok := strings.Cut(list[0]["ping_url"].(string), "/ping/")
	if !ok {
		u.Fatalf("no /ping/ in %v", list[0]["ping_url"])
	}
	u.call(200, "GET /api/v2/checks/"+id+"/flips/", "").objects("flips")
	u.call(200, "DELETE /api/v2/checks/"+id, "")
}

// homeAssistant drops checks without a uuid; its older kin names entities by the
// end of ping_url, or by unique_key.
func homeAssistant(u *user) {
	c := u.check()
	u.send(200, "GET "+u.site("/ping")+"/"+c.UUID, "")
	list := u.call(200, "GET /api/v1/checks/", "").objects("checks")
	if len(list) != 1 || list[0]["uuid"] != c.UUID || lastSegment(list[0]["ping_url"]) != c.UUID || list[0]["status"] != "up" {
		u.Errorf("checks: %v", list)
	}
	list = u.send(200, "GET /api/v1/checks/", "", "X-Api-Key: "+u.APIKeyReadonly).objects("checks")
	key, _ := list[0]["unique_key"].(string)
	if len(key) != 40 || list[0]["ping_url"] != nil {
		u.Errorf("checks with the read-only key: %v", list)
	}
}

// uniqueKey is the unique key of the only check, as a read-only key sees it.
func uniqueKey(u *user, version string) string {
	u.Helper()
	list := u.send(200, "GET /api/"+version+"/checks/", "", "X-Api-Key: "+u.APIKeyReadonly).objects("checks")
	if len(list) != 1 {
		u.Fatalf("checks: %v", list)
	}
	return list[0]["unique_key"].(string)
}

// grafana goes through Grafana's proxy, which writes the header in lower case.
func grafana(u *user) {
	c := u.check()
	u.send(200, "GET /ping/"+c.UUID, "")
	lower := "x-api-key: " + u.APIKeyReadonly
	since := time.Now().Add(-time.Hour).Unix()
	flips := u.send(200, fmt.Sprintf("GET /api/v1/checks/%s/flips/?start=%d", uniqueKey(u, "v1"), since), "", lower).objects("flips")
	if len(flips) != 1 {
		u.Errorf("flips by unique key: %v", flips)
	}
	flips = u.send(200, fmt.Sprintf("GET /api/v1/checks/%s/flips/?start=%d", c.UUID, since), "", lower).objects("flips")
	if len(flips) != 1 {
		u.Errorf("flips by uuid: %v", flips)
	}
}

// singer (tap-healthchecksio) has a read-only key.
func singer(u *user) {
	c := u.check()
	u.send(200, "GET /ping/"+c.UUID, "")
	flips := u.send(200, "GET /api/v3/checks/"+uniqueKey(u, "v3")+"/flips/", "", "X-Api-Key: "+u.APIKeyReadonly).objects("flips")
	if len(flips) != 1 || !strings.HasSuffix(flips[0]["timestamp"].(string), "+00:00") {
		u.Errorf("flips: %v", flips)
	}
}

// mcp (healthchecks-io-mcp) tells the kind of its key by asking for channels.
func mcp(u *user) {
	c := u.check()
	u.call(200, "GET /api/v3/channels/", "")
	u.send(401, "GET /api/v3/channels/", "", "X-Api-Key: "+u.APIKeyReadonly)
	u.call(200, "GET /api/v3/checks/"+uniqueKey(u, "v3"), "").object("uuid")
	u.call(409, "POST /api/v3/checks/"+c.UUID+"/resume", "")
	u.call(200, "POST /api/v3/checks/"+c.UUID+"/pause", "")
	u.call(200, "POST /api/v3/checks/"+c.UUID+"/resume", "")
	u.call(404, "GET /api/v3/checks/"+uuid.NewString(), "")
}

// powershell (HealthchecksPwsh) uses all of v3, and sends exit status 0 with
// every ping.
func powershell(u *user) {
	u.send(200, "GET /api/v3/status/", "")
	agent := "User-Agent: HealthchecksPwsh/7.4.1"
	made := u.send(201, "GET /ping/"+u.PingKey+"/from-powershell/0?create=1&rid="+uuid.NewString(), "", agent)
	if made.header.Get("Ping-Body-Limit") != "100000" {
		u.Errorf("Ping-Body-Limit: %q", made.header.Get("Ping-Body-Limit"))
	}
	u.send(404, "GET /ping/"+u.PingKey+"/nothing/0", "", agent)
	list := u.call(200, "GET /api/v3/checks/?slug=from-powershell", "").objects("checks")
	if len(list) != 1 {
		u.Fatalf("checks: %v", list)
	}
	id := list[0]["uuid"].(string)
	u.send(200, "POST /ping/"+id+"/0", "a body", agent)
	pings := u.call(200, "GET /api/v3/checks/"+id+"/pings/", "").objects("pings")
	if len(pings) != 2 {
		u.Fatalf("pings: %v", pings)
	}
	body := u.call(200, "GET "+pings[0]["body_url"].(string), "")
	if body.body != "a body" {
		u.Errorf("body: %q", body.body)
	}
	u.call(200, "GET /api/v3/checks/"+id+"/flips/?seconds=3600", "").objects("flips")
	u.call(200, "GET /api/v3/badges/", "").object("badges")
	u.call(200, "GET /api/v3/channels/", "").objects("channels")
	u.call(200, "POST /api/v3/checks/"+id, `{"name":"Renamed"}`)
	u.call(200, "DELETE /api/v3/checks/"+id, "")
}

// githubAction makes its check anew in each run, then pings it by name.
func githubAction(u *user) {
	for _, want := range []int{201, 200} {
		u.call(want, "POST /api/v3/checks/", `{"name":"build","slug":"build","timeout":86400,"grace":3600,"unique":["name","slug"]}`)
		u.send(200, "POST /ping/"+u.PingKey+"/build/start", "")
		u.send(200, "POST /ping/"+u.PingKey+"/build", "")
	}
}

// hcCommand (sosheskaz) takes nothing but 200 for success.
func hcCommand(u *user) {
	c := u.check()
	rid := "?rid=" + uuid.NewString()
	u.send(200, "POST /ping/"+c.UUID+"/start"+rid, "")
	u.send(200, "POST /ping/"+c.UUID+"/1"+rid, "diagnostics")
	c.heard("start", "fail 1 diagnostics")
}

// borgmaticBySlug is what newer versions than the one in Debian send.
func borgmaticBySlug(u *user) {
	base := "POST /ping/" + u.PingKey + "/backup-of-db1"
	u.send(201, base+"/start?create=1", "", "User-Agent: borgmatic")
	u.send(200, base+"/log?create=1", "some log", "User-Agent: borgmatic")
	u.send(200, base+"?create=1", strings.Repeat("x", 100_000), "User-Agent: borgmatic")
	list := u.call(200, "GET /api/v3/checks/?slug=backup-of-db1", "").objects("checks")
	if len(list) != 1 || list[0]["status"] != "up" || list[0]["channels"] == "" {
		u.Errorf("checks: %v", list)
	}
}

// dashboard is a page on another host: the browser asks first.
func dashboard(u *user) {
	u.check()
	origin := "Origin: https://dashboard.example.org"
	asked := u.send(204, "OPTIONS /api/v3/checks/", "", origin, "Access-Control-Request-Method: GET",
		"Access-Control-Request-Headers: x-api-key")
	h := asked.header
	if h.Get("Access-Control-Allow-Origin") != "*" || !strings.EqualFold(h.Get("Access-Control-Allow-Headers"), "x-api-key") ||
		!slices.Contains(strings.Split(h.Get("Access-Control-Allow-Methods"), ", "), "GET") {
		u.Errorf("pre-flight: %v", h)
	}
	list := u.send(200, "GET /api/v3/checks/", "", origin, "X-Api-Key: "+u.APIKeyReadonly)
	if list.header.Get("Access-Control-Allow-Origin") != "*" || len(list.objects("checks")) != 1 {
		u.Errorf("list: %v %s", list.header, list.body)
	}
	refused := u.send(401, "GET /api/v3/checks/", "", origin)
	if refused.header.Get("Access-Control-Allow-Origin") != "*" {
		u.Errorf("the page cannot read the refusal: %v", refused.header)
	}
}

// k9s, the Duplicati notifier and the smashing widget take ping_url as it is.
func k9s(u *user) {
	c := u.check()
	for _, o := range u.call(200, "GET /api/v1/checks/", "").objects("checks") {
		u.send(200, "GET "+o["ping_url"].(string), "")
	}
	c.heard("success")
}

// microcontroller speaks HTTP/1.0, or 1.1 with a name we do not know.
func microcontroller(u *user) {
	c := u.check()
	for _, request := range []string{
		"GET /ping/%s HTTP/1.0\r\n\r\n", "HEAD /ping/%s/start HTTP/1.0\r\nHost: 10.0.0.7\r\n\r\n",
		"GET /ping/%s/ HTTP/1.1\r\nHost: docker-service-name:8000\r\nConnection: close\r\n\r\n",
		"POST /ping/%s/fail HTTP/1.0\r\nContent-Length: 3\r\n\r\nlow",
	} {
		dialer := net.Dialer{Timeout: patience}
		conn, err := dialer.DialContext(u.Context(), "tcp", u.env["PUNCTUAL_LISTEN"])
		if err != nil {
			u.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(conn, request, c.UUID)
		line, err := bufio.NewReader(conn).ReadString('\n')
		conn.Close()
		if err != nil || !strings.Contains(line, " 200 ") {
			u.Errorf("%q: %q, %v", request, line, err)
		}
	}
	c.heard("success", "start", "success", "fail low")
}

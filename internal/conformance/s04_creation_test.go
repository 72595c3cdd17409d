package conformance

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
)

// refuses posts each body and expects the error; nothing may be made of it.
func (c *client) refuses(want string, bodies ...string) {
	c.Helper()
	before := c.countChecks()
	for _, body := range bodies {
		c.post("/api/{V}/checks/", body).is(want)
		c.post("/api/{V}/checks/{U}", body).is(want)
	}
	made := c.countChecks() - before
	if made > 0 {
		c.Errorf("%d checks were made of refused bodies", made)
	}
}

func (c *client) countChecks() int {
	c.Helper()
	n, err := testdb.CountChecks(c.Context(), c.site.Store(), c.User.ID)
	if err != nil {
		c.Fatal(err)
	}
	return n
}

// makes posts a body, expects 201 and compares keys of the check, in the answer
// and afterwards.
func (c *client) makes(body string, pairs ...any) check {
	c.Helper()
	made := c.post("/api/{V}/checks/", body).object(201)
	made.shows(c, pairs...)
	code, _ := made["uuid"].(string)
	k := check{c, code}
	k.shows(pairs...)
	return k
}

// The text fields with their limits, in characters.
var texts = []struct {
	field string
	// 0 = none
	limit int
}{
	{"channels", 0}, {"desc", 0}, {"failure_kw", 200}, {"name", 100}, {"schedule", 100}, {"slug", 100}, {"start_kw", 200},
	{"subject", 200}, {"subject_fail", 200}, {"success_kw", 200}, {"tags", 0}, {"tz", 0},
}

var flags = []string{"filter_subject", "filter_body", "filter_http_body", "filter_default_fail", "manual_resume"}

const noSchedule = "jve:schedule is not a valid cron or OnCalendar expression"

// creation is §4: POST checks/.
func creation() []line {
	return []line{
		{1, "nothing given", standing, func(c *client) {
			c.makes("{}", "timeout", 86400, "grace", 3600, "status", "new", "name", "", "slug", "", "tags", "", "desc", "", "methods", "",
				"channels", "",
				"subject", "", "subject_fail", "", "start_kw", "", "success_kw", "", "failure_kw", "", "n_pings", 0, "manual_resume", false,
				"filter_subject", false, "filter_body", false, "filter_http_body", false, "filter_default_fail", false, "last_ping", nil, "next_ping",
				nil)
		}},
		{2, "everything given", standing, func(c *client) {
			const common = `"name":"Backup Ümläut","slug":"an-own_slug-1","tags":"db prod","desc":"Line 1\nLine 2","grace":120,"manual_resume":true,"methods":"POST",
				"start_kw":"begin","success_kw":"ok,done","failure_kw":"err","filter_subject":true,"filter_body":true,"filter_http_body":true,"filter_default_fail":true,
				"channels":"Ops"`
			pairs := []any{"name", "Backup Ümläut", "slug", "an-own_slug-1", "tags", "db prod", "desc", "Line 1\nLine 2", "grace", 120,
				"manual_resume", true, "methods", "POST",
				"start_kw", "begin", "success_kw", "ok,done", "failure_kw", "err", "subject", "ok,done", "subject_fail", "err",
				"filter_subject", true, "filter_body", true, "filter_http_body", true, "filter_default_fail", true, "channels", c.Channel.ID.String()}
			c.makes(`{`+common+`,"timeout":61}`, append(slices.Clone(pairs), "timeout", 61, "schedule", absent, "tz", absent)...)
			c.makes(`{`+common+`,"schedule":"*/5 * * * *","tz":"Europe/Riga"}`,
				append(slices.Clone(pairs), "timeout", absent, "schedule", "*/5 * * * *", "tz", "Europe/Riga")...)
		}},
		{3, "unknown keys", standing, func(c *client) {
			c.makes(`{"foo":1,"status":"up","uuid":null,"n_pings":7,"":[]}`, "status", "new", "n_pings", 0)
		}},
		{4, "a key given twice", standing, func(c *client) {
			c.makes(`{"name":"first","name":"second"}`, "name", "second")
			c.makes(`{"timeout":"no","timeout":60}`, "timeout", 60)
			c.refuses("jve:name is not a string", `{"name":"first","name":2}`)
		}},
		{5, "the length of a name", standing, func(c *client) {
			c.makes(`{"name":"`+strings.Repeat("ü", 100)+`"}`, "name", strings.Repeat("ü", 100))
			c.makes(`{"name":"`+strings.Repeat("\U0001F980", 100)+`"}`, "name", strings.Repeat("\U0001F980", 100))
			c.refuses("jve:name is too long", `{"name":"`+strings.Repeat("a", 101)+`"}`, `{"name":"`+strings.Repeat("ü", 101)+`"}`)
		}},
		{6, "texts that are none", standing, func(c *client) {
			for _, text := range texts {
				for _, value := range []string{"1", "1.5", "true", "[]", "{}", `["a"]`} {
					c.refuses("jve:"+text.field+" is not a string", `{"`+text.field+`":`+value+`}`)
				}
			}
		}},
		{7, "null", standing, func(c *client) {
			for _, text := range texts {
				c.refuses("jve:"+text.field+" is not a string", `{"`+text.field+`":null}`)
			}
			for _, flag := range flags {
				c.refuses("jve:"+flag+" is not a boolean", `{"`+flag+`":null}`)
			}
			c.refuses("jve:timeout is not a number", `{"timeout":null}`)
			c.refuses("jve:grace is not a number", `{"grace":null}`)
			c.refuses("jve:methods has unexpected value", `{"methods":null}`)
			c.refuses("jve:unique is not an array", `{"unique":null}`)
		}},
		{8, "bounds of timeout and grace", standing, func(c *client) {
			for _, field := range []string{"timeout", "grace"} {
				c.refuses("jve:"+field+" is too small", `{"`+field+`":59}`, `{"`+field+`":0}`, `{"`+field+`":-60}`)
				c.refuses("jve:"+field+" is too large", `{"`+field+`":31536001}`)
				c.makes(`{"`+field+`":60}`, field, 60)
				c.makes(`{"`+field+`":31536000}`, field, 31536000)
			}
		}},
		{9, "numbers that are none", standing, func(c *client) {
			for _, field := range []string{"timeout", "grace"} {
				for _, value := range []string{`"60"`, "60.0", "60.5", "1e3", "1E3", "NaN", "Infinity", "-Infinity", "[]", "{}", `""`} {
					c.refuses("jve:"+field+" is not a number", `{"`+field+`":`+value+`}`)
				}
			}
		}},
		{10, "true as a number", standing, func(c *client) {
			c.refuses("jve:timeout is too small", `{"timeout":true}`, `{"timeout":false}`)
			c.refuses("jve:grace is too small", `{"grace":true}`)
		}},
		{11, "a number beyond all bounds", standing, func(c *client) {
			c.refuses("jve:timeout is too large", `{"timeout":99999999999999999999}`)
			c.refuses("jve:grace is too large", `{"grace":99999999999999999999}`)
		}},
		{12, "slugs", standing, func(c *client) {
			for _, slug := range []string{"A", "a b", "a.b", "ü", "a/b", "a\\n", "\\na", " a"} {
				c.refuses("jve:slug does not match pattern", `{"slug":"`+slug+`"}`)
			}
			c.refuses("jve:slug is too long", `{"slug":"`+strings.Repeat("a", 101)+`"}`)
			for _, slug := range []string{"", "a", "0", "-", "_", "a-b_c-9", strings.Repeat("a", 100)} {
				c.makes(`{"slug":"`+slug+`"}`, "slug", slug)
			}
		}},
		{13, "methods", standing, func(c *client) {
			c.refuses("jve:methods has unexpected value", `{"methods":"GET"}`, `{"methods":"post"}`, `{"methods":"POST,GET"}`, `{"methods":1}`,
				`{"methods":[]}`)
			c.makes(`{"methods":""}`, "methods", "")
			c.makes(`{"methods":"POST"}`, "methods", "POST")
		}},
		{14, "flags that are none", standing, func(c *client) {
			for _, flag := range flags {
				for _, value := range []string{"1", "0", `"true"`, `""`, "[]"} {
					c.refuses("jve:"+flag+" is not a boolean", `{"`+flag+`":`+value+`}`)
				}
				c.makes(`{"`+flag+`":true}`, flag, true)
			}
		}},
		{15, "the length of keywords", standing, func(c *client) {
			for _, field := range []string{"subject", "subject_fail", "start_kw", "success_kw", "failure_kw"} {
				c.refuses("jve:"+field+" is too long", `{"`+field+`":"`+strings.Repeat("ü", 201)+`"}`)
				c.makes(`{"`+field+`":"`+strings.Repeat("ü", 200)+`"}`, field, strings.Repeat("ü", 200))
			}
		}},
		{16, "the length of tags and descriptions", standing, func(c *client) {
			// Descriptions have a limit here: one list of 150 checks with a megabyte
			// each took 868 MB of memory.
			long := strings.Repeat("long ", 2000)
			c.makes(`{"desc":"`+long+`"}`, "desc", long)
			c.refuses("jve:desc is too long", `{"desc":"`+long+`!"}`)
			// The column of tags is 500 wide, here on both engines (docs/contract.md §2.5).
			c.makes(`{"tags":"`+strings.Repeat("ü", 500)+`"}`, "tags", strings.Repeat("ü", 500))
			c.refuses("jve:tags is too long", `{"tags":"`+strings.Repeat("ü", 501)+`"}`)
		}},
		{17, "unique that is no list", standing, func(c *client) {
			c.refuses("jve:unique is not an array", `{"unique":"name"}`, `{"unique":1}`, `{"unique":{}}`, `{"unique":true}`)
		}},
		{18, "unknown items of unique", standing, func(c *client) {
			c.refuses("jve:an item in 'unique' has unexpected value", `{"unique":["status"]}`, `{"unique":["name","Name"]}`, `{"unique":[1]}`,
				`{"unique":[null]}`, `{"unique":[["name"]]}`, `{"unique":["schedule"]}`)
		}},
		{19, "the first of several errors", standing, func(c *client) {
			type wrong struct{ field, value, text string }
			fields := []wrong{
				{"channels", "1", "channels is not a string"}, {"desc", "1", "desc is not a string"}, {"failure_kw", "1", "failure_kw is not a string"},
				{"filter_subject", "1", "filter_subject is not a boolean"}, {"filter_body", "1", "filter_body is not a boolean"},
				{"filter_http_body", "1", "filter_http_body is not a boolean"}, {"filter_default_fail", "1", "filter_default_fail is not a boolean"},
				{"grace", "1", "grace is too small"}, {"manual_resume", "1", "manual_resume is not a boolean"},
				{"methods", "1", "methods has unexpected value"},
				{"name", "1", "name is not a string"}, {"schedule", `"x"`, strings.TrimPrefix(noSchedule, "jve:")},
				{"slug", `"X"`, "slug does not match pattern"},
				{"start_kw", "1", "start_kw is not a string"}, {"subject", "1", "subject is not a string"},
				{"subject_fail", "1", "subject_fail is not a string"},
				{"success_kw", "1", "success_kw is not a string"}, {"tags", "1", "tags is not a string"}, {"timeout", "1", "timeout is too small"},
				{"tz", `"x"`, "tz is not a valid timezone"}, {"unique", "1", "unique is not an array"},
			}
			for i, first := range fields {
				var body []string
				// the order in the request does not matter
				for _, f := range slices.Backward(fields[i:]) {
					body = append(body, fmt.Sprintf("%q:%s", f.field, f.value))
				}
				c.refuses("jve:"+first.text, "{"+strings.Join(body, ",")+"}")
			}
		}},
		{20, "the length of a schedule", standing, func(c *client) {
			c.refuses("jve:schedule is too long", `{"schedule":"`+strings.Repeat("x", 101)+`"}`,
				`{"schedule":"* * * * *`+strings.Repeat(" ", 92)+`"}`)
			c.makes(`{"schedule":"* * * * *`+strings.Repeat(" ", 91)+`"}`, "schedule", "* * * * *"+strings.Repeat(" ", 91))
		}},
		{21, "schedules that are none", standing, func(c *client) {
			for _, s := range []string{"", " ", "nonsense", "* * * *", "60 * * * *", "* * * * 8", "0 0 31 2 *", "0 0 30 2 *", "* * * * FRI-SUN",
				"*-*-* 24:00", "*-*-* */2:00", "noon", "1999-12-31"} {
				c.refuses(noSchedule, `{"schedule":"`+s+`"}`)
			}
		}},
		{22, "cron or OnCalendar", standing, func(c *client) {
			for _, s := range []string{"* * * * *", "  5   4 * *  SUN ", "0 0 1,15 * 5L", "daily", "Mon..Fri 09:30", "*-*-* 02:30 Europe/Riga",
				"*:0/10"} {
				c.makes(`{"schedule":"`+s+`"}`, "schedule", s, "timeout", absent)
			}
			c.makes(`{"schedule":"\t0 2 * * *\n"}`, "schedule", "\t0 2 * * *\n")
			c.refuses(noSchedule, `{"schedule":"* * * * * *"}`, `{"schedule":"@reboot"}`, `{"schedule":"@DAILY"}`, `{"schedule":"* * *\n* *"}`,
				`{"schedule":"0 0 * * *\n0 1 * * *"}`)
		}},
		{23, "a schedule of one day long ago", standing, func(c *client) {
			c.makes(`{"schedule":"2019-01-01"}`, "schedule", "2019-01-01")
			c.refuses(noSchedule, `{"schedule":"1999-01-01"}`)
		}},
		{24, "several lines of OnCalendar", standing, func(c *client) {
			c.makes(`{"schedule":"daily Europe/Riga\nMon 12:00\n*-*-01 08:00 America/New_York"}`, "schedule",
				"daily Europe/Riga\nMon 12:00\n*-*-01 08:00 America/New_York")
			c.refuses(noSchedule, `{"schedule":"daily\nnonsense"}`, `{"schedule":"daily\n0 2 * * *"}`, `{"schedule":"daily Europe/Nowhere"}`)
		}},
		{25, "schedule and timeout", standing, func(c *client) {
			k := c.makes(`{"schedule":"0 2 * * *","timeout":600}`, "schedule", "0 2 * * *", "timeout", absent)
			stored := k.stored().Timeout
			if stored != monitor.DefaultTimeout {
				c.Errorf("a timeout of %s is stored", stored)
			}
			k.update(`{"schedule":"0 3 * * *","timeout":600}`).shows(c, "schedule", "0 3 * * *", "timeout", absent)
			k.update(`{"timeout":600}`).shows(c, "timeout", 600, "schedule", absent, "tz", absent)
		}},
		{26, "a schedule without tz", standing, func(c *client) {
			k := c.makes(`{"schedule":"0 2 * * *"}`, "tz", "UTC")
			k.update(`{"tz":"Europe/Riga"}`).shows(c, "tz", "Europe/Riga")
			k.update(`{"schedule":"0 3 * * *"}`).shows(c, "tz", "Europe/Riga", "schedule", "0 3 * * *")
			k = c.makes(`{"tz":"Asia/Tokyo"}`, "tz", absent, "timeout", 86400)
			k.update(`{"schedule":"daily"}`).shows(c, "tz", "Asia/Tokyo")
		}},
		{27, "unknown zones", standing, func(c *client) {
			for _, zone := range []string{"", "europe/riga", "UTC+2", "Europe/Nowhere", " UTC", "utc", "Local"} {
				c.refuses("jve:tz is not a valid timezone", `{"tz":"`+zone+`"}`)
			}
			c.makes(`{"tz":"Europe/Riga","schedule":"daily"}`, "tz", "Europe/Riga")
		}},
		{28, "zones of old", standing, func(c *client) {
			for old, now := range map[string]string{
				"Europe/Kiev": "Europe/Kyiv", "UCT": "Etc/UTC", "CET": "Europe/Brussels", "US/Eastern": "America/New_York",
				"EST5EDT":       "America/New_York",
				"Asia/Calcutta": "Asia/Kolkata", "GMT": "GMT", "Etc/GMT+5": "Etc/GMT+5", "UTC": "UTC",
			} {
				c.makes(`{"schedule":"daily","tz":"`+old+`"}`, "tz", now)
			}
		}},
		{29, "subject and subject_fail", standing, func(c *client) {
			k := c.makes(`{"subject":"A"}`, "success_kw", "A", "filter_subject", true, "subject", "A", "failure_kw", "")
			k.update(`{"subject":""}`).shows(c, "success_kw", "", "filter_subject", false, "subject", "")
			k = c.makes(`{"subject_fail":"B"}`, "failure_kw", "B", "filter_subject", true, "subject_fail", "B", "success_kw", "")
			k.update(`{"subject":"A"}`).shows(c, "success_kw", "A", "failure_kw", "B", "filter_subject", true)
			k.update(`{"subject":""}`).shows(c, "success_kw", "", "failure_kw", "B", "filter_subject", true)
			k.update(`{"subject_fail":""}`).shows(c, "failure_kw", "", "filter_subject", false)
		}},
		{30, "subject and an explicit flag", standing, func(c *client) {
			c.makes(`{"subject":"A","filter_subject":false}`, "success_kw", "A", "filter_subject", false, "subject", "")
			c.makes(`{"subject":"","filter_subject":true}`, "success_kw", "", "filter_subject", true)
			c.makes(`{"subject":"A","success_kw":"B","subject_fail":"C","failure_kw":"D"}`, "success_kw", "B", "failure_kw", "D", "filter_subject",
				true)
		}},
		{31, "channels", standing, func(c *client) {
			one := c.channel("One")
			two := c.channel("Name, with a comma")
			all := []string{one.String(), two.String(), c.Channel.ID.String()}
			slices.Sort(all)
			both := []string{one.String(), c.Channel.ID.String()}
			slices.Sort(both)
			c.makes(`{"channels":"*"}`, "channels", strings.Join(all, ","))
			c.makes(`{"channels":""}`, "channels", "")
			c.makes(`{"channels":"One"}`, "channels", one.String())
			c.makes(`{"channels":"`+c.Channel.ID.String()+`,One"}`, "channels", strings.Join(both, ","))
			c.makes(`{"channels":"One,One,`+one.String()+`"}`, "channels", one.String())
		}},
		{32, "channels that are none", standing, func(c *client) {
			c.channel("Twice")
			c.channel("Twice")
			own := c.Channel.ID.String()
			channels := c.own().get()["channels"]
			for text, want := range map[string]string{
				"Bob":                        "invalid channel identifier: Bob",
				"ops":                        "invalid channel identifier: ops",
				"Ops, Ops":                   "invalid channel identifier:  Ops",
				" Ops":                       "invalid channel identifier:  Ops",
				strings.ToUpper(own):         "invalid channel identifier: " + strings.ToUpper(own),
				c.other.Channel.ID.String():  "invalid channel identifier: " + c.other.Channel.ID.String(),
				"*," + own:                   "invalid channel identifier: *",
				"Twice":                      "non-unique channel identifier: Twice",
				"Ops,Twice":                  "non-unique channel identifier: Twice",
				",":                          "empty channel identifier",
				"Ops,":                       "empty channel identifier",
				",Ops":                       "empty channel identifier",
				"Ops,,Ops":                   "empty channel identifier",
				own + "," + c.fill("{NONE}"): "invalid channel identifier: " + c.fill("{NONE}"),
			} {
				body, _ := json.Marshal(map[string]string{"channels": text, "name": "not to be saved"})
				c.refuses("error:"+want, string(body))
			}
			c.own().shows("name", "Nightly dump", "channels", channels)
		}},
		{33, "the name makes the slug in versions 1 and 2", once, func(c *client) {
			for _, version := range []string{"v1", "v2"} {
				c := c.through(version)
				for name, slug := range map[string]string{
					"Ünïcödé Straße": "unicode-strae", "A.B/C": "abc", "日本語": "", "  Nightly -- dump  ": "nightly-dump", "_-a_b-_": "a_b",
					"DB\\tbackup": "db-backup", "": "",
				} {
					c.makes(`{"name":"`+name+`"}`, "slug", slug)
				}
				c.makes(`{"name":"By name","slug":"explicit"}`, "slug", "explicit")
				c.makes(`{"name":"By name","slug":""}`, "slug", "")
			}
		}},
		{34, "the name leaves the slug alone in version 3", once, func(c *client) {
			c.makes(`{"name":"By name"}`, "slug", "", "name", "By name")
			c.makes(`{"name":"By name","slug":"explicit"}`, "slug", "explicit")
		}},
		{35, "unique finds a check", standing, func(c *client) {
			found := func(want check, body string) {
				c.Helper()
				c.post("/api/{V}/checks/", body).object(200).shows(c, "uuid", want.code)
			}
			first := c.make(`{"name":"Same","slug":"one","tags":"a b","timeout":120,"grace":180}`)
			second := c.make(`{"name":"Same","slug":"two","tags":"b a","timeout":240,"grace":180}`)
			found(first, `{"name":"Same","slug":"one","unique":["name"],"desc":"The oldest"}`)
			first.shows("desc", "The oldest")
			found(second, `{"slug":"two","unique":["slug"]}`)
			found(first, `{"tags":"a b","unique":["tags"]}`)
			found(second, `{"timeout":240,"unique":["timeout"]}`)
			found(first, `{"grace":180,"unique":["grace"]}`)
			found(second, `{"name":"Same","slug":"two","timeout":240,"grace":180,"tags":"b a","unique":["name","slug","tags","timeout","grace"]}`)
			// The timeout of a check with a schedule is still there.
			second.update(`{"schedule":"daily"}`)
			found(second, `{"timeout":240,"schedule":"0 1 * * *","unique":["timeout"]}`)
			second.shows("schedule", "0 1 * * *")
		}},
		{36, "unique finds none", standing, func(c *client) {
			const body = `{"name":"Nightly dump"`
			c.makes(body + `,"unique":["name","slug"]}`)
			c.makes(body + `,"unique":[]}`)
			c.makes(`{"unique":["name"]}`)
			c.makes(`{"name":"Unheard of","unique":["name"]}`)
			c.makes(`{"name":"nightly dump","unique":["name"]}`)
			c.makes(body + `,"grace":60,"unique":["name","grace"]}`)
			mine := c.Project.ID
			name := "Only theirs " + mine.String()
			_, err := c.site.Store().UpdateCheck(c.Context(), c.other.Check.Code, renamed(name))
			if err != nil {
				c.Fatal(err)
			}
			c.makes(`{"name":"` + name + `","unique":["name"]}`)
		}},
		{37, "an account at its limit", standing, func(c *client) {
			c.change(func(u *monitor.User) { u.CheckLimit = 2 })
			c.makes(`{"name":"The last"}`)
			c.post("/api/{V}/checks/", `{"name":"One too many"}`).is("403e")
			c.post("/api/{V}/checks/", `{"name":"One too many","unique":["name"]}`).is("403e")
			c.post("/api/{V}/checks/", `{"name":"The last","unique":["name"]}`).is("200 {}")
			c.post("/api/{V}/checks/", `{"name":1}`).is("jve:name is not a string")
		}},
	}
}

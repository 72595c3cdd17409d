package status_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"punctual/internal/status"
	webstatus "punctual/web/status"
)

// fits fails the test when a body is not what the schema in testdata describes.
func (a *answer) fits(schema string) *answer {
	a.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	compiled, err := c.Compile("testdata/" + schema + ".schema.json")
	if err != nil {
		a.Fatal(err)
	}
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(a.body))
	if err != nil {
		a.Fatalf("%v in %s", err, a.body)
	}
	if err := compiled.Validate(body); err != nil {
		a.Errorf("%v\n%s", err, a.body)
	}
	got := a.header.Get("Content-Type")
	if got != "application/json" {
		a.Errorf("Content-Type %q", got)
	}
	return a
}

// same compares the body with JSON written out.
func (a *answer) same(want string) {
	a.Helper()
	diff := cmp.Diff(strings.Join(strings.Fields(want), ""), strings.Join(strings.Fields(a.body), ""))
	if diff != "" {
		a.Error(diff)
	}
}

func TestShapesOfTools(t *testing.T) {
	for _, shape := range []string{"watchman", "panopticon", "health-check", "json"} {
		t.Run(shape, func(t *testing.T) {
			path := "/status/?format=" + shape
			serve(t, well()).known(path).is(200).fits(shape)
			serve(t, well()).known(path + "&check=storage").is(200).fits(shape)
			serve(t, ill()).known(path).is(500).fits(shape)
			serve(t, well()).get(path).is(200).fits(shape)
			serve(t, ill()).get(path).is(500).fits(shape)
		})
	}
}

func TestWatchman(t *testing.T) {
	s := serve(t, well())
	s.known("/status/?format=watchman").same(
		`{"caches":[],"databases":[{"default":{"ok":true}}],"email":{"ok":true},"sendalerts":{"ok":true},"storage":{"ok":true}}`)
	s.known("/status/?format=watchman&check=storage").same(`{"storage":{"ok":true}}`)
	s.get("/status/?format=watchman").same(`{"punctual":{"ok":true}}`)
	broken := serve(t, []status.Check{finds("database", "Database", status.Failed("does-not-answer", nil)),
		finds("disk", "Disk", status.Warn("8%"))})
	broken.known("/status/?format=watchman").same(
		`{"caches":[],"databases":[{"default":{"ok":false,"error":"does-not-answer","stacktrace":""}}],"disk":{"ok":true}}`)
}

func TestPanopticon(t *testing.T) {
	var got struct {
		Healthy    bool      `json:"service_healthy"`
		Timestamp  time.Time `json:"timestamp"`
		Components map[string]map[string]any
	}
	serve(t, ill()).known("/status/?format=panopticon&skip=mail").json(&got)
	if got.Healthy || !got.Timestamp.Equal(noon()) || len(got.Components) != 3 {
		t.Errorf("%+v", got)
	}
	c := got.Components["disk"]
	if c["healthy"] != true || c["free_bytes"] != float64(1<<30) || c["status_message"] != "8 % free" {
		t.Errorf("a warning: %v", c)
	}
	if c := got.Components["database"]; c["healthy"] != false {
		t.Errorf("an error: %v", c)
	}
	serve(t, well()).get("/status/?format=panopticon").same(`{"components":{},"service_healthy":true,"timestamp":"2026-03-01T12:00:00.123Z"}`)
}

func TestHealthCheck(t *testing.T) {
	checks := []status.Check{
		finds("database", "", status.Healthy("fine")), finds("storage", "", status.Healthy("fine")),
		finds("migrations", "", status.Healthy("fine")), finds("mail", "", status.Healthy("fine")),
		finds("memory", "", status.Healthy("fine")), finds("disk", "", status.Warn("full-soon")),
		finds("ingest-queue", "", status.Failed("stuck", errors.New("why"))),
	}
	serve(t, checks).known("/status/?format=health-check").same(
		`{"DatabaseBackend":"working","DefaultFileStorageHealthCheck":"working","DiskUsage":"warning: full-soon",
		"IngestQueueHealthCheck":"unavailable: stuck: why","MailHealthCheck":"working","MemoryUsage":"working","MigrationsHealthCheck":"working"}`)
	serve(t, checks).get("/status/?format=health-check").is(500).same(`{"Punctual":"unavailable: not well"}`)
}

// samples reads OpenMetrics with Prometheus' own parser: series to value.
func samples(t *testing.T, body string) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	for p := textparse.NewOpenMetricsParser([]byte(body), labels.NewSymbolTable()); ; {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, body)
		}
		switch entry {
		case textparse.EntryType:
			name, kind := p.Type()
			if kind != "gauge" {
				t.Errorf("%s is a %s", name, kind)
			}
		case textparse.EntrySeries:
			var l labels.Labels
			_, _, value := p.Series()
			p.Labels(&l)
			found[l.String()] = value
		}
	}
}

func TestOpenMetrics(t *testing.T) {
	a := serve(t, ill()).known("/status/?format=openmetrics").is(200)
	if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "application/openmetrics-text; version=1.0.0") {
		t.Errorf("Content-Type %q", got)
	}
	got := samples(t, a.body)
	for series, want := range map[string]float64{
		`{__name__="punctual_healthy"}`:                                       0,
		`{__name__="punctual_status_healthy", name="disk"}`:                   1,
		`{__name__="punctual_status_healthy", name="database"}`:               0,
		`{__name__="punctual_status_severity", name="sendalerts"}`:            0,
		`{__name__="punctual_status_severity", name="disk"}`:                  1,
		`{__name__="punctual_status_severity", name="mail"}`:                  2,
		`{__name__="punctual_status_since_timestamp_seconds", name="mail"}`:   1772366400.123,
		`{__name__="punctual_status_field", field="free_bytes", name="disk"}`: 1 << 30,
	} {
		value, found := got[series]
		if !found || value != want {
			t.Errorf("%s is %v (%v), want %v", series, value, found, want)
		}
	}
	_, found := got[`{__name__="punctual_status_duration_seconds", name="mail"}`]
	if !found {
		t.Errorf("no duration in %v", got)
	}
	stranger := samples(t, serve(t, well()).get("/status/?format=openmetrics").is(200).body)
	diff := cmp.Diff(map[string]float64{`{__name__="punctual_healthy"}`: 1}, stranger)
	if diff != "" {
		t.Error(diff)
	}
}

func TestFeeds(t *testing.T) {
	for _, kind := range []string{"rss", "atom"} {
		t.Run(kind, func(t *testing.T) {
			read := func(a *answer) *gofeed.Feed {
				t.Helper()
				got := a.is(200).header.Get("Content-Type")
				want := "application/" + kind + "+xml; charset=utf-8"
				if got != want {
					t.Errorf("Content-Type %q", got)
				}
				feed, err := gofeed.NewParser().ParseString(a.body)
				if err != nil {
					t.Fatalf("%v in\n%s", err, a.body)
				}
				if feed.FeedType != kind || feed.Title != "Punctual status" || feed.UpdatedParsed == nil && kind == "atom" {
					t.Errorf("%+v", feed)
				}
				return feed
			}
			feed := read(serve(t, ill()).known("/status/?format=" + kind))
			if len(feed.Items) != 4 {
				t.Fatalf("%d items", len(feed.Items))
			}
			ids := map[string]bool{}
			for _, item := range feed.Items {
				ids[item.GUID] = true
				at := item.PublishedParsed
				if kind == "atom" {
					at = item.UpdatedParsed
				}
				if item.Link != "https://punctual.example.org/status/" || at == nil || at.Unix() != noon().Unix() || item.Title == "" ||
					item.Description+item.Content == "" {
					t.Errorf("%+v", item)
				}
			}
			if len(ids) != 4 || feed.Items[3].Title != `Mail "out" <&>: error` || feed.Items[3].Categories[0] != "error" {
				t.Errorf("%v, %+v", ids, feed.Items[3])
			}
			stranger := read(serve(t, ill()).get("/status/?format=" + kind))
			if len(stranger.Items) != 1 || stranger.Items[0].Title != "Punctual is not well" {
				t.Errorf("%+v", stranger.Items)
			}
		})
	}
}

// A check that changes is news again.
func TestFeedItemsFollowTheState(t *testing.T) {
	now := noon()
	finding := status.Healthy("fine")
	check := status.Check{Name: "disk", Title: "Disk", Run: func(context.Context) status.Finding { return finding }}
	runner := status.NewRunner([]status.Check{check}, func() time.Time { return now })
	s := serve(t, nil, func(d *webstatus.Deps) { d.Checks = func() *status.Runner { return runner } })
	first := s.known("/status/?format=atom").body
	now = now.Add(time.Minute)
	finding = status.Failed("full", nil)
	second := s.known("/status/?format=atom").body
	if !strings.Contains(first, "status/disk/ok/") || !strings.Contains(second, "status/disk/error/") {
		t.Errorf("%s\n%s", first, second)
	}
}

func TestText(t *testing.T) {
	got := serve(t, ill()).known("/status/?format=text").is(500).body
	lines := strings.Split(strings.TrimSpace(got), "\n")
	if len(lines) != 5 || lines[0] != "ERROR" || !strings.HasPrefix(lines[1], "error    database") ||
		!strings.HasPrefix(lines[3], "warning  disk") ||
		!strings.Contains(lines[3], "8 % free free_bytes=1073741824 (since 2026-03-01T12:00:00Z)") ||
		!strings.HasPrefix(lines[4], "ok       sendalerts") {
		t.Errorf("%s", got)
	}
	if got := serve(t, ill()).get("/status/?format=text").body; got != "ERROR\n" {
		t.Errorf("for strangers: %q", got)
	}
	if got := serve(t, well()).get("/status/?format=text").body; got != "OK\n" {
		t.Errorf("for strangers: %q", got)
	}
}

func TestThePageHasASentence(t *testing.T) {
	bad := func(name, title string) status.Check { return finds(name, title, status.Failed("bad", nil)) }
	doubt := func(name, title string) status.Check { return finds(name, title, status.Warn("hm")) }
	for want, checks := range map[string][]status.Check{
		"Everything works.":                                 well(),
		"Everything works, with a warning: Disk.":           {doubt("a", "Disk"), finds("b", "B", status.Healthy("fine"))},
		"Everything works, with warnings: Disk and Memory.": {doubt("a", "Disk"), doubt("b", "Memory")},
		"Everything works, with 4 warnings.":                {doubt("a", "A"), doubt("b", "B"), doubt("c", "C"), doubt("d", "D")},
		"Broken: Mail.":                                     {doubt("a", "Disk"), bad("b", "Mail")},
		"Broken: A, B and C.":                               {bad("a", "A"), bad("b", "B"), bad("c", "C")},
		"Broken: 4 of 5 checks.":                            {bad("a", "A"), bad("b", "B"), bad("c", "C"), bad("d", "D"), doubt("e", "E")},
	} {
		var d webstatus.Dashboard
		serve(t, checks).known("/status/?format=html").json(&d)
		if d.Heading != want {
			t.Errorf("%q, want %q", d.Heading, want)
		}
	}
	var d webstatus.Dashboard
	serve(t, ill()).known("/status/?format=html&skip=mail").is(500).json(&d)
	if len(d.Checks) != 3 || d.Checks[0].Name != "database" || d.Checks[1].Name != "disk" || d.Checks[2].Name != "sendalerts" {
		t.Errorf("not worst first: %+v", d.Checks)
	}
	if d.Refresh != "?format=html&skip=mail" || len(d.Formats) != 8 || d.Formats[0].Query != "?format=json&skip=mail" {
		t.Errorf("%q %v", d.Refresh, d.Formats)
	}
	for heading, checks := range map[string][]status.Check{"Punctual is well.": {doubt("a", "A")}, "Punctual is not well.": ill()} {
		var d webstatus.Dashboard
		serve(t, checks).get("/status/?format=html").json(&d)
		if d.Heading != heading || d.Full || len(d.Checks)+len(d.Formats) > 0 || d.Severity == "warning" {
			t.Errorf("for strangers: %+v", d)
		}
	}
}

func TestFiguresAsPeopleReadThem(t *testing.T) {
	fields := []status.Field{
		{Name: "free_bytes", Value: int64(69263785984)}, {Name: "round_trip_ms", Value: 1.5}, {Name: "lag_seconds", Value: 0},
		{Name: "used_percent", Value: 25.6},
		{Name: "length_bytes", Value: 12}, {Name: "processes", Value: 2}, {Name: "engine", Value: "sqlite"}, {Name: "in_bytes", Value: "text"},
	}
	var d webstatus.Dashboard
	serve(t, []status.Check{finds("disk", "Disk", status.Healthy("fine", fields...))}).known("/status/?format=html").json(&d)
	want := []webstatus.DashboardField{
		{Name: "free", Value: "64.5 GiB"}, {Name: "round trip", Value: "1.5 ms"}, {Name: "lag", Value: "0 s"}, {Name: "used", Value: "25.6 %"},
		{Name: "length", Value: "12 B"}, {Name: "processes", Value: "2"}, {Name: "engine", Value: "sqlite"}, {Name: "in bytes", Value: "text"},
	}
	diff := cmp.Diff(want, d.Checks[0].Fields)
	if diff != "" {
		t.Error(diff)
	}
}

func TestChoosingAFormat(t *testing.T) {
	s := serve(t, well())
	types := map[string]string{
		"json": "application/json", "html": "text/html; charset=utf-8", "text": "text/plain; charset=utf-8",
		"rss":  "application/rss+xml; charset=utf-8",
		"atom": "application/atom+xml; charset=utf-8", "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
	}
	for accept, want := range map[string]string{
		"":    "json",
		"*/*": "json",
		// a browser
		"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8": "html",
		// Prometheus
		"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1": "openmetrics",
		"application/atom+xml,application/rss+xml;q=0.9":                                            "atom",
		"application/rss+xml":                    "rss",
		"text/plain":                             "text",
		"text/*":                                 "html",
		"application/*":                          "json",
		"TEXT/HTML":                              "html",
		"text/html;q=0.2, text/plain":            "text",
		"application/json;q=0, */*":              "html",
		"text/html;q=0.5,application/json;q=0.5": "json",
		"text/html;level=1;q=0.7, */*;q=0.1":     "html",
		"nonsense, text/html":                    "html",
		"text/html;q=2, text/plain;q=0.1":        "text",
		"image/png":                              "",
		"application/json;q=0":                   "",
		"text/html;q=nan":                        "",
		"nonsense":                               "",
	} {
		var headers []string
		if accept != "" {
			headers = append(headers, "Accept: "+accept)
		}
		a := s.get("/status/", headers...)
		if want == "" {
			a.is(http.StatusNotAcceptable)
		} else if got := a.is(200).header.Get("Content-Type"); got != types[want] {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}
	got := s.get("/status/?format=text", "Accept: application/json").header.Get("Content-Type")
	if got != types["text"] {
		t.Errorf("?format= does not come first: %s", got)
	}
	for _, a := range []*answer{s.get("/status/?format=pdf"), s.get("/status/", "Accept: image/png")} {
		var refusal struct {
			Error   int
			Formats []string
		}
		a.is(406).json(&refusal)
		diff := cmp.Diff(names(), refusal.Formats)
		if diff != "" || refusal.Error != 406 {
			t.Errorf("%d %s", refusal.Error, diff)
		}
	}
}

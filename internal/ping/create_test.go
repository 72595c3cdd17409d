package ping_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/schedule"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// Our extension: the first ping says what check to make.
func TestTheFirstPingDescribesItsCheck(t *testing.T) {
	each(t, func(e *endpoint) {
		made := func(slug, query string) *monitor.Check {
			e.Helper()
			w := e.do("GET", e.path("/ping/{KEY}/"+slug+"?create=1&"+query), "")
			if w.Code != http.StatusCreated || w.Body.String() != "Created" {
				e.Fatalf("%s: %d %s", query, w.Code, w.Body)
			}
			code, err := e.store.CodeBySlug(e.Context(), e.Project.PingKey, slug)
			if err != nil {
				e.Fatal(err)
			}
			c, err := e.store.CheckByCode(e.Context(), code)
			if err != nil {
				e.Fatal(err)
			}
			return c
		}
		c := made("every-hour", "timeout=3600&grace=60&timeout=7200&tags=db+prod")
		if c.Kind != schedule.Simple || c.Timeout != 2*time.Hour || c.Grace != time.Minute || c.Tags != "db prod" ||
			!c.DueAt.Equal(e.clock.Now().Add(2*time.Hour)) {
			e.Errorf("made by a timeout: %+v", c)
		}
		c = made("nightly", "schedule=0+2+*+*+*&tz=Europe/Kiev&timeout=60&tags=")
		if c.Kind != schedule.Cron || c.Schedule != "0 2 * * *" || c.TZ != "Europe/Kyiv" || c.Timeout != monitor.DefaultTimeout {
			e.Errorf("made by a cron expression: %+v", c)
		}
		want := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		if !c.DueAt.Equal(want) {
			e.Errorf("due at %v, want %v", c.DueAt, want)
		}
		c = made("weekly", "schedule=Mon+*-*-*+08:00")
		if c.Kind != schedule.OnCalendar || c.TZ != "UTC" {
			e.Errorf("made by an OnCalendar expression: %+v", c)
		}
		channels, err := e.store.ChannelsOfCheck(e.Context(), c.ID)
		if err != nil || len(channels) != 1 {
			e.Errorf("watched through %d channels, %v; want that of the project", len(channels), err)
		}

		// For a check that is there the settings are not even looked at: no ping is lost.
		w := e.do("GET", e.path("/ping/{KEY}/weekly?create=1&timeout=nonsense&grace=120"), "")
		if w.Code != http.StatusOK {
			e.Errorf("the second ping: %d %s", w.Code, w.Body)
		}
		again, _ := e.store.CheckByCode(e.Context(), c.Code)
		if again.Grace != monitor.DefaultGrace || again.NPings != 2 {
			e.Errorf("after the second ping: %+v", again)
		}
	})
}

// Checks that are gone, or have another slug by now, were known to the gate: once,
// the first ping after that was refused, and lost.
func TestAPingMakesTheCheckAnewThatItsSlugMeantBefore(t *testing.T) {
	away := map[string]func(e *endpoint, code uuid.UUID) error{
		"deleted": func(e *endpoint, code uuid.UUID) error {
			_, err := e.store.DeleteCheck(e.Context(), code)
			return err
		},
		"given another slug": func(e *endpoint, code uuid.UUID) error {
			_, err := e.store.UpdateCheck(e.Context(), code, func(c *store.CheckChange) error {
				c.Slug = "renamed-" + code.String()
				return nil
			})
			return err
		},
		"with its project": func(e *endpoint, _ uuid.UUID) error {
			if err := e.store.DeleteProject(e.Context(), e.Project.ID, nil); err != nil {
				return err
			}
			return e.store.CreateProject(e.Context(), e.Project)
		},
	}
	each(t, func(e *endpoint) {
		for name, remove := range away {
			slug := monitor.Slugify(name)
			path := e.path("/ping/{KEY}/" + slug + "?create=1")
			for _, want := range []int{http.StatusCreated, http.StatusOK} {
				w := e.do("GET", path, "")
				if w.Code != want {
					e.Fatalf("%s: a ping before that: %d %s", name, w.Code, w.Body)
				}
			}
			before, err := e.store.CodeBySlug(e.Context(), e.Project.PingKey, slug)
			if err != nil {
				e.Fatal(err)
			}
			if err := remove(e, before); err != nil {
				e.Fatal(err)
			}
			w := e.do("GET", path, "")
			if w.Code != http.StatusCreated {
				e.Errorf("%s: the ping after that: %d %s", name, w.Code, w.Body)
				continue
			}
			made, err := e.store.CodeBySlug(e.Context(), e.Project.PingKey, slug)
			if err != nil {
				e.Fatal(err)
			}
			c, err := e.store.CheckByCode(e.Context(), made)
			if err != nil || c.NPings != 1 || made == before {
				e.Errorf("%s: %d pings of the check made anew, %v; want 1", name, c.NPings, err)
			}
		}
	})
}

func TestAWrongSettingMakesNothing(t *testing.T) {
	const seconds = " is not a number of seconds from 60 to 31536000"
	const expression = "schedule is not a valid cron or OnCalendar expression of at most 100 characters"
	cases := map[string]string{
		"timeout=59":                         "timeout" + seconds,
		"timeout=":                           "timeout" + seconds,
		"timeout=1h":                         "timeout" + seconds,
		"timeout=60.0":                       "timeout" + seconds,
		"grace=31536001":                     "grace" + seconds,
		"grace=99999999999999999999":         "grace" + seconds,
		"grace=%zz":                          "grace" + seconds,
		"schedule=nonsense":                  expression,
		"schedule=":                          expression,
		"schedule=0+0+31+2+*":                expression,
		"schedule=0+2+*+*+*&tz=Mars/Olympus": "tz is not a valid timezone, for example UTC or Europe/Riga",
		"tz=":                                "tz is not a valid timezone, for example UTC or Europe/Riga",
		"tags=" + strings.Repeat("x", 501):   "tags are not a text of at most 500 characters",
		"tags=a%00b":                         "tags are not a text of at most 500 characters",
		"tags=%ff":                           "tags are not a text of at most 500 characters",
		"schedule=" + strings.Repeat("0,", 60) + "0": expression,
	}
	each(t, func(e *endpoint) {
		for query, want := range cases {
			w := e.do("GET", e.path("/ping/{KEY}/fresh?create=1&"+query), "")
			if w.Code != http.StatusBadRequest || w.Body.String() != want {
				e.Errorf("%s: %d %s, want 400 %s", query, w.Code, w.Body, want)
			}
		}
		n, err := testdb.CountChecks(e.Context(), e.store, e.User.ID)
		if n != 1 || err != nil {
			e.Errorf("%d checks, %v; want none made", n, err)
		}
		for _, path := range []string{"/ping/unknownkey/fresh?create=1&timeout=1", "/ping/{KEY}/fresh?timeout=1",
			"/ping/{KEY}/fresh?create=0&timeout=60"} {
			w := e.do("GET", e.path(path), "")
			if w.Code != http.StatusNotFound || w.Body.String() != "not found" {
				e.Errorf("%s: %d %s, want 404", path, w.Code, w.Body)
			}
		}
		w := e.do("GET", e.path("/ping/{U}?create=1&timeout=1"), "")
		if w.Code != http.StatusOK {
			e.Errorf("by uuid the settings mean nothing: %d %s", w.Code, w.Body)
		}
	})
}

// What a query says makes a check that holds the rules, or an error.
func FuzzSettings(f *testing.F) {
	for _, q := range []string{"timeout=60&grace=60", "schedule=*+*+*+*+*&tz=UTC", "tags=a+b", "tz=%", "schedule=daily&&=&timeout"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		c := monitor.NewCheck([16]byte{1}, time.Unix(0, 0))
		if err := ping.ApplySettings(query, &c); err != nil {
			return
		}
		if c.Timeout < time.Minute || c.Grace < time.Minute || len([]rune(c.Tags)) > monitor.MaxTagsLength ||
			len([]rune(c.Schedule)) > monitor.MaxScheduleLength {
			t.Errorf("%q made %+v", query, c)
		}
	})
}

// A check whose slug the API refuses is not made; one that has such a slug is
// pinged as ever.
func TestCreatedSlugsObeyTheLimitOfTheAPI(t *testing.T) {
	each(t, func(e *endpoint) {
		longest := strings.Repeat("x", monitor.MaxSlugLength)
		for _, rest := range []string{"", "/start", "/fail", "/3"} {
			w := e.do("GET", e.path("/ping/{KEY}/"+longest+"y"+rest+"?create=1"), "")
			if w.Code != 400 || !strings.Contains(w.Body.String(), "at most 100 characters") {
				e.Errorf("101 characters%s: %d %s", rest, w.Code, w.Body)
			}
		}
		w := e.do("GET", e.path("/ping/{KEY}/"+longest+"?create=1"), "")
		if w.Code != 201 {
			e.Errorf("100 characters: %d %s", w.Code, w.Body)
		}
		checks, err := testdb.ChecksOf(e.Context(), e.store, e.Project.ID)
		if err != nil || len(checks) != 2 {
			e.Errorf("%d checks, %v; want 2", len(checks), err)
		}
		e.change(func(c *monitor.Check) { c.Slug = longest + "z" })
		if w := e.do("GET", e.path("/ping/{KEY}/"+longest+"z?create=1"), ""); w.Code != 200 {
			e.Errorf("a slug of 101 characters that there is: %d %s", w.Code, w.Body)
		}
	})
}

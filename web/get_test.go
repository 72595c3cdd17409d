package web_test

import (
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"punctual/internal/db"
	"punctual/web/webtest"
)

// bookkeeping are the tables that looking at pages may change: sessions remember
// what the visitor was told and when they were last there.
var bookkeeping = []string{"sessions", "rate_limits", "commit_mark"}

// lastSeen are columns that say when something was last looked at.
var lastSeen = []string{"last_used_at", "last_shown_at"}

// rows are all rows of the database, each as a text, by table.
func rows(s *webtest.Site) map[string][]string {
	s.Helper()
	all := map[string][]string{}
	for _, table := range list(s, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`) {
		if !slices.Contains(bookkeeping, table) {
			all[table] = list(s, `SELECT * FROM `+table)
		}
	}
	return all
}

// list are the rows that a query finds, in the order of their texts.
func list(s *webtest.Site, query string) []string {
	s.Helper()
	rows, err := s.Store.DB().Query(s.Context(), query)
	list, err := db.Collect(rows, err, func(rows *sql.Rows, line *string) error {
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		values := make([]any, len(columns))
		places := make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		if err := rows.Scan(places...); err != nil {
			return err
		}
		parts := make([]string, len(columns))
		for i, v := range values {
			if !slices.Contains(lastSeen, columns[i]) {
				parts[i] = fmt.Sprint(v)
			}
		}
		*line = strings.Join(parts, "|")
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// Looking changes nothing, whatever the address says: only posts do. Pings apart,
// and a login link opened in the browser that asked for it, which logs in.
func TestGetChangesNothing(t *testing.T) {
	t.Parallel()
	e := newEverything(t, db.SQLite)
	query := url.Values{}
	for _, name := range fields(t) {
		query.Set(name, "1")
	}
	for name, value := range map[string]string{
		"urls": "slug", "sort": "name", "theme": "dark", "zone": "utc", "tz": "UTC", "status": "up", "role": "member", "email": "x@example.org",
		"name": "Changed", "project": e.project.ID.String(), "check": e.check.Code.String(), "create_key": "ping_key", "action": "remove",
		"cursor": "", "limit": "", "start": "1", "end": "9999999999", "seconds": "60", "next": "/", "back": "?tag=x", "value": "y@example.org",
	} {
		query.Set(name, value)
	}
	for _, a := range e.addresses() {
		if a.method != http.MethodGet || strings.Contains(a.route, "/check_token/") {
			continue
		}
		path := e.path(a.route, "", "")
		switch a.route {
		case "/integrations/{provider}/done/":
			query.Set("state", e.pushoverState())
		case "/integrations/{provider}/done/{project}/{signed}/":
			path = e.path(a.route, "signed", e.formerState())
		}
		before := rows(e.Site)
		for _, b := range e.browsers(path) {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				b.Header = http.Header{"User-Agent": {"Mozilla/5.0 Firefox/140.0"}, "X-Api-Key": {e.apiKey}}
				if strings.HasPrefix(a.route, "/api/{version:v3}/projects") {
					b.Header.Set("X-Api-Key", e.token)
				}
				b.Do(method, path, nil)
				b.Do(method, path+"?"+query.Encode(), nil)
				b.Header = http.Header{}
			}
		}
		after := rows(e.Site)
		for _, table := range slices.Sorted(maps.Keys(after)) {
			if !slices.Equal(before[table], after[table]) {
				t.Errorf("GET %s changes the table %s", a.route, table)
			}
		}
	}
}

// pushoverState is what has to come back from Pushover.
func (e *everything) pushoverState() string {
	e.Helper()
	resp := e.jane.Post("/projects/"+e.project.ID.String()+"/add_po/", url.Values{"prio": {"0"}, "prio_up": {"0"}})
	target, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		e.Fatal(err)
	}
	back, err := url.Parse(target.Query().Get("success"))
	if err != nil {
		e.Fatal(err)
	}
	return back.Query().Get("state")
}

// formerState is the end of an address that Pushover led back to before.
func (e *everything) formerState() string {
	stamp := strconv.FormatInt(e.Clock.Now().Unix(), 10)
	return stamp + "." + e.Server.Signer.Sign("pushover", e.user.ID.String()+" "+e.project.ID.String()+" "+stamp)
}

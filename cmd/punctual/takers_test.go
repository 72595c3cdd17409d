package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/config"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// takersEnv is a database with a schema, and a store on it that is open.
func takersEnv(t *testing.T) (map[string]string, *store.Store) {
	t.Helper()
	env := map[string]string{"PUNCTUAL_DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "punctual.db")}
	if code, _, stderr := command(t, env, "migrate"); code != exitDone {
		t.Fatal(stderr)
	}
	cfg, err := config.Load(env)
	if err != nil {
		t.Fatal(err)
	}
	st, done, err := openStore(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(done)
	return env, st
}

// signed is a process that listens for ten minutes and has told so once; its mark is
// two seconds behind.
func signed(t *testing.T, st *store.Store, role, host string, ways monitor.Ways) *monitor.Taker {
	t.Helper()
	now := st.Now()
	taker := &monitor.Taker{ID: uuid.New(), Host: host, Place: host, Role: role, Ways: ways, BeganAt: now.Add(-10 * time.Minute)}
	if err := st.SignTaker(t.Context(), taker, store.Sign{Mark: now.Add(-2 * time.Second)}); err != nil {
		t.Fatal(err)
	}
	return taker
}

// silenced stores that a taker is silent.
func silenced(ctx context.Context, t *testing.T, st *store.Store, taker *monitor.Taker) {
	t.Helper()
	h, err := st.Hearing(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range h.Takers {
		if h.Takers[i].ID != taker.ID {
			continue
		}
		if ok, err := st.TakerSilent(ctx, &h.Takers[i]); err != nil || !ok {
			t.Fatalf("%v, %v", ok, err)
		}
	}
}

func TestTakersAreListedWithWhatMayBeLost(t *testing.T) {
	env, st := takersEnv(t)
	web := signed(t, st, "serve", "web1", monitor.WayHTTP)
	gone := signed(t, st, "serve", "web2", monitor.WayHTTP)
	mail := signed(t, st, "smtpd", "mail1", monitor.WayMail)
	silenced(t.Context(), t, st, gone)
	if err := st.TakerStopped(t.Context(), mail, store.Sign{Mark: st.Now().Add(-time.Minute)}); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := command(t, env, "takers")
	if code != exitDone || stderr != "" {
		t.Fatalf("%d, %s", code, stderr)
	}
	const moment = `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`
	for _, line := range []string{
		`ID +ROLE +HOST +WAYS +LISTENS SINCE +MARK +LAST WRITE +STATE`,
		web.ID.String() + ` +serve +web1 +http +` + moment + ` +\d+ seconds? behind +\d+ seconds? ago +counts`,
		gone.ID.String() + ` +serve +web2 +http +` + moment + ` +\d+ seconds? behind +\d+ seconds? ago +silent`,
		`\nNobody takes these pings:`,
		`mail +` + moment + ` +now +1 minute.* +stopped`,
		`\nWhen pings may have been lost, the last 10 times:`,
		`http +` + moment + ` +` + moment + ` +30 seconds +silent`,
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(stdout) {
			t.Errorf("no line %s in\n%s", line, stdout)
		}
	}
	if strings.Contains(stdout, mail.ID.String()) {
		t.Errorf("one that has stopped is listed:\n%s", stdout)
	}

	_, stdout, _ = command(t, env, "takers", "--json")
	var got takersJSON
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Takers) != 2 || got.Takers[0].ID != web.ID.String() || !got.Takers[0].Counts || got.Takers[1].Counts ||
		got.Takers[0].MarkLagSeconds < 2 || got.Takers[0].Ways[0] != "http" {
		t.Errorf("takers %+v", got.Takers)
	}
	if len(got.Open) != 1 || got.Open[0].Until != nil || got.Open[0].Ways[0] != "mail" || got.Open[0].Cause != "stopped" {
		t.Errorf("open %+v", got.Open)
	}
	if len(got.Closed) != 1 || got.Closed[0].Until == nil || got.Closed[0].Cause != "silent" {
		t.Errorf("closed %+v", got.Closed)
	}
}

func TestTakersTellOfARoadThatIsCut(t *testing.T) {
	env, st := takersEnv(t)
	since := st.Now()
	_, err := st.ClaimRoad(t.Context(), store.RoadOwn, "https://ping.example.org/", 0)
	if err == nil {
		err = st.RoadWorks(t.Context(), store.RoadOwn, since.Add(-time.Minute))
	}
	signed(t, st, "serve", "web1", monitor.WayHTTP)
	if err == nil {
		_, err = st.RoadFailed(t.Context(), store.RoadOwn, since, "no answer")
	}
	if err != nil {
		t.Fatal(err)
	}
	_, stdout, _ := command(t, env, "takers")
	want := `\nThe public ping address does not answer:\nWAYS .*\nhttp +\S+ \S+ UTC +now +1 minute.* +unreachable\n`
	if !regexp.MustCompile(want).MatchString(stdout) || strings.Contains(stdout, "Nobody takes these pings") {
		t.Errorf("no %s in\n%s", want, stdout)
	}
	_, stdout, _ = command(t, env, "takers", "--json")
	var got takersJSON
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Open) != 1 || got.Open[0].Cause != "unreachable" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOnlyASilentTakerIsForgotten(t *testing.T) {
	env, st := takersEnv(t)
	taker := signed(t, st, "serve", "web1", monitor.WayHTTP)
	id := taker.ID.String()
	code, _, stderr := command(t, env, "takers", "forget", id)
	if code != exitFailed || !strings.Contains(stderr, "punctual: serve on web1 counts, it wrote 0 seconds ago: only one that is silent can be forgotten.") {
		t.Errorf("one that counts: %d, %s", code, stderr)
	}
	silenced(t.Context(), t, st, taker)
	code, stdout, stderr := command(t, env, "takers", "forget", strings.ToUpper(id))
	if code != exitDone || stdout != "serve on web1 is forgotten.\n" {
		t.Errorf("one that is silent: %d, %s%s", code, stdout, stderr)
	}
	code, _, stderr = command(t, env, "takers", "forget", id)
	if code != exitFailed || !strings.Contains(stderr, "no process that takes pings has the id "+id) {
		t.Errorf("a second time: %d, %s", code, stderr)
	}
}

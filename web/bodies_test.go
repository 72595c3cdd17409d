package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
	"punctual/web"
	"punctual/web/ui/human"
	"punctual/web/webtest"
)

// Where bodies are not kept any more, the pages that would show them say so, why,
// and what helps.
func TestPagesShowThatBodiesAreNotKept(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			var full uuid.UUID
			s := webtest.New(t, engine, func(d *web.Deps) {
				d.Site.PingBodyTotal = 10_000_000_000
				d.BodiesFull = func(_ context.Context, project uuid.UUID) bool { return project == full }
			})
			_, p := s.Login("me@example.org")
			c := s.FirstCheck(p)
			s.Ping(c, monitor.PingSuccess)
			const want = "Bodies of new pings are not kept, because those of all checks of this project’s owner have reached their limit of 10 " +
				"GB together. " +
				"To make room, clear the events of checks that send much, or send less. Pings count as before, and so do their keywords."
			base := "/checks/" + c.Code.String()
			for _, page := range []string{base + "/details/", base + "/pings/1/", base + "/last_ping/"} {
				full = uuid.New()
				n := s.Get(page).Is(http.StatusOK).Find(".body-cap").Length()
				if n != 0 {
					t.Errorf("%s says it although they are kept", page)
				}
				full = p.ID
				got := strings.Join(strings.Fields(s.Get(page).Is(http.StatusOK).Find(".body-cap").Text()), " ")
				if got != want {
					t.Errorf("%s says %q", page, got)
				}
			}
		})
	}
}

func TestByteCounts(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1 kB", 1550: "1.6 kB", 10_000_000: "10 MB", 10_000_000_000: "10 GB",
		1_000_000_000_000_000: "1000 TB",
	} {
		got := human.Bytes(n)
		if got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

package ping

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/store"
)

// Whoever floods us with pings to addresses of no check makes us blind for nobody else; a
// database that is away does, where it concerns more than can be told apart.
func TestAFloodOfUnknownAddressesBlindsNobody(t *testing.T) {
	full := errs.Unavailablef(retryAfter, "too many").Because(errFull)
	away := errs.Unavailablef(retryAfter, "the database is away")
	for _, tc := range []struct {
		err   error
		blind bool
	}{{full, false}, {away, true}} {
		var g arriving
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		for range maxRefused + 10 {
			a := &store.Arrival{Code: uuid.New()}
			a.Ping.CreatedAt = now
			g.end(g.begin(a), a, tc.err)
		}
		mark, refused, tooMany := g.heard(now)
		if len(refused) != maxRefused || tooMany.IsZero() == tc.blind || !mark.Equal(now) {
			t.Errorf("%v: %d refused, too many since %v, mark %v", tc.err, len(refused), tooMany, mark)
		}
	}
}

// The pings of one address are one refusal, also when it could not be stored at once.
func TestRefusalsOfOneAddressAreOne(t *testing.T) {
	var g arriving
	a := &store.Arrival{Code: uuid.New()}
	at := func(s int) time.Time { return time.Date(2026, 3, 1, 12, 0, s, 0, time.UTC) }
	lose := func(s int) {
		a.Ping.CreatedAt = at(s)
		g.end(g.begin(a), a, errPanicked)
	}
	lose(1)
	lose(3)
	_, refused, _ := g.heard(at(4))
	lose(7)
	g.putBack(refused)
	_, refused, _ = g.heard(at(9))
	if len(refused) != 1 || !refused[0].First.Equal(at(1)) || !refused[0].Last.Equal(at(7)) {
		t.Errorf("%+v", refused)
	}
}

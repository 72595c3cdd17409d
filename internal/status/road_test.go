package status_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/status"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestThePublicAddressAnswers(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		address := status.PublicAddress(func(context.Context) (*store.Store, error) { return s, nil })
		taker := &monitor.Taker{ID: uuid.New(), Role: "serve", Place: "web", Ways: monitor.WayHTTP, BeganAt: clock.Now()}
		ask := func(source store.RoadSource, why string) {
			t.Helper()
			if _, err := s.ClaimRoad(t.Context(), source, "https://"+string(source)+".example.org/", 0); err != nil {
				t.Fatal(err)
			}
			if err := s.SignTaker(t.Context(), taker, store.Sign{Mark: clock.Now()}); err != nil {
				t.Fatal(err)
			}
			var err error
			switch {
			case why == "":
				err = s.RoadWorks(t.Context(), source, clock.Now())
			case strings.HasPrefix(why, "the peer"):
				err = s.RoadUntold(t.Context(), source, why)
			default:
				_, err = s.RoadFailed(t.Context(), source, clock.Now(), why)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		n := func(name string, value any) status.Field { return status.Field{Name: name, Value: value} }
		want(t, address, status.OK, "it has not been asked yet")

		// no way back to oneself is no failure
		ask(store.RoadOwn, "no route to host")
		want(t, address, status.OK, "has never answered: whether jobs can reach it is not known from there (no route to host)", n("own_known", false))
		ask(store.RoadPeer, "")
		want(t, address, status.OK, "answers the peer", n("own_known", false), n("peer_known", true))
		ask(store.RoadOwn, "")
		want(t, address, status.OK, "answers; answers the peer", n("own_known", true))

		clock.Advance(2 * time.Minute)
		ask(store.RoadPeer, "connection refused")
		ask(store.RoadOwn, "")
		want(t, address, status.Error, "has not answered the peer for 2 minutes: connection refused")
		ask(store.RoadPeer, "")
		clock.Advance(6 * time.Minute)
		ask(store.RoadOwn, "")
		ask(store.RoadPeer, "the peer answers 502 Bad Gateway")
		want(t, address, status.Warning, "could not be asked by the peer for 6 minutes: the peer answers 502 Bad Gateway")

		clock.Advance(10 * time.Minute)
		want(t, address, status.OK, "has not been asked for 10 minutes")
	})
}

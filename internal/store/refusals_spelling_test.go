package store_test

import (
	"testing"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// A refusal is about the mailbox, not about how its domain was written.
func TestARefusalKnowsAllSpellingsOfItsAddress(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		ch := &monitor.Channel{ProjectID: a.Project.ID, Kind: "email", Config: `{"address": "carol@bücher.example"}`, Verified: true}
		if err := s.CreateChannel(t.Context(), ch); err != nil {
			t.Fatal(err)
		}
		if err := s.Unsubscribe(t.Context(), ch.ID); err != nil {
			t.Fatal(err)
		}
		for _, spelling := range []string{"carol@bücher.example", "Carol@xn--bcher-kva.example", "carol@bu\u0308cher.example",
			"carol@ｂücher。example"} {
			refused, err := s.Refused(t.Context(), spelling)
			if err != nil || !refused {
				t.Errorf("%s: refused %v, %v", spelling, refused, err)
			}
		}
		refused, err := s.Refused(t.Context(), "carol@bucher.example")
		if err != nil || refused {
			t.Errorf("another address: refused %v, %v", refused, err)
		}
	})
}

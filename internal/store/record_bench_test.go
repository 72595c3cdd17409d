package store_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// BenchmarkRecordPings records batches of 64 pings of as many checks: a start and
// an end in turn, without run ids and with them.
func BenchmarkRecordPings(b *testing.B) {
	for _, engine := range testdb.Engines {
		for _, ids := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/ids=%v", engine, ids), func(b *testing.B) { benchmarkRecord(b, engine, ids) })
		}
	}
}

func benchmarkRecord(b *testing.B, engine db.Engine, ids bool) {
	d, err := db.Open(b.Context(), testdb.URL(b, engine), db.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close() })
	s := store.New(d, kinds.Address)
	a := testdb.Account(b, s)
	const size = 64
	var codes []uuid.UUID
	for range size {
		c := monitor.NewCheck(a.Project.ID, s.Now())
		if err := s.CreateCheck(b.Context(), &c, store.Channels{}); err != nil {
			b.Fatal(err)
		}
		codes = append(codes, c.Code)
	}
	rids := make([]uuid.NullUUID, size)
	for n := 0; b.Loop(); n++ {
		kind := []monitor.PingKind{monitor.PingStart, monitor.PingSuccess}[n%2]
		batch := make([]*store.Arrival, size)
		for i, code := range codes {
			if ids && kind == monitor.PingStart {
				rids[i] = uuid.NullUUID{UUID: uuid.New(), Valid: true}
			}
			batch[i] = &store.Arrival{Code: code, Ping: monitor.Ping{Kind: kind, Scheme: "http", Method: "GET", CreatedAt: s.Now(), RID: rids[i]}}
		}
		if err := s.RecordPings(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
}

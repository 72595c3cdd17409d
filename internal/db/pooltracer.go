package db

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// poolTracer looks at how queries end, and calls the observer. Where one has run
// into its deadline, its connection may have fallen silent, as all do when the
// server's machine has vanished or a failover left it behind. The pool then drops
// those that are idle, so that the next user gets a new connection and does not
// wait for each old one.
type poolTracer struct {
	pool    atomic.Pointer[pgxpool.Pool]
	observe *observer
}

var (
	_ pgx.QueryTracer       = (*poolTracer)(nil)
	_ pgx.BatchTracer       = (*poolTracer)(nil)
	_ pgxpool.AcquireTracer = (*poolTracer)(nil)
)

func (s *poolTracer) ended(err error) {
	pool := s.pool.Load()
	if pool != nil && errors.Is(err, context.DeadlineExceeded) {
		pool.Reset()
	}
}

// underWay is a statement, kept in its context until it ends.
type underWay struct {
	query string
	began time.Time
}

type underWayKey struct{}

func (s *poolTracer) began(ctx context.Context, query string) context.Context {
	if s.observe.hook == nil && tallyOf(ctx) == nil {
		return ctx
	}
	return context.WithValue(ctx, underWayKey{}, &underWay{query, time.Now()})
}

func (s *poolTracer) observed(ctx context.Context, err error) {
	u, ok := ctx.Value(underWayKey{}).(*underWay)
	if ok {
		s.observe.ended(ctx, u.query, u.began, err)
	}
}

// TraceQueryStart notes the time.
func (s *poolTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return s.began(ctx, data.SQL)
}

// TraceQueryEnd looks at the end of a query.
func (s *poolTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	s.ended(data.Err)
	s.observed(ctx, data.Err)
}

// TraceBatchStart notes the time; a batch goes by its first statement that is
// not the beginning of a transaction.
func (s *poolTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	query := ""
	for _, q := range data.Batch.QueuedQueries {
		query = q.SQL
		if query != "BEGIN" {
			break
		}
	}
	return s.began(ctx, query)
}

// TraceBatchQuery does nothing: the end of the batch tells.
func (s *poolTracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd looks at the end of a batch.
func (s *poolTracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	s.ended(data.Err)
	s.observed(ctx, data.Err)
}

// TraceAcquireStart does nothing.
func (s *poolTracer) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	return ctx
}

// TraceAcquireEnd looks at the end of the wait for a connection: idle ones are
// asked for a sign of life first.
func (s *poolTracer) TraceAcquireEnd(_ context.Context, _ *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	s.ended(data.Err)
}

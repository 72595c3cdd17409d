package db

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// silence looks at how queries end. Where one has run into its deadline, its
// connection may have fallen silent, as all do when the server's machine has
// vanished or a failover left it behind. The pool then drops those that are idle,
// so that the next user gets a new connection and does not wait for each old one.
type silence struct{ pool atomic.Pointer[pgxpool.Pool] }

var (
	_ pgx.QueryTracer       = (*silence)(nil)
	_ pgx.BatchTracer       = (*silence)(nil)
	_ pgxpool.AcquireTracer = (*silence)(nil)
)

func (s *silence) ended(err error) {
	if pool := s.pool.Load(); pool != nil && errors.Is(err, context.DeadlineExceeded) {
		pool.Reset()
	}
}

// TraceQueryStart does nothing.
func (s *silence) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd looks at the end of a query.
func (s *silence) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	s.ended(data.Err)
}

// TraceBatchStart does nothing.
func (s *silence) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery does nothing: the end of the batch tells.
func (s *silence) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd looks at the end of a batch.
func (s *silence) TraceBatchEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	s.ended(data.Err)
}

// TraceAcquireStart does nothing.
func (s *silence) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	return ctx
}

// TraceAcquireEnd looks at the end of the wait for a connection: idle ones are
// asked for a sign of life first.
func (s *silence) TraceAcquireEnd(_ context.Context, _ *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	s.ended(data.Err)
}

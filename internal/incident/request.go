package incident

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// visit is what is known of the request that a context belongs to.
type visit struct {
	request *http.Request
	// of the request itself, without a limit of ours
	life context.Context

	mu    sync.Mutex
	email string
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	if ctx == nil {
		return nil
	}
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// WithRequest remembers the request, for the report of an error that comes up
// while it is answered.
func WithRequest(ctx context.Context, r *http.Request) context.Context {
	return context.WithValue(ctx, visitKey{}, &visit{request: r, life: ctx})
}

// Within remembers the request, as WithRequest, and gives next no longer than
// the limit to ask the database and others: a page that cannot be had says so
// soon. What may take longer goes on in WithoutTimeout.
func Within(limit time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(WithRequest(r.Context(), r), limit)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Recover answers a panic of next as Answer does.
func Recover(fail func(w http.ResponseWriter, r *http.Request, err error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer Answer("request", w, r, fail)
		next.ServeHTTP(w, r)
	})
}

// Answer is for a handler to defer: it answers a panic by fail, which gets it as
// a Panic. The panic that ends a connection without an answer
// (http.ErrAbortHandler) goes on.
func Answer(where string, w http.ResponseWriter, r *http.Request, fail func(w http.ResponseWriter, r *http.Request, err error)) {
	switch p := recover(); p {
	case nil:
	case http.ErrAbortHandler:
		panic(p)
	default:
		fail(w, r, Caught(where, p))
	}
}

// WithoutTimeout is ctx without the limit of Within: it ends when whoever asked has
// gone.
func WithoutTimeout(ctx context.Context) context.Context {
	v := visitOf(ctx)
	if v == nil {
		return ctx
	}
	return withoutTimeout{Context: v.life, values: ctx}
}

type withoutTimeout struct {
	context.Context
	values context.Context
}

func (u withoutTimeout) Value(key any) any { return u.values.Value(key) }

// SetEmail notes the address of who is asking, for reports.
func SetEmail(ctx context.Context, email string) {
	v := visitOf(ctx)
	if v != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.email = email
	}
}

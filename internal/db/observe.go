package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Observe is told how long each statement took: name as of StatementName, class
// of its error as of ErrorClass. Batches of PostgreSQL count as one statement;
// what an SQLite transaction runs through Prepared is told by its begin and commit.
// It is called from many goroutines and must be quick.
type Observe func(name string, took time.Duration, class string)

// observer calls the hook with the names of statements.
type observer struct {
	hook Observe

	mu sync.RWMutex
	// text → name
	named map[string]string
	names map[string]bool
}

// Bounds of the observer: how many texts it remembers, and how many names there
// are before all others are "other".
const (
	maxTexts = 2000
	maxNames = 300
)

func newObserver(hook Observe) *observer {
	return &observer{hook: hook, named: make(map[string]string), names: make(map[string]bool)}
}

// ended takes note of the end of a statement.
func (o *observer) ended(ctx context.Context, query string, began time.Time, err error) {
	took := time.Since(began)
	t := tallyOf(ctx)
	if t != nil {
		t.statements.Add(1)
		t.took.Add(int64(took))
	}
	if o.hook != nil {
		o.hook(o.name(query), took, ErrorClass(err))
	}
}

// Tally counts the statements of one piece of work, as Observe does: a batch is
// one. It is safe for concurrent use.
type Tally struct{ statements, took atomic.Int64 }

// Statements is how many there were.
func (t *Tally) Statements() int { return int(t.statements.Load()) }

// Took is how long they took in all, more than has passed where they ran beside
// each other.
func (t *Tally) Took() time.Duration { return time.Duration(t.took.Load()) }

type tallyKey struct{}

// WithTally makes t count the statements that are run with the context.
func WithTally(ctx context.Context, t *Tally) context.Context {
	return context.WithValue(ctx, tallyKey{}, t)
}

func tallyOf(ctx context.Context) *Tally {
	t, _ := ctx.Value(tallyKey{}).(*Tally)
	return t
}

func (o *observer) name(query string) string {
	o.mu.RLock()
	name, known := o.named[query]
	o.mu.RUnlock()
	if known {
		return name
	}
	name = StatementName(query)
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.names[name] && len(o.names) >= maxNames {
		name = "other"
	}
	o.names[name] = true
	if len(o.named) < maxTexts {
		o.named[query] = name
	}
	return name
}

// StatementName is what a statement is called in metrics: what it does and the
// first table it names, in lower case: "select checks", "insert pings", "begin".
// What has no such form is "other".
func StatementName(query string) string {
	words := words(query)
	for i, verb := range words {
		var table string
		switch verb {
		case "select", "delete":
			table = after(words[i:], "from")
		case "insert", "replace":
			table = after(words[i:], "into")
		case "update":
			table = after(words[i:], "update")
		case "begin", "commit", "rollback", "savepoint", "release", "pragma", "notify", "listen", "set", "create", "alter", "drop", "analyze":
			return verb
		case "with":
			// its first statement gives the name
			continue
		default:
			if i == 0 {
				return "other"
			}
			continue
		}
		return strings.TrimSpace(verb + " " + table)
	}
	return "other"
}

// after finds the first table named behind a keyword.
func after(words []string, keyword string) string {
	for i := range words[:max(len(words)-1, 0)] {
		next := words[i+1]
		if words[i] == keyword && next != "(" && next != "select" {
			return next
		}
	}
	return ""
}

// maxWords is enough of a statement to name it.
const maxWords = 400

// words splits a statement into lower-case words and opening brackets. Texts and
// comments are left out.
func words(query string) []string {
	var list []string
	for rest := query; rest != "" && len(list) < maxWords; {
		switch c := rest[0]; {
		case c == '\'':
			rest = skipTo(rest[1:], "'")
		case strings.HasPrefix(rest, "--"):
			rest = skipTo(rest, "\n")
		case c == '(':
			list = append(list, "(")
			rest = rest[1:]
		case isWord(c):
			n := 1
			for n < len(rest) && (isWord(rest[n]) || rest[n] >= '0' && rest[n] <= '9') {
				n++
			}
			list = append(list, strings.ToLower(rest[:min(n, 40)]))
			rest = rest[n:]
		default:
			rest = rest[1:]
		}
	}
	return list
}

func isWord(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

func skipTo(s, end string) string {
	_, rest, _ := strings.Cut(s, end)
	return rest
}

// ErrorClass sorts an error of the database for metrics: "" for none and for a
// row that is not there, else unavailable, conflict, constraint, timeout,
// canceled or other.
func ErrorClass(err error) string {
	switch {
	case err == nil, IsNoRows(err), errors.Is(err, sql.ErrTxDone):
		return ""
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case IsUnique(err), IsForeignKey(err):
		return "constraint"
	case isConflict(err):
		return "conflict"
	case IsUnavailable(err):
		return "unavailable"
	}
	return "other"
}

// ErrorClasses are what ErrorClass returns for errors.
func ErrorClasses() []string {
	return []string{"canceled", "conflict", "constraint", "other", "timeout", "unavailable"}
}

// PoolStats are the connections of one pool.
type PoolStats struct {
	// "main" and "record" on PostgreSQL; "read" and "write" on SQLite
	Name             string
	Max, Open, InUse int
	// how often somebody had to wait for a connection, since the start
	Waits int64
	// in all, since the start
	Waited time.Duration
}

// Pools tells how the pools of connections are used. It does not ask the database.
func (d *DB) Pools() []PoolStats {
	if d.pool != nil {
		pools := []PoolStats{poolStats("main", d.pool)}
		if d.record != d.pool {
			pools = append(pools, poolStats("record", d.record))
		}
		return pools
	}
	pool := func(name string, s sql.DBStats) PoolStats {
		return PoolStats{Name: name, Max: s.MaxOpenConnections, Open: s.OpenConnections, InUse: s.InUse, Waits: s.WaitCount,
			Waited: s.WaitDuration}
	}
	return []PoolStats{pool("read", d.read.Stats()), pool("write", d.write.Stats())}
}

func poolStats(name string, pool *pgxpool.Pool) PoolStats {
	s := pool.Stat()
	return PoolStats{
		Name: name, Max: int(s.MaxConns()), Open: int(s.TotalConns()), InUse: int(s.AcquiredConns()),
		Waits: s.EmptyAcquireCount(), Waited: s.EmptyAcquireWaitTime(),
	}
}

// FileStats are the sizes of an SQLite database.
type FileStats struct {
	// bytes on disk
	Size, WALSize int64
	// pages in the log, and how many of them are in the database file already
	WALFrames, WALCheckpointed   int64
	FreePages, Pages, PageLength int64
}

// FileStats looks at an SQLite database and its write-ahead log, without
// starting a checkpoint. It is not for PostgreSQL.
func (d *DB) FileStats(ctx context.Context) (FileStats, error) {
	var s FileStats
	var err error
	s.Size, err = fileSize(d.path)
	if err != nil {
		return s, err
	}
	s.WALSize, err = fileSize(d.path + "-wal")
	if err != nil {
		return s, err
	}
	var busy int64
	if err := d.QueryRow(ctx, `PRAGMA wal_checkpoint(NOOP)`).Scan(&busy, &s.WALFrames, &s.WALCheckpointed); err != nil {
		return s, fmt.Errorf("look at the write-ahead log: %w", err)
	}
	for _, p := range []struct {
		name string
		into *int64
	}{{"freelist_count", &s.FreePages}, {"page_count", &s.Pages}, {"page_size", &s.PageLength}} {
		if err := d.QueryRow(ctx, `PRAGMA `+p.name).Scan(p.into); err != nil {
			return s, fmt.Errorf("read %s: %w", p.name, err)
		}
	}
	return s, nil
}

// fileSize is 0 for a file that is not there: the log comes with the first write.
func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

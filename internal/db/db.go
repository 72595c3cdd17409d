// Package db adapts the two database engines, PostgreSQL and SQLite, to one
// face: opening, pools, transactions, error kinds, conversion of times and
// uuids, schema migrations and wake-up calls between processes.
//
// It is the only importer of database drivers. What is asked of the database
// belongs to internal/store.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	// registers the driver "sqlite"
	_ "modernc.org/sqlite"

	"punctual/internal/redact"
)

// Engine is a kind of database.
type Engine string

// The engines.
const (
	Postgres Engine = "postgres"
	SQLite   Engine = "sqlite"
)

// Options tune Open. The zero value is fine.
type Options struct {
	// PostgreSQL: connections of the pools together, 10 when zero
	MaxConns int
	// the clock, time.Now when nil; see Clock
	Now func() time.Time
	// SQLite: do not create the file, and leave those beside it alone
	ReadOnly bool
	// SQLite: do not create the file, for who does not migrate; see ErrNoDatabase
	MustExist bool
	// told of each statement; nil: nobody is
	Observe Observe
	// of panics in the background, which must not end the process; nil: nowhere
	Log *slog.Logger
}

// DB is an open database. Its methods are safe for concurrent use.
type DB struct {
	Engine Engine
	*Clock

	// SQLite: the file
	path string
	// SQLite: Open has made it
	isNew bool
	// SQLite: the commits
	mark *mark
	// PostgreSQL
	pool *pgxpool.Pool
	// PostgreSQL: for recording pings, same as pool where there are few connections
	record *pgxpool.Pool
	// PostgreSQL: a connection pooler stands between, see adaptToPooler
	pooled bool
	read   *sql.DB
	// SQLite: the one writing connection; PostgreSQL: same as read
	write    *sql.DB
	watch    *observer
	log      *slog.Logger
	bus      bus
	listener listener
}

// Open connects to the database at rawURL, `sqlite:PATH` or `postgres://…`, and
// checks that it answers. The directory of an SQLite file is made if missing.
func Open(ctx context.Context, rawURL string, opt Options) (*DB, error) {
	d := &DB{Clock: newClock(opt.Now), watch: newObserver(opt.Observe), log: opt.Log}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	var err error
	switch scheme, rest, _ := strings.Cut(rawURL, ":"); scheme {
	case "sqlite":
		err = d.openSQLite(ctx, strings.TrimPrefix(rest, "//"), opt)
	case "postgres", "postgresql":
		err = d.openPostgres(ctx, rawURL, opt)
	default:
		err = fmt.Errorf("database URL must start with sqlite: or postgres://, not %q", scheme+":")
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (d *DB) openPostgres(ctx context.Context, rawURL string, opt Options) error {
	cfg, err := pgxpool.ParseConfig(rawURL)
	if err != nil {
		return fmt.Errorf("database URL: %w", redacted(err, rawURL))
	}
	cfg.MaxConns = 10
	if opt.MaxConns > 0 {
		cfg.MaxConns = int32(opt.MaxConns) //nolint:gosec // bounded by the settings
	}
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC"
	if cfg.ConnConfig.RuntimeParams["application_name"] == "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = "punctual"
	}
	pooled, err := throughPooler(ctx, cfg.ConnConfig)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", redacted(err, rawURL))
	}
	if pooled {
		d.adaptToPooler(cfg.ConnConfig)
	} else {
		cfg.AfterConnect = limitIdleTx
	}
	recording := recordConns
	if cfg.MaxConns < 2*recordConns {
		recording = 0
	}
	cfg.MaxConns -= recording
	pool, err := d.newPool(ctx, cfg)
	if err != nil {
		return fmt.Errorf("open PostgreSQL: %w", redacted(err, rawURL))
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return fmt.Errorf("connect to PostgreSQL: %w", redacted(err, rawURL))
	}
	d.record = pool
	if recording > 0 {
		cfg = cfg.Copy()
		cfg.MaxConns = recording
		cfg.MinConns = 0
		cfg.MinIdleConns = 0
		d.record, err = d.newPool(ctx, cfg)
	}
	if err != nil {
		pool.Close()
		return fmt.Errorf("open PostgreSQL: %w", redacted(err, rawURL))
	}
	d.Engine = Postgres
	d.pool = pool
	d.read = stdlib.OpenDBFromPool(pool)
	// the pool keeps the connections
	d.read.SetMaxIdleConns(0)
	d.write = d.read
	return d.SyncClock(ctx)
}

// recordConns are the connections that nothing but the recording of pings uses:
// one writes a batch, one reads the checks of the next, one looks up those that
// are not known. Pages and lists, however many are asked for, wait for each other
// elsewhere.
const recordConns int32 = 3

// newPool makes a pool that drops connections which have fallen silent.
func (d *DB) newPool(ctx context.Context, cfg *pgxpool.Config) (*pgxpool.Pool, error) {
	tracer := &poolTracer{observe: d.watch}
	cfg.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err == nil {
		tracer.pool.Store(pool)
	}
	return pool, err
}

// limitIdleTx lets PostgreSQL end a transaction that has heard nothing of us for
// five seconds. Without it one whose connection has fallen silent would hold its
// locks, and with them up pings and alerts, until the server's keep-alive gives
// the connection up: after two hours, as Linux comes. (It is no parameter of the
// connection because PgBouncer refuses those it does not know.)
func limitIdleTx(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `SET idle_in_transaction_session_timeout = '5s'`)
	if err != nil {
		return fmt.Errorf("prepare connection: %w", err)
	}
	return nil
}

// minSQLite is the first release without the WAL-reset corruption bug
// (https://sqlite.org/wal.html#walresetbug).
const minSQLite = "3.51.3"

func (d *DB) openSQLite(ctx context.Context, path string, opt Options) error {
	switch path {
	case "":
		return errors.New("database URL sqlite: needs a path, as in sqlite:./data/punctual.db")
	case ":memory:":
		return errors.New("database URL sqlite: needs a file; a database in memory is gone at the next start")
	}
	path = filepath.Clean(path)
	if !opt.ReadOnly {
		isNew, err := prepareFile(path, opt.MustExist, d.log)
		if err != nil {
			return err
		}
		d.isNew = isNew
	}
	err := d.connectSQLite(ctx, path, opt)
	if err != nil && d.isNew {
		// nothing is in it yet
		_ = os.Remove(path)
	}
	return err
}

func (d *DB) connectSQLite(ctx context.Context, path string, opt Options) error {
	d.mark = &mark{path: path + markSuffix, log: d.log}
	var err error
	d.write, err = openWriter(sqliteDSN(path, opt.ReadOnly, false), d.mark)
	if err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	// SQLite has one writer; queueing here is fair, its busy handler is not
	d.write.SetMaxOpenConns(1)
	if err := firstConnection(ctx, d.write); err != nil {
		d.write.Close()
		return fmt.Errorf("open SQLite database %s: %w", path, err)
	}
	d.read, err = sql.Open("sqlite", sqliteDSN(path, opt.ReadOnly, true))
	if err != nil {
		d.write.Close()
		return fmt.Errorf("open SQLite: %w", err)
	}
	readers := sqliteReaders()
	d.read.SetMaxOpenConns(readers)
	d.read.SetMaxIdleConns(readers)
	d.Engine = SQLite
	d.path = path

	var version string
	if err := d.QueryRow(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		d.Close()
		return fmt.Errorf("ask SQLite for its version: %w", err)
	}
	if compareVersions(version, minSQLite) < 0 {
		d.Close()
		return fmt.Errorf("SQLite %s can corrupt its write-ahead log; at least %s is needed", version, minSQLite)
	}
	if opt.ReadOnly {
		return nil
	}
	if err := d.checkMark(ctx); err != nil {
		d.Close()
		return err
	}
	return nil
}

// sqliteReaders is how many connections read; one of them listens, see Watch.
func sqliteReaders() int { return max(4, runtime.NumCPU()) + 1 }

// firstConnection opens the file. Of two processes that open a new file at once,
// one finds it locked while the other turns it to WAL: busy_timeout does not
// apply to that, so it is tried again here, as long.
func firstConnection(ctx context.Context, conns *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		err := conns.PingContext(ctx)
		if err == nil || !isLocked(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// sqliteDSN holds every setting, so that each connection of a pool has them.
// busy_timeout comes first: the others may have to wait.
func sqliteDSN(path string, mustExist, readOnly bool) string {
	q := url.Values{}
	q.Add("_pragma", "busy_timeout(5000)")
	q.Add("_pragma", "journal_mode(WAL)")
	q.Add("_pragma", "synchronous(FULL)")
	q.Add("_pragma", "foreign_keys(1)")
	q.Add("_pragma", "cache_size(-16384)")
	q.Add("_pragma", "temp_store(memory)")
	// A checkpoint every 32 MB of log instead of every 4: under load it comes with
	// two more flushes and writes each changed page once more (docs/performance.md).
	q.Add("_pragma", "wal_autocheckpoint(8000)")
	// While somebody reads for long the log grows beyond that. Afterwards it is cut
	// to this size again, which it reaches in normal use.
	q.Add("_pragma", "journal_size_limit(41943040)")
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	}
	if mustExist {
		q.Set("mode", "rw")
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// Pool is the native PostgreSQL pool, for the few statements that batch or
// copy. It is nil on SQLite.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// RecordPool is the pool for recording pings, see recordConns: work that takes
// long has no place there. It is nil on SQLite.
func (d *DB) RecordPool() *pgxpool.Pool { return d.record }

// Readers is how many connections may read at the same time, at least 1; those of
// RecordPool do not count.
func (d *DB) Readers() int {
	if d.pool != nil {
		return int(d.pool.Config().MaxConns)
	}
	return sqliteReaders() - 1
}

// Pooled tells whether a connection pooler, such as PgBouncer, stands between this
// process and PostgreSQL.
func (d *DB) Pooled() bool { return d.pooled }

// Path is the file of an SQLite database, "" on PostgreSQL.
func (d *DB) Path() string { return d.path }

// Ping asks the database for a sign of life over a connection of the pool.
func (d *DB) Ping(ctx context.Context) error { return d.read.PingContext(ctx) }

// Close ends all connections.
func (d *DB) Close() error {
	d.listener.close()
	err := d.read.Close()
	if d.pool != nil {
		d.pool.Close()
		d.record.Close()
		return err
	}
	err = errors.Join(err, d.write.Close())
	d.mark.close()
	return err
}

// redacted keeps a password of the URL out of an error text, and the text to one
// line. Nobody can tell where the password is in a URL that cannot be read, so
// nothing of such a one is shown.
func redacted(err error, rawURL string) error {
	_, parseErr := url.Parse(rawURL)
	if parseErr != nil {
		return errors.New("it is no valid URL (special characters of a password are written as %XX)")
	}
	text := oneLine(err.Error())
	clean := text
	secrets := redact.Secrets(rawURL)
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, secret := range secrets {
		// A shorter one would be found everywhere, and hides nothing.
		if len(secret) > 2 {
			clean = strings.ReplaceAll(clean, secret, redact.Hidden)
		}
	}
	if clean != text {
		return errors.New(clean)
	}
	return &inOneLine{err}
}

// inOneLine is an error whose text is one line.
type inOneLine struct{ error }

func (e *inOneLine) Error() string { return oneLine(e.error.Error()) }

// Unwrap is the error itself.
func (e *inOneLine) Unwrap() error { return e.error }

// oneLine joins the lines of an error, each once: pgx tries each address with TLS
// and without, and lists every failure in a line of its own.
func oneLine(text string) string {
	var parts []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !slices.Contains(parts, line) {
			parts = append(parts, line)
		}
	}
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return parts[0] + " " + strings.Join(parts[1:], "; ")
}

// compareVersions compares dotted numbers: negative when a is older than b.
// What is no number counts as 0.
func compareVersions(a, b string) int {
	as := strings.Split(a, ".")
	bs := strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		var x, y int
		if i < len(as) {
			x, _ = strconv.Atoi(as[i])
		}
		if i < len(bs) {
			y, _ = strconv.Atoi(bs[i])
		}
		if x != y {
			return x - y
		}
	}
	return 0
}

package status

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"punctual/internal/db"
	"punctual/internal/store"
)

// The labels of the built-in checks.
const (
	// what is stored, and where
	labelData = "data"
	// processes that do the work in the background
	labelWorker = "worker"
	// what waits to be done
	labelQueue = "queue"
	// sending mail
	labelMail = "mail"
	// the machine or container of this process
	labelHost = "host"
	// what others see of us, and we of them
	labelNetwork = "network"
)

// Open returns the database for the checks that read it. It may fail, so that
// the others report when the database is away.
type Open func(context.Context) (*store.Store, error)

// reading makes a check of one that reads the database.
func reading(open Open, look func(context.Context, *store.Store) Finding) func(context.Context) Finding {
	return func(ctx context.Context) Finding {
		s, err := open(ctx)
		if err != nil {
			return unread(ctx, err)
		}
		return look(ctx, s)
	}
}

// unread is the finding of a check that could not read the database.
func unread(ctx context.Context, err error) Finding {
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		return Failed("not known: the database does not answer", err)
	}
	return Failed("not known: the database cannot be read", err)
}

// Database connects to the database at url anew and asks it something: not over
// the pool of the process, which can be full while the database is well, and well
// while it takes no new connections.
func Database(url string) Check {
	return Check{Name: "database", Title: "Database", Labels: []string{labelData}, Run: func(ctx context.Context) Finding {
		p, err := db.Probe(ctx, url)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return Failed("does not answer", err)
		case err != nil:
			return Failed("cannot be used", err)
		}
		fields := []Field{{"engine", string(p.Engine)}, {"connect_ms", milliseconds(p.Connect)}, {"round_trip_ms", milliseconds(p.Round)}}
		fact := fmt.Sprintf("%s answers in %s on a new connection", engineName(p.Engine), quick(p.Connect+p.Round))
		if p.Connect+p.Round > slowDatabase {
			return Warn(fact, fields...)
		}
		return Healthy(fact, fields...)
	}}
}

// slowDatabase is how long a new connection and a question may take: each page
// asks several.
const slowDatabase = 500 * time.Millisecond

func engineName(e db.Engine) string {
	if e == db.SQLite {
		return "SQLite"
	}
	return "PostgreSQL"
}

// Migrations compares the schema of the database with what this program needs.
func Migrations(open Open, migrations fs.FS) Check {
	return Check{Name: "migrations", Title: "Migrations", Labels: []string{labelData},
		Run: reading(open, func(ctx context.Context, s *store.Store) Finding {
			schema, err := s.DB().SchemaStatus(ctx, migrations)
			if err != nil {
				return unread(ctx, err)
			}
			fields := []Field{{"version", schema.Current}, {"applied", schema.Applied}, {"pending", len(schema.Pending)}}
			if err := schema.Check(); err != nil {
				return Finding{Severity: Error, Fact: err.Error(), Fields: fields}
			}
			return Healthy(fmt.Sprintf("version %d, none pending", schema.Current), fields...)
		})}
}

// milliseconds is d as a figure, to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// seconds is d as a figure, to the millisecond.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// quick is how long something took, for people: "0.35 ms", "12 ms", "1.2 s".
func quick(d time.Duration) string {
	switch {
	case d >= time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d >= 10*time.Millisecond:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	return strconv.FormatFloat(d.Seconds()*1000, 'g', 2, 64) + " ms"
}

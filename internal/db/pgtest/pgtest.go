// Package pgtest gives tests and benchmarks a private PostgreSQL server: a throw-away cluster in a temporary
// directory, reachable over a unix socket only.
//
// Most tests want an empty database (DSN) or a migrated one (Template) on the cluster that all tests of the binary
// share; a package that uses them has
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// Fault tests and benchmarks start a cluster of their own with Start and may stop, crash and restart it.
// Needs PostgreSQL 15 or newer. Migrations and the store are none of its business: callers hand in what builds a template.
package pgtest

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"punctual/internal/testkit/need"
)

// shared is the one cluster of this test binary. It is package state because a test binary has no other place that
// all its tests reach; production code never imports this package.
var shared struct {
	once    sync.Once
	cluster *Cluster
	err     error
}

// Main runs the tests of a package (m is its *testing.M) and exits with their result, after the shared cluster is stopped and its
// directory removed. When the binary dies before that (panic, kill -9), the cluster's watchdog does the same.
func Main(m interface{ Run() int }) {
	code := m.Run()
	if shared.cluster != nil {
		if err := shared.cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// DSN returns the postgres:// address of a fresh, empty database of its own, dropped with its last connections when
// the test ends. The first call starts the shared cluster. Without PostgreSQL the test fails or skips as package need says.
func DSN(tb testing.TB) string {
	tb.Helper()
	return database(tb, sharedCluster(tb), "template1")
}

// Template returns the address of a fresh copy of a prepared database, dropped when the test ends. The first call with
// a key makes the original by calling build with the address of an empty database; build must have closed its
// connections when it returns. A failed build fails every test that asks for the key.
func Template(tb testing.TB, key string, build func(dsn string) error) string {
	tb.Helper()
	c := sharedCluster(tb)
	name, err := c.template(key, build)
	if err != nil {
		tb.Fatalf("building the template database %q: %v", key, err)
	}
	return database(tb, c, name)
}

func sharedCluster(tb testing.TB) *Cluster {
	tb.Helper()
	if testing.Short() {
		tb.Skip("takes a PostgreSQL cluster")
	}
	shared.once.Do(func() { shared.cluster, shared.err = Start(Options{}) })
	if shared.err != nil {
		need.Missing(tb, "PostgreSQL", shared.err)
	}
	return shared.cluster
}

func database(tb testing.TB, c *Cluster, template string) string {
	tb.Helper()
	name, err := c.create(template)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.drop(name); err != nil {
			tb.Error(err)
		}
	})
	return c.DSN(name)
}

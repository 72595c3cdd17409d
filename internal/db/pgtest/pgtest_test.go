package pgtest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"punctual/internal/db/pgtest"
	"punctual/internal/testkit/need"
)

// ownerEnv turns this test binary into a process that starts a cluster, says where, and waits to be killed.
const ownerEnv = "PGTEST_OWNER"

func TestMain(m *testing.M) {
	if os.Getenv(ownerEnv) != "" {
		ownCluster()
		return
	}
	pgtest.Main(m)
}

func TestDSNsAreFreshAndSeparate(t *testing.T) {
	a := pgtest.DSN(t)
	b := pgtest.DSN(t)
	run(t, a, "CREATE TABLE only_in_a (id int)")
	got := value(t, b, "SELECT count(*) FROM pg_tables WHERE tablename = 'only_in_a'")
	if got != 0 {
		t.Fatal("two addresses lead to the same database")
	}
}

func TestDatabaseGoesWithItsTestEvenWhileConnected(t *testing.T) {
	var dsn string
	t.Run("user", func(t *testing.T) {
		dsn = pgtest.DSN(t)
		connect(t, dsn)
	})
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, dsn)
	if err == nil {
		_ = conn.Close(ctx)
		t.Fatal("the database outlived its test")
	}
}

func TestTemplateIsBuiltOnceAndClonesAreSeparate(t *testing.T) {
	built := 0
	build := func(dsn string) error {
		built++
		run(t, dsn, "CREATE TABLE seed (id int)")
		return nil
	}
	a := pgtest.Template(t, "seed", build)
	b := pgtest.Template(t, "seed", build)
	run(t, a, "INSERT INTO seed VALUES (1)")
	got := value(t, b, "SELECT count(*) FROM seed")
	if got != 0 || built != 1 {
		t.Fatalf("clone holds %d rows, built %d times; want 0 and 1", got, built)
	}
}

func TestTemplatesInParallel(t *testing.T) {
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Template(t, "parallel", func(dsn string) error {
				run(t, dsn, "CREATE TABLE seed (id int)")
				return nil
			})
			run(t, dsn, "INSERT INTO seed VALUES (1)")
		})
	}
}

func TestDurableClusterSurvivesCrash(t *testing.T) {
	c := startOwn(t, pgtest.Options{Fsync: true, Settings: map[string]string{"work_mem": "5MB"}})
	dsn, err := c.CreateDatabase()
	if err != nil {
		t.Fatal(err)
	}
	run(t, dsn, "CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)")
	if err := c.Stop("immediate"); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(); err != nil {
		t.Fatal(err)
	}
	// now of a running server
	if err := c.Restart(); err != nil {
		t.Fatal(err)
	}
	got := value(t, dsn, "SELECT count(*) FROM kept")
	if got != 1 {
		t.Fatalf("%d rows after the crash, want 1", got)
	}
	if got := text(t, dsn, "SELECT current_setting('fsync') || current_setting('work_mem')"); got != "on5MB" {
		t.Fatalf("fsync and work_mem are %s", got)
	}
}

func TestStartErrorQuotesTheServer(t *testing.T) {
	// skips where there is no PostgreSQL
	pgtest.DSN(t)
	_, err := pgtest.Start(pgtest.Options{Settings: map[string]string{"work_mem": "plenty"}})
	if err == nil || !strings.Contains(err.Error(), "work_mem") {
		t.Fatalf("error does not quote the server's log: %v", err)
	}
}

func TestCloseRemovesDirectory(t *testing.T) {
	c := startOwn(t, pgtest.Options{})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := os.Stat(c.Dir)
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("directory is still there: %v", err)
	}
}

func TestKilledOwnerLeavesNothingBehind(t *testing.T) {
	// skips where there is no PostgreSQL
	pgtest.DSN(t)
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), ownerEnv+"=1")
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	dir, err := bufio.NewReader(out).ReadString('\n')
	_ = owner.Process.Kill()
	_ = owner.Wait()
	if err != nil {
		t.Fatalf("owner said nothing: %v", err)
	}
	dir = strings.TrimSpace(dir)
	tick := time.Tick(20 * time.Millisecond)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick {
		_, err := os.Stat(dir)
		if errors.Is(err, os.ErrNotExist) && !running(dir) {
			return
		}
	}
	t.Fatalf("%s or its server outlived a killed owner", dir)
}

// ownCluster starts a cluster, prints its directory and waits to be killed.
func ownCluster() {
	c, err := pgtest.Start(pgtest.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Dir)
	select {}
}

// running says whether a process has dir in its command line.
func running(dir string) bool {
	return exec.Command("pgrep", "-f", dir).Run() == nil
}

func startOwn(t *testing.T, opts pgtest.Options) *pgtest.Cluster {
	t.Helper()
	c, err := pgtest.Start(opts)
	if err != nil {
		need.Missing(t, "PostgreSQL", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// connect leaves the connection open until the server ends it.
func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func run(t *testing.T, dsn, sql string) {
	t.Helper()
	conn := connect(t, dsn)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err := conn.Exec(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
}

func value(t *testing.T, dsn, sql string) (n int) {
	t.Helper()
	scan(t, dsn, sql, &n)
	return n
}

func text(t *testing.T, dsn, sql string) (s string) {
	t.Helper()
	scan(t, dsn, sql, &s)
	return s
}

func scan(t *testing.T, dsn, sql string, into any) {
	t.Helper()
	conn := connect(t, dsn)
	defer func() { _ = conn.Close(context.Background()) }()
	if err := conn.QueryRow(t.Context(), sql).Scan(into); err != nil {
		t.Fatal(err)
	}
}

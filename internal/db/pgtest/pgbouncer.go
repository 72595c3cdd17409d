package pgtest

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"punctual/internal/testkit/need"
)

// PgBouncer starts Debian's PgBouncer in transaction mode before the database at
// dsn, with so few server connections that clients have to share them, and returns
// the address of the database through it. It ends with the test.
func PgBouncer(tb testing.TB, dsn string) string {
	tb.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer"
	}
	if _, err := os.Stat(program); err != nil {
		need.Missing(tb, "PgBouncer", err)
	}
	account, err := unprivileged()
	if err != nil {
		tb.Fatal(err)
	}
	dir, err := newDirectory(account, "")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	direct, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	settings := fmt.Sprintf(`[databases]
* = host=%s port=%s user=%s
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = %s
auth_type = any
pool_mode = transaction
default_pool_size = 5
max_client_conn = 500
`, direct.Query().Get("host"), port, superuser, dir)
	file := filepath.Join(dir, "pgbouncer.ini")
	err = os.WriteFile(file, []byte(settings), 0o644) //nolint:gosec // its account has to read it
	if err != nil {
		tb.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		tb.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(program, file)
	cmd.Dir = dir
	cmd.Stdout = log
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("start PgBouncer: %v", err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	socket := filepath.Join(dir, ".s.PGSQL.6432")
	for deadline := time.Now().Add(20 * time.Second); ; {
		_, err := os.Stat(socket)
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			tb.Fatalf("PgBouncer did not start:\n%s", text)
		}
		time.Sleep(10 * time.Millisecond)
	}
	query := direct.Query()
	query.Set("host", dir)
	query.Set("port", "6432")
	direct.RawQuery = query.Encode()
	return direct.String()
}

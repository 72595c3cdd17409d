package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// Three sendalerts whose clocks are a minute apart from each other, in both
// directions, on one PostgreSQL: nobody goes down early, nothing is told twice,
// nothing is told late. (An SQLite database has one machine, and so one clock.)
func TestFaultClocksAMinuteApart(t *testing.T) {
	if !full() {
		t.Skip("builds the standard library anew: make faults runs it, TestTheClockFollowsTheDatabase a part of it")
	}
	t.Parallel()
	f := begin(t, 1)
	wrong := skewedBinary(t)
	// leases are in force meanwhile
	rc := newReceiver(t, func(http.ResponseWriter, *http.Request) { pause(300 * time.Millisecond) })
	e := newEnv(t, db.Postgres).with(env{"TEST_BINARY": wrong})
	s := e.migrated(t)
	watched(t, s, 0, rc.channel())
	for _, skew := range []string{"-60", "0", "60"} {
		p := e.with(env{"SKEW": skew}).start(t, "sendalerts")
		assertSkew(t, p, skew)
	}
	made := map[uuid.UUID]int{}
	deadline := s.Now().Add(5 * time.Second)
	for _, code := range overdue(t, s, 1000, deadline.Add(-time.Minute)) {
		made[code] = 1
	}
	for s.Now().Before(deadline) {
		n := len(rc.all())
		if n > 0 && s.Now().Before(deadline) {
			t.Fatalf("%d alerts before the deadline", n)
		}
		pause(5 * time.Millisecond)
	}
	eventually(t, "all alerts arrive", func() bool { return len(rc.all()) >= len(made) })
	t.Logf("1000 alerts, all told %v after the deadline", s.Now().Sub(deadline))
	waitUntilSent(t, s)
	rc.check(t, made, f)
	if f.alertsTwice > 0 {
		t.Errorf("%d alerts were told twice", f.alertsTwice)
	}
}

// assertSkew compares the clock of a process, as its log shows it, with ours.
func assertSkew(t *testing.T, p *process, seconds string) {
	t.Helper()
	var line struct{ Time time.Time }
	if err := json.Unmarshal([]byte(strings.SplitN(p.log(), "\n", 2)[0]), &line); err != nil {
		t.Fatal(err)
	}
	want, _ := time.ParseDuration(seconds + "s")
	got := time.Until(line.Time)
	if (got - want).Abs() > 5*time.Second {
		t.Fatalf("the clock of the process is off by %v, want %v", got, want)
	}
}

// skewedBinary is the program built on a standard library in which time.Now adds
// $SKEW seconds: all of the process has the wrong time, and the program itself
// knows of no such thing.
func skewedBinary(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	lib := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	original, err := os.ReadFile(filepath.Join(lib, "time.go"))
	if err != nil {
		t.Fatal(err)
	}
	const line = "\tsec, nsec, mono := runtimeNow()\n"
	changed := strings.Replace(string(original), line, line+"\tsec += skew\n", 1)
	if changed == string(original) {
		t.Fatal("time.Now of this Go version is written otherwise: adapt the test")
	}
	write(t, filepath.Join(dir, "time.go"), changed)
	write(t, filepath.Join(dir, "skew.go"), `package time

import "syscall"

var skew = func() int64 {
	text, _ := syscall.Getenv("SKEW")
	n, _ := atoi(text)
	return int64(n)
}()
`)
	overlay, _ := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(lib, "time.go"): filepath.Join(dir, "time.go"),
		filepath.Join(lib, "skew.go"): filepath.Join(dir, "skew.go"),
	}})
	write(t, filepath.Join(dir, "overlay.json"), string(overlay))
	out := filepath.Join(dir, "punctual")
	build := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", out, "punctual/cmd/punctual")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build with another time: %v\n%s", err, text)
	}
	return out
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

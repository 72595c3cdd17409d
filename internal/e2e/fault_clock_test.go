package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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

// The clock of a machine is set while Punctual runs there: that of serve alone, that of
// sendalerts alone, and that of the one machine there is. Nobody who runs is told down, and,
// where another clock is right, the dead are told in time.
func TestFaultTruthTheClockIsSet(t *testing.T) {
	if !full() {
		t.Skip("builds the standard library anew: make faults runs it, the tests of db.Clock a part of it")
	}
	t.Parallel()
	wrong := skewedBinary(t)
	for _, c := range []struct {
		engine db.Engine
		roles  []string
		// whose clock is set
		set string
	}{
		{db.Postgres, []string{"serve", "sendalerts"}, "serve"},
		{db.Postgres, []string{"serve", "sendalerts"}, "sendalerts"},
		{db.SQLite, []string{"up"}, "up"},
	} {
		for _, step := range []time.Duration{-time.Hour, -5 * time.Minute, 5 * time.Minute, time.Hour} {
			t.Run(c.set+"/"+step.String(), func(t *testing.T) {
				t.Parallel()
				clockIsSet(t, begin(t, 1), newEnv(t, c.engine).with(env{"TEST_BINARY": wrong}), c.roles, c.set, step)
			})
		}
	}
}

func clockIsSet(t *testing.T, f *finding, e env, roles []string, set string, step time.Duration) {
	t.Helper()
	s := e.migrated(t)
	like := watched(t, s, 1, nil)[0]
	file := filepath.Join(t.TempDir(), "skew")
	write(t, file, "0")
	for _, role := range roles {
		clock := env{}
		if role == set {
			clock = env{"SKEW_FILE": file}
		}
		e.with(clock).start(t, role)
	}
	eventually(t, "the process takes pings", func() bool { return listens(t, s) })
	alive := &truthJob{name: "alive " + step.String(), period: time.Minute, grace: time.Minute}
	dead := &truthJob{name: "dead " + step.String(), period: time.Minute, grace: time.Minute, dead: true}
	for _, j := range []*truthJob{alive, dead} {
		j.make(t, s, like)
	}
	run := func(d time.Duration) {
		for end := time.Now().Add(d); time.Now().Before(end); pause(5 * time.Second) {
			if status, body := send(http.DefaultClient, e.site("/ping/"+alive.code.String()), "job", nil); status != http.StatusOK {
				t.Fatalf("status %d %s", status, body)
			}
			f.acked++
		}
	}
	run(5 * time.Second)
	dead.expectBy(t, s, time.Now().Add(15*time.Second))
	write(t, file, strconv.Itoa(int(step.Seconds())))
	run(40 * time.Second)
	if len(roles) > 1 {
		// the others' clocks are right
		f.dead(t, s, 5*time.Second, dead.name)
		c, err := s.CheckByCode(t.Context(), alive.code)
		if err != nil || time.Since(c.LastPing).Abs() > 10*time.Second {
			t.Errorf("set by %s: the last ping is said to have come %s ago, %v", step, time.Since(c.LastPing), err)
		}
	}
	run(40 * time.Second)
	write(t, file, "0")
	run(80 * time.Second)
	f.ran(t, s, alive.name)
	if len(roles) == 1 && step > 0 {
		f.dead(t, s, patience, dead.name)
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
// $SKEW seconds, or as many as the file $SKEW_FILE says at the moment: all of the process
// has the wrong time, and the program itself knows of no such thing.
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
	changed := strings.Replace(string(original), line, line+"\tsec += skew(mono)\n", 1)
	if changed == string(original) {
		t.Fatal("time.Now of this Go version is written otherwise: adapt the test")
	}
	write(t, filepath.Join(dir, "time.go"), changed)
	write(t, filepath.Join(dir, "skew.go"), `package time

import (
	"syscall"
	"unsafe"
)

var (
	skewFile = func() int {
		name, _ := syscall.Getenv("SKEW_FILE")
		fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			return -1
		}
		return fd
	}()
	skewSeconds = func() int64 {
		text, _ := syscall.Getenv("SKEW")
		n, _ := atoi(text)
		return int64(n)
	}()
	skewRead int64
)

// the scheduler must not notice: it asks for the time, too
func skew(mono int64) int64 {
	if skewFile < 0 || mono-skewRead < 20_000_000 {
		return skewSeconds
	}
	skewRead = mono
	var text [32]byte
	size, _, failed := syscall.RawSyscall6(syscall.SYS_PREAD64, uintptr(skewFile), uintptr(unsafe.Pointer(&text)), 32, 0, 0, 0)
	n, err := atoi(text[:size])
	if failed == 0 && err == nil {
		skewSeconds = int64(n)
	}
	return skewSeconds
}
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

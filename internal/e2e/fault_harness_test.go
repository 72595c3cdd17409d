package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"punctual/internal/db"
	"punctual/internal/store"
)

// tableFile is where `make faults` wants the table of what the fault tests
// found. Set, the faults come as often as the promises of docs/reliability.md
// say; unset, as in `make test`, only a few times.
func tableFile() string { return os.Getenv("PUNCTUAL_FAULTS") }

func full() bool { return tableFile() != "" }

// times is how often a fault comes.
func times(quick, inFull int) int {
	if full() {
		return inFull
	}
	return quick
}

// eachInFull is each in `make faults`; in `make test`, which has little time, it tries one
// engine.
func eachInFull(t *testing.T, quick db.Engine, test func(t *testing.T, engine db.Engine)) {
	t.Helper()
	if full() {
		each(t, test)
		return
	}
	test(t, quick)
}

// finding is what a fault test has found: one line of the table.
type finding struct {
	fault  string
	rounds int
	// pings answered with 200
	acked int
	// of those, not in the database
	lost int
	// recorded more than once
	pingsTwice int
	// that had to be told
	alerts      int
	unsent      int
	alertsTwice int
	// jobs that ran, and were told down
	falsely int
	// jobs that did not, and were told or named too late, or not at all
	late, untold int
	// longest wait for a hundred pings after a fault
	away          time.Duration
	took          time.Duration
	ended         bool
	failed, skips bool
}

// findings are those of this test binary. The table of them is written each time
// a test begins or ends, so that there is one however the binary ends.
var findings struct {
	mu    sync.Mutex
	began time.Time
	list  []*finding
}

// begin begins a finding and keeps it when the test ends, however it ends.
func begin(t *testing.T, rounds int) *finding {
	f := &finding{fault: strings.TrimPrefix(t.Name(), "TestFault"), rounds: rounds}
	began := time.Now()
	findings.mu.Lock()
	defer findings.mu.Unlock()
	if findings.began.IsZero() {
		findings.began = began
	}
	findings.list = append(findings.list, f)
	writeTable(t)
	t.Cleanup(func() {
		if f.lost+f.unsent > 0 && !t.Failed() {
			t.Errorf("%d pings and %d alerts are lost", f.lost, f.unsent)
		}
		findings.mu.Lock()
		defer findings.mu.Unlock()
		f.took = time.Since(began)
		f.ended = true
		f.failed = t.Failed()
		f.skips = t.Skipped()
		t.Logf("%+v", *f)
		writeTable(t)
	})
	return f
}

// writeTable writes the table as it is by now. findings is locked.
func writeTable(t *testing.T) {
	if !full() {
		return
	}
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\trounds\tacked\tlost\ttwice\talerts\tlost\ttwice\tfalse\tlate\tuntold\ttook\t")
	slices.SortFunc(findings.list, func(a, b *finding) int { return strings.Compare(a.fault, b.fault) })
	var sum finding
	for _, f := range findings.list {
		verdict := "ok"
		switch {
		case !f.ended:
			// the rest of it belongs to the test still
			fmt.Fprintf(w, "%s\t%d%s\tnot ended\n", f.fault, f.rounds, strings.Repeat("\t", 11))
			continue
		case f.failed:
			verdict = "FAILED"
		case f.skips:
			verdict = "skipped"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.fault, f.figures(), verdict)
		sum.rounds = sum.rounds + f.rounds
		sum.acked = sum.acked + f.acked
		sum.lost = sum.lost + f.lost
		sum.pingsTwice = sum.pingsTwice + f.pingsTwice
		sum.alerts += f.alerts
		sum.unsent += f.unsent
		sum.alertsTwice += f.alertsTwice
		sum.falsely += f.falsely
		sum.late += f.late
		sum.untold += f.untold
	}
	// they run beside each other
	sum.took = time.Since(findings.began)
	fmt.Fprintf(w, "together\t%s\t\n", sum.figures())
	w.Flush()
	if err := os.WriteFile(tableFile(), table.Bytes(), 0o644); err != nil { //nolint:gosec // for everybody to read
		t.Errorf("write the table of faults: %v", err)
	}
}

func (f *finding) figures() string {
	return fmt.Sprintf("%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s", f.rounds, f.acked, f.lost, f.pingsTwice, f.alerts, f.unsent,
		f.alertsTwice, f.falsely, f.late, f.untold, f.took.Round(100*time.Millisecond))
}

// ran fails the test for each of the jobs, all of which ran, that was told down.
func (f *finding) ran(t *testing.T, s *store.Store, jobs ...string) {
	t.Helper()
	down := downs(t, s)
	for _, name := range jobs {
		if down[name] {
			f.falsely++
			t.Errorf("%q ran and is told down", name)
		}
	}
}

// dead waits until each of the jobs, none of which runs any more, is told down, or its run
// is unknown. They have so long for it.
func (f *finding) dead(t *testing.T, s *store.Store, within time.Duration, jobs ...string) {
	t.Helper()
	began := time.Now()
	left := slices.Clone(jobs)
	for len(left) > 0 && time.Since(began) < within+patience {
		down := downs(t, s)
		hidden := unknowns(t, s)
		left = slices.DeleteFunc(left, func(name string) bool {
			found := down[name] || hidden[name]
			if found && time.Since(began) > within {
				f.late++
				t.Errorf("%q runs no more and was told after %s", name, time.Since(began))
			}
			return found
		})
		pause(20 * time.Millisecond)
	}
	for _, name := range left {
		f.untold++
		t.Errorf("%q runs no more and is neither told nor named", name)
	}
}

// proxy passes connections on until it is told to cut them.
type proxy struct {
	net.Listener
	// a unix socket, or HOST:PORT
	socket string

	mu    sync.Mutex
	pairs map[*pair]bool
	// new connections are cut at once
	away bool
}

// pair is a client and its server.
type pair struct {
	client, server net.Conn
	// what comes is swallowed
	silent atomic.Bool
}

// newProxy listens on a TCP port of its own; the test ends it.
func newProxy(t *testing.T, socket string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, socket: socket, pairs: map[*pair]bool{}}
	go p.serve()
	t.Cleanup(func() {
		l.Close()
		p.cut(true)
	})
	return p
}

// dsn is an address of the cluster, by way of the proxy.
func (p *proxy) dsn(direct string) string {
	// comes from pgtest
	u, _ := url.Parse(direct)
	u.Host = p.Addr().String()
	u.RawQuery = "sslmode=disable"
	return u.String()
}

func (p *proxy) serve() {
	for {
		client, err := p.Accept()
		if err != nil {
			return
		}
		network := "tcp"
		if strings.HasPrefix(p.socket, "/") {
			network = "unix"
		}
		server, err := net.Dial(network, p.socket)
		if err != nil {
			client.Close()
			continue
		}
		both := &pair{client: client, server: server}
		p.mu.Lock()
		p.pairs[both] = true
		if p.away {
			both.close()
		}
		p.mu.Unlock()
		go both.pass(client, server)
		go both.pass(server, client)
	}
}

func (p *pair) pass(from io.Reader, to io.Writer) {
	defer p.close()
	for piece := make([]byte, 32<<10); ; {
		n, err := from.Read(piece)
		if err != nil {
			return
		}
		if p.silent.Load() {
			continue
		}
		if _, err := to.Write(piece[:n]); err != nil {
			return
		}
	}
}

// close resets the connection instead of ending it in order.
func (p *pair) close() {
	p.client.(*net.TCPConn).SetLinger(0)
	p.client.Close()
	p.server.Close()
}

// cut ends all connections in the middle of whatever they carry. With away set,
// new ones end at once too, until the next cut.
func (p *proxy) cut(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
	for both := range p.pairs {
		both.close()
	}
	clear(p.pairs)
}

// silence keeps all connections open and passes nothing on any more, ever.
func (p *proxy) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for both := range p.pairs {
		both.silent.Store(true)
	}
}

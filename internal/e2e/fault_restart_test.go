package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/testkit/need"
)

// curls pings by curl, each by a process of its own, until it ends. Half of them are
// as the site prints them, half have no second try.
type curls struct {
	*load
	// what curl said when it failed → how often
	failed map[string]int
	stop   chan struct{}
	all    sync.WaitGroup
}

// printed is the line that the site shows for jobs, but for its address.
const printed = "-fsS -m 10 --retry 5 --retry-connrefused -o /dev/null"

// startCurl starts that many clients for each of both.
func startCurl(t *testing.T, l *load, e env, clients int) *curls {
	t.Helper()
	program, err := exec.LookPath("curl")
	if err != nil {
		need.Missing(t, "curl", err)
	}
	c := &curls{load: l, failed: map[string]int{}, stop: make(chan struct{})}
	for range clients {
		for _, options := range []string{"-fsS", printed} {
			c.all.Go(func() {
				for !done(c.stop) {
					c.ping(program, e, strings.Fields(options))
				}
			})
		}
	}
	return c
}

func done(stop chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

func (c *curls) ping(program string, e env, options []string) {
	n := c.next.Add(1)
	name := "ping " + strconv.FormatInt(n, 10)
	code := c.codes[int(n)%len(c.codes)]
	cmd := exec.Command(program, append(options, "-A", name, e.site("/ping/"+code.String()))...)
	out, err := cmd.CombinedOutput()
	c.mu.Lock()
	defer c.mu.Unlock()
	// -f: only 200 is a success
	if err == nil {
		c.total.Add(1)
		c.acked[name] = code
		return
	}
	c.failed[fmt.Sprintf("curl %s: %v: %s", strings.Join(options, " "), err, out)]++
}

// some waits for a random moment, a short one: curls cost more than what they ping.
func (c *curls) some(t *testing.T) {
	t.Helper()
	c.more(t, 1+rand.IntN(60))
}

func (c *curls) end() {
	close(c.stop)
	c.all.Wait()
}

// Plain curl, the line that the site prints, and clients that keep their connections ping while the
// process behind a socket restarts: none is refused, none lost, none recorded twice.
func TestFaultRestartBehindASocketRefusesNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) { restarts(t, engine, "serve") })
}

// The same of the one process that does everything.
func TestFaultRestartOfUpBehindASocketRefusesNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) { restarts(t, engine, "up") })
}

func restarts(t *testing.T, engine db.Engine, command string) {
	f := begin(t, times(5, 30))
	var s supervisor
	e := newEnv(t, engine)
	e = e.behind(t, s.listens(t, "http"))
	st := e.migrated(t)
	l := newLoad(watched(t, st, 5, nil))
	p := s.start(t, e, command)
	c := startCurl(t, l, e, 2)
	l.start(e, 2)
	for range f.rounds {
		c.some(t)
		stopped := time.Now()
		if code := p.terminate(); code != 0 {
			t.Errorf("exit %d", code)
		}
		p = s.start(t, e, command)
		f.away = max(f.away, time.Since(stopped))
	}
	l.more(t, 50)
	c.end()
	l.end()
	for _, failure := range slices.Sorted(maps.Keys(c.failed)) {
		t.Errorf("%d times %s", c.failed[failure], failure)
	}
	if l.broken.Load()+l.busy.Load() > 0 {
		t.Errorf("of clients that keep their connection %d got no answer, %d a 503", l.broken.Load(), l.busy.Load())
	}
	l.check(t, st, f)
	if l.unanswered > 0 {
		t.Errorf("%d pings were recorded without an answer", l.unanswered)
	}
	t.Logf("the longest restart took %v", f.away.Round(time.Millisecond))
}

// kill -9 breaks the connections that were accepted. Nobody is refused, and who waits in
// the queue of the socket is answered by the next process.
func TestFaultKilledBehindASocketRefusesNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, times(3, 20))
		var s supervisor
		e := durable(t, engine)
		address := s.listens(t, "http")
		e = e.behind(t, address)
		st := e.migrated(t)
		l := newLoad(watched(t, st, 5, nil))
		p := s.start(t, e, "serve")
		c := startCurl(t, l, e, 2)
		for range f.rounds {
			c.some(t)
			p.kill()
			waiting := queue(t, l, address, 20)
			p = s.start(t, e, "serve")
			answered(t, l, waiting)
		}
		l.more(t, 50)
		c.end()
		for failure, n := range c.failed {
			// closed without an answer; reset while it sent; reset while it waited
			broken := regexp.MustCompile(`exit status (52|55|56):`)
			if !broken.MatchString(failure) {
				t.Errorf("%d times %s", n, failure)
			}
		}
		l.check(t, st, f)
	})
}

// waiting is a ping that was sent while no process was there.
type waiting struct {
	net.Conn
	name string
}

// queue sends pings to a socket that nobody serves.
func queue(t *testing.T, l *load, address string, pings int) (all []waiting) {
	t.Helper()
	for range pings {
		n := l.next.Add(1)
		name := "ping " + strconv.FormatInt(n, 10)
		code := l.codes[int(n)%len(l.codes)]
		c, err := net.Dial("tcp", address)
		must(t, err)
		_, err = fmt.Fprintf(c, "GET /ping/%s HTTP/1.1\r\nHost: x\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n", code, name)
		must(t, err)
		all = append(all, waiting{c, name})
	}
	return all
}

// answered reads the answers.
func answered(t *testing.T, l *load, all []waiting) {
	t.Helper()
	for _, w := range all {
		must(t, w.SetReadDeadline(time.Now().Add(patience)))
		res, err := http.ReadResponse(bufio.NewReader(w), nil)
		if err == nil && res.StatusCode != http.StatusOK {
			err = errors.New(res.Status)
		}
		w.Close()
		if err != nil {
			t.Errorf("%s, which waited for a process: %v", w.name, err)
			continue
		}
		l.mu.Lock()
		l.acked[w.name] = l.codes[0]
		l.mu.Unlock()
		l.total.Add(1)
	}
}

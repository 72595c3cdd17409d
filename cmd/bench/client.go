package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// client is one kept-alive connection that sends pings and looks at each
// answer. It is much cheaper than net/http's, for it shares the machine with
// the server.
type client struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
}

// answer is what came back; status 0 means nothing did.
type answer struct {
	status     int
	retryAfter bool
}

// patience bounds one request: the server gives up earlier.
const patience = 20 * time.Second

// ping sends one ping of the check with the id; nil body = GET.
func (c *client) ping(id int, body []byte) answer {
	a, err := c.try(id, body)
	if err != nil {
		c.close()
	}
	return a
}

func (c *client) try(id int, body []byte) (answer, error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.addr, patience) //nolint:noctx // bounded by patience
		if err != nil {
			return answer{}, err
		}
		c.conn = conn
		c.in = bufio.NewReaderSize(conn, 1024)
	}
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return answer{}, err
	}
	method := "GET"
	length := ""
	if body != nil {
		method = "POST"
		length = fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	request := fmt.Appendf(nil, "%s /ping/%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\n%s\r\n%s", method, codeOf(id), c.addr, length, body)
	if _, err := c.conn.Write(request); err != nil {
		return answer{}, err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return answer{}, err
	}
	a := answer{status: res.StatusCode, retryAfter: res.Header.Get("Retry-After") != ""}
	if res.Close {
		c.close()
	}
	return a, nil
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// phase is a stretch of the open loop with one rate.
type phase struct {
	// pings a second
	rate   int
	length time.Duration
}

// shot is one ping of the open loop.
type shot struct {
	answer
	// when it was to be sent, since the begin
	at time.Duration
	// from then to the answer: waiting for a free connection counts
	took time.Duration
}

// openLoop sends pings at the times that the phases say, whether or not the
// server keeps up, over at most conns connections. idOf names the check of the
// n-th ping. It returns all of them in order.
func openLoop(ctx context.Context, addr string, conns int, idOf func(n int) int, phases ...phase) []shot {
	var shots []shot
	var begin time.Duration
	for _, p := range phases {
		for n := range int(float64(p.rate) * p.length.Seconds()) {
			shots = append(shots, shot{at: begin + time.Duration(n)*time.Second/time.Duration(p.rate)})
		}
		begin += p.length
	}
	due := make(chan int, len(shots))
	began := time.Now()
	var workers sync.WaitGroup
	for range conns {
		workers.Go(func() {
			c := client{addr: addr}
			defer c.close()
			for n := range due {
				shots[n].answer = c.ping(idOf(n), nil)
				shots[n].took = time.Since(began) - shots[n].at
			}
		})
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n := 0; n < len(shots) && ctx.Err() == nil; <-tick.C {
		for now := time.Since(began); n < len(shots) && shots[n].at <= now; n++ {
			due <- n
		}
	}
	close(due)
	workers.Wait()
	return shots
}

// tally sums shots up.
type tally struct {
	// 2xx; 503 with Retry-After; anything else
	ok, refused, failed int
	took                []time.Duration
}

func count(shots []shot) (t tally) {
	for _, s := range shots {
		switch {
		case s.status >= 200 && s.status < 300:
			t.ok++
			t.took = append(t.took, s.took)
		case s.status == http.StatusServiceUnavailable && s.retryAfter:
			t.refused++
		default:
			t.failed++
		}
	}
	return t
}

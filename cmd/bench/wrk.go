package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed wrk.lua
var script []byte

// load is what wrk is to do.
type load struct {
	addr   string
	conns  int
	checks int
	// bytes; 0 = GET
	body int
	// a new connection for every ping
	fresh bool
	// checks are named by their slugs, not their codes
	slug     bool
	duration time.Duration
}

// bodySize is that of POSTed pings.
const bodySize = 1024

// freshConns is how many jobs ping at once with a connection of their own.
var freshConns = []int{64, 256}

// loads are those that ceiling and ingest have in common.
func (b *bench) loads() []load {
	var out []load
	for _, body := range []int{0, bodySize} {
		for _, n := range b.conns {
			out = append(out, load{conns: n, body: body})
		}
		for _, n := range freshConns {
			out = append(out, load{conns: n, body: body, fresh: true})
		}
	}
	return out
}

// String is the load in a few words; it names ceilings too.
func (l load) String() string {
	method := "GET"
	if l.body > 0 {
		method = "POST 1 KB"
	}
	if l.slug {
		method += " by slug"
	}
	if l.fresh {
		return fmt.Sprintf("%s, new connections, %d at once", method, l.conns)
	}
	return fmt.Sprintf("%s, %d kept alive", method, l.conns)
}

// answers are what wrk has counted.
type answers struct {
	// answered, whatever the status
	Requests int `json:"requests"`
	// how long it took
	Micros int64 `json:"micros"`
	// answers that were not 2xx or 3xx
	Status int `json:"status"`
	// errors of connections, timeouts
	Socket int `json:"socket"`
	// microseconds
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	cpu time.Duration
}

// accepted is how many pings were answered OK.
func (a answers) accepted() int { return a.Requests - a.Status }

func (a answers) rate() float64 { return float64(a.accepted()) / (float64(a.Micros) / 1e6) }

func (a answers) figures() figures {
	return figures{
		num("pings/s", a.rate()),
		ms("p50 ms", time.Duration(a.P50)*time.Microsecond),
		ms("p99 ms", time.Duration(a.P99)*time.Microsecond),
		num("errors", a.Status+a.Socket),
	}
}

// wrk runs the load to its end.
func (b *bench) wrk(ctx context.Context, l load) (answers, error) {
	lua := filepath.Join(b.dir, "wrk.lua")
	if err := os.WriteFile(lua, script, 0o600); err != nil {
		return answers{}, fmt.Errorf("write the script of wrk: %w", err)
	}
	mode := "keep"
	if l.fresh {
		mode = "close"
	}
	// wrk counts whole seconds only, and at least one: for less it is interrupted.
	whole := max(1, int(l.duration.Round(time.Second).Seconds()))
	key := ""
	if l.slug {
		key = pingKey
	}
	cmd := exec.CommandContext(ctx, "wrk", "--threads", strconv.Itoa(min(2, l.conns)), "--connections", strconv.Itoa(l.conns),
		"--duration", strconv.Itoa(whole)+"s", "--timeout", "10s", "--latency", "--script", lua,
		"http://"+l.addr, "--", strconv.Itoa(l.checks), strconv.Itoa(l.body), mode, l.addr, key)
	var said bytes.Buffer
	cmd.Stdout = &said
	cmd.Stderr = &said
	err := cmd.Start()
	if err == nil {
		if l.duration < time.Second {
			time.AfterFunc(l.duration, func() { interrupt(cmd.Process) })
		}
		err = cmd.Wait()
	}
	out := said.Bytes()
	if err != nil {
		return answers{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	var a answers
	_, line, found := bytes.Cut(out, []byte("\nBENCH "))
	if !found || json.Unmarshal(bytes.TrimSpace(line), &a) != nil || a.Micros == 0 {
		return answers{}, fmt.Errorf("wrk said:\n%s", out)
	}
	a.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return a, nil
}

// interrupt ends wrk as ^C does, with its report, once it listens for that: before, it would end without.
func interrupt(wrk *os.Process) {
	const interruptBit = 1 << (syscall.SIGINT - 1)
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", wrk.Pid))
		if err != nil {
			return
		}
		_, rest, _ := strings.Cut(string(status), "SigCgt:")
		mask, _, _ := strings.Cut(rest, "\n")
		caught, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
		if err != nil {
			return
		}
		if caught&interruptBit != 0 {
			_ = wrk.Signal(os.Interrupt)
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

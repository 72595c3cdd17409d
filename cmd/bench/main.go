// Command bench measures Punctual on the machine it runs on and compares what
// it finds with the machine's own ceiling, in the same run. It is a tool of
// developers, started by `make bench`; docs/performance.md says how to read it.
//
// It builds the real program, starts it on a PostgreSQL cluster of its own and
// on an SQLite file, and loads it over the loopback interface: with wrk where
// only speed counts, with a generator of its own where each ping counts. What
// has been answered is counted again in the database afterwards. The program
// fails when something acknowledged is missing, or told twice: speed has no
// threshold, correctness has.
//
// This file has the flags and the order of the sections; each section has a
// file of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"punctual/internal/db"
)

func main() {
	code, acted := actRole()
	if acted {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the flags.
type options struct {
	sections []string
	engines  []db.Engine
	// of each load of ingest, ceiling and soak
	duration time.Duration
	conns    []int
	// ingest: sizes of the database
	checks []int
	// watcher: checks in the database
	watched int
	// watcher, dispatcher: alerts of the larger trials
	alerts int
	// watcher: single overdue checks
	trials int
	// burst: pings per second on average, ten times that for burstTime
	rate      int
	burstTime time.Duration
	json      string
	profile   string
	// settings of the cluster
	pg   map[string]string
	full bool
}

// sections in the order they run; what a later one compares with comes first.
var sections = []struct {
	name string
	// nil, or once for the machine
	once func(*bench, context.Context) error
	// then once for each engine
	each func(*bench, context.Context, db.Engine) error
	// only when asked for
	special bool
}{
	{name: "ceiling", once: (*bench).bareCeiling, each: (*bench).databaseCeiling},
	{name: "ingest", each: (*bench).ingest},
	{name: "burst", each: (*bench).burst},
	{name: "hot", each: (*bench).hot},
	{name: "watcher", each: (*bench).watcher},
	{name: "dispatcher", each: (*bench).dispatcher},
	{name: "soak", each: (*bench).soak, special: true},
}

// run is the whole program; it returns the exit code: 0 done, 1 failed or
// something was lost, 2 bad usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 2
	}
	if err := measure(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

func measure(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	b, err := newBench(ctx, o, stdout, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	for _, s := range sections {
		if !slices.Contains(o.sections, s.name) {
			continue
		}
		if s.once != nil {
			if err := s.once(b, ctx); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
		for _, engine := range o.engines {
			if err := s.each(b, ctx, engine); err != nil {
				return fmt.Errorf("%s on %s: %w", s.name, engine, err)
			}
		}
		b.report.table(stdout, s.name)
	}
	if o.json != "" {
		if err := b.report.save(o.json); err != nil {
			return err
		}
	}
	return b.report.verdict()
}

// bench is one run.
type bench struct {
	options
	// everything temporary
	dir string
	// the program under test
	binary string
	// this program, for the roles of role.go
	self   string
	report report
	log    io.Writer
}

// newBench builds the program under test.
func newBench(ctx context.Context, o options, stdout, stderr io.Writer) (*bench, error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		return nil, errors.New("wrk is missing; `make bench` installs it on Debian")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	b := &bench{options: o, dir: dir, binary: filepath.Join(dir, "punctual"), self: self, log: stderr}
	b.progress("building punctual")
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", b.binary, "punctual/cmd/punctual")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("build punctual: %w\n%s", err, out), os.RemoveAll(dir))
	}
	b.report.Machine = machine(ctx)
	b.report.Started = time.Now()
	fmt.Fprintln(stdout, b.report.Machine)
	fmt.Fprintln(stdout, "The rate limits of pings are off: PUNCTUAL_PING_CHECK_RATE=0, PUNCTUAL_PING_PROJECT_RATE=0.")
	return b, nil
}

func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(b.log, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var names, common []string
	for _, s := range sections {
		names = append(names, s.name)
		if !s.special {
			common = append(common, s.name)
		}
	}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	which := f.String("run", strings.Join(common, ","), "sections, of "+strings.Join(names, ","))
	engines := f.String("engine", "postgres,sqlite", "databases")
	conns := f.String("conns", "1,8,64,256", "kept-alive connections, one load each")
	checks := f.String("checks", "", "ingest: checks in the database, one round each (1000; with -full also 1000000)")
	f.DurationVar(&o.duration, "duration", 3*time.Second, "of each load of ceiling, ingest, hot and soak")
	f.IntVar(&o.watched, "watched", 0, "watcher: checks in the database (100000; with -full 1000000)")
	f.IntVar(&o.alerts, "alerts", 10_000, "watcher, dispatcher: alerts of the larger trials")
	f.IntVar(&o.trials, "trials", 0, "watcher: single overdue checks (200; with -full 1000)")
	f.IntVar(&o.rate, "rate", 1000, "burst: pings a second on average; the burst has ten times as many")
	f.DurationVar(&o.burstTime, "burst", 10*time.Second, "how long the burst lasts")
	f.StringVar(&o.json, "json", "", "file to write the figures to")
	f.StringVar(&o.profile, "profile", "", "directory to write CPU profiles of the server to (it then runs inside this program)")
	settings := f.String("pg", "", "settings of PostgreSQL over those of the bench, as name=value;name=value")
	f.BoolVar(&o.full, "full", false, "the sizes of a large service; takes twice as long")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	o.sections = strings.Split(*which, ",")
	for _, name := range o.sections {
		if !slices.Contains(names, name) {
			return o, fmt.Errorf("-run: %q is not one of %s", name, strings.Join(names, ", "))
		}
	}
	for name := range strings.SplitSeq(*engines, ",") {
		engine := db.Engine(name)
		if engine != db.Postgres && engine != db.SQLite {
			return o, fmt.Errorf("-engine: %q is not postgres or sqlite", name)
		}
		o.engines = append(o.engines, engine)
	}
	var err error
	o.pg, err = withSettings(*settings)
	if err != nil {
		return o, err
	}
	size := func(n *int, small, large int) {
		if *n == 0 && o.full {
			*n = large
		} else if *n == 0 {
			*n = small
		}
	}
	size(&o.watched, 100_000, 1_000_000)
	size(&o.trials, 200, 1000)
	if *checks == "" {
		*checks = "1000"
		if o.full {
			*checks = "1000,1000000"
		}
	}
	var err1, err2 error
	o.conns, err1 = numbers("-conns", *conns)
	o.checks, err2 = numbers("-checks", *checks)
	return o, errors.Join(err1, err2)
}

// withSettings are clusterSettings with those of the list over them.
func withSettings(list string) (map[string]string, error) {
	out := maps.Clone(clusterSettings)
	for setting := range strings.SplitSeq(list, ";") {
		name, value, ok := strings.Cut(setting, "=")
		if !ok && setting != "" {
			return nil, fmt.Errorf("-pg: %q is not name=value", setting)
		}
		if ok {
			out[name] = value
		}
	}
	return out, nil
}

func numbers(name, list string) ([]int, error) {
	var out []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s: %q is not a number above 0", name, text)
		}
		out = append(out, n)
	}
	return out, nil
}

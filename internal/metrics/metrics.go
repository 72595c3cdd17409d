// Package metrics is Punctual seen by Prometheus: the figures of one process and
// of the database behind it. docs/metrics.md tells what each means.
//
// It knows nobody it counts for: internal/app hands its methods to the others as
// plain hooks. Label sets are bounded: what comes from the network is sorted into
// classes first.
package metrics

import (
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"punctual/internal/db"
)

// Metrics are all figures of a process. Its methods are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests      *prometheus.CounterVec
	requestTime   *prometheus.HistogramVec
	responseSize  *prometheus.HistogramVec
	panics        prometheus.Counter
	caught        *prometheus.CounterVec
	heartbeats    *prometheus.CounterVec
	publicProbes  *prometheus.CounterVec
	pings         kinds
	unknownPings  prometheus.Counter
	keptPings     prometheus.Counter
	refused       *prometheus.CounterVec
	batchPings    prometheus.Histogram
	commitTime    prometheus.Histogram
	statements    *prometheus.HistogramVec
	dbErrors      *prometheus.CounterVec
	roundTime     prometheus.Histogram
	roundEnd      prometheus.Gauge
	watched       *prometheus.CounterVec
	unknownRuns   prometheus.Counter
	deadlineFlip  prometheus.Histogram
	flipAccepted  *prometheus.HistogramVec
	deliveries    *prometheus.CounterVec
	deliveryTime  *prometheus.HistogramVec
	plain         *prometheus.CounterVec
	mails         *prometheus.CounterVec
	signups       prometheus.Counter
	logins        *prometheus.CounterVec
	readingErrors *prometheus.CounterVec

	log *slog.Logger
}

// kinds are the counters of pings, found once: a batch must not look labels up.
type kinds struct{ success, start, fail, log, ignored prometheus.Counter }

// Buckets, in seconds unless they say otherwise.
var (
	// statements
	quickBuckets = []float64{.0005, .002, .01, .05, .2, 1, 5}
	// requests
	webBuckets = []float64{.005, .025, .1, .5, 2.5, 10}
	// batches of pings
	commits      = []float64{.0005, .001, .002, .005, .01, .02, .05, .2, 1, 8}
	alertBuckets = []float64{.05, .1, .25, .5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 43200}
	sendBuckets  = []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	// bytes
	sizeBuckets = []float64{1 << 10, 10 << 10, 100 << 10, 1 << 20}
	// pings in a batch
	pingBuckets = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}
)

// New makes the figures of a process of the given version ("dev" for none) and
// role ("serve", "up", …).
func New(version, role string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), log: slog.New(slog.DiscardHandler)}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.gaugeVec("build_info", "The build, always 1.", "version", "goversion", "role").WithLabelValues(version, runtime.Version(), role).Set(1)

	m.requests = m.counterVec("http_requests_total", "Requests answered, but for pings.", "route", "method", "code")
	m.requestTime = m.histogramVec("http_request_duration_seconds", "Time to answer a request, but for pings.", webBuckets, "route", "method")
	m.responseSize = m.histogramVec("http_response_size_bytes", "Size of the body of an answer, before compression.", sizeBuckets, "route")
	m.panics = m.counter("http_panics_total", "Requests that ended in a panic.")

	m.caught = m.counterVec("panics_total", "Panics that were caught, by the part that panicked.", "where")
	each(m.caught, "request", "ping", "worker", "notifier")

	pings := m.counterVec("pings_total", "Pings recorded.", "kind")
	m.pings = kinds{pings.WithLabelValues("success"), pings.WithLabelValues("start"), pings.WithLabelValues("fail"),
		pings.WithLabelValues("log"), pings.WithLabelValues("ign")}
	m.keptPings = m.counter("pings_kept_total", "Pings that were answered and kept on this disk, since the database took none.")
	m.unknownPings = m.counter("pings_unknown_total", "Pings of checks that do not exist.")
	m.refused = m.counterVec("pings_refused_total", "Pings answered with an error though they were in order.", "reason")
	each(m.refused, "queue_full", "database_away", "shutting_down", "error", "check_rate", "project_rate")
	m.batchPings = m.histogram("ingest_batch_pings", "Pings recorded by one transaction.", pingBuckets)
	m.commitTime = m.histogram("ingest_commit_duration_seconds", "Time until a batch of pings is on disk, or given up.", commits)

	m.statements = m.histogramVec("db_statement_duration_seconds", "Time of a statement or a batch of them, by verb and table.", quickBuckets,
		"statement")
	m.dbErrors = m.counterVec("db_errors_total", "Statements that failed.", "class")
	each(m.dbErrors, db.ErrorClasses()...)

	m.roundTime = m.histogram("watcher_round_duration_seconds", "Time of a look for checks past their deadline.", quickBuckets)
	m.roundEnd = m.gauge("watcher_last_round_timestamp_seconds", "When this process last looked for checks past their deadline; 0 = never.")
	m.watched = m.counterVec("watcher_checks_total", "Checks the watcher has looked at, found down, or could not compute.", "result")
	each(m.watched, "looked_at", "down", "broken")
	m.unknownRuns = m.counter("unknown_runs_total", "Runs of which nobody can tell whether they happened, because pings may have been lost.")
	m.deadlineFlip = m.histogram("alert_deadline_to_flip_seconds", "From a check's deadline to its going down.", alertBuckets)
	m.flipAccepted = m.histogramVec("alert_flip_to_accepted_seconds", "From a change of status to the other side having accepted the news.",
		alertBuckets, "kind")
	m.deliveries = m.counterVec("deliveries_total", "Attempts to deliver, and deliveries that needed none.", "kind", "outcome")
	m.deliveryTime = m.histogramVec("delivery_duration_seconds", "Time of an attempt to deliver.", sendBuckets, "kind")
	m.plain = m.counterVec("deliveries_plain_total", "Messages sent again as plain text, because the other side had rejected them.", "kind")
	m.mails = m.counterVec("mails_total", "Attempts to send a mail, and mails kept for want of a server.", "kind", "outcome")

	m.heartbeats = m.counterVec("heartbeats_total", "Heartbeats sent to PUNCTUAL_HEARTBEAT_URL.", "outcome")
	each(m.heartbeats, "ok", "failed")
	m.publicProbes = m.counterVec("public_probes_total", "Times this process has had our public ping address asked, in up to three tries.", "source",
		"outcome")
	for _, outcome := range []string{"good", "failed"} {
		m.publicProbes.WithLabelValues("own", outcome)
	}

	m.signups = m.counter("signups_total", "Accounts people have made for themselves.")
	m.logins = m.counterVec("logins_total", "Attempts to log in.", "method", "outcome")
	for _, method := range []string{"link", "password"} {
		m.logins.WithLabelValues(method, "ok")
		m.logins.WithLabelValues(method, "refused")
	}
	m.readingErrors = m.counterVec("collector_errors_total", "Figures left out of an answer because they could not be had in time.",
		"collector")
	return m
}

const namespace = "punctual"

func (m *Metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
	m.registry.MustRegister(g)
	return g
}

func (m *Metrics) gaugeVec(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(g)
	return g
}

func (m *Metrics) gaugeFunc(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, value))
}

func (m *Metrics) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	m.registry.MustRegister(h)
	return h
}

func (m *Metrics) histogramVec(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(h)
	return h
}

// each makes the counters of a label's values, so that they are there, at 0,
// before the first of them counts: rates need a beginning.
func each(v *prometheus.CounterVec, values ...string) {
	for _, value := range values {
		v.WithLabelValues(value)
	}
}

// Request counts an answered request; see web.Observe.
func (m *Metrics) Request(method, route string, status, bytes int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, method) {
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.requestTime.WithLabelValues(route, method).Observe(took.Seconds())
	m.responseSize.WithLabelValues(route).Observe(float64(bytes))
}

// LogTo sets where panics of what is read in the background are logged, before
// anything is.
func (m *Metrics) LogTo(log *slog.Logger) { m.log = log }

// Caught counts a panic, see incident.Panic.
func (m *Metrics) Caught(where string) {
	m.caught.WithLabelValues(where).Inc()
	if where == "request" {
		m.panics.Inc()
	}
}

// PublicProbe counts that our public ping address was asked: by whom (own, peer), and what
// came of it (good, failed, untold).
func (m *Metrics) PublicProbe(source, outcome string) {
	m.publicProbes.WithLabelValues(source, outcome).Inc()
}

// Heartbeat counts a heartbeat to the outside.
func (m *Metrics) Heartbeat(ok bool) {
	outcome := "failed"
	if ok {
		outcome = "ok"
	}
	m.heartbeats.WithLabelValues(outcome).Inc()
}

// Tally is what the pings of a batch were; see ping.Tally.
type Tally struct {
	Success, Start, Fail, Log, Ignored int
	Unknown                            int
}

// Batch counts a batch of pings. It is all that a batch costs the way of a ping.
func (m *Metrics) Batch(n Tally, took time.Duration) {
	for _, c := range [...]struct {
		counter prometheus.Counter
		n       int
	}{{m.pings.success, n.Success}, {m.pings.start, n.Start}, {m.pings.fail, n.Fail}, {m.pings.log, n.Log}, {m.pings.ignored, n.Ignored},
		{m.unknownPings, n.Unknown}} {
		if c.n > 0 {
			c.counter.Add(float64(c.n))
		}
	}
	recorded := n.Success + n.Start + n.Fail + n.Log + n.Ignored
	if recorded > 0 {
		m.batchPings.Observe(float64(recorded))
	}
	m.commitTime.Observe(took.Seconds())
}

// UnknownPings counts pings of checks that do not exist, beside those of Batch.
func (m *Metrics) UnknownPings(pings int) { m.unknownPings.Add(float64(pings)) }

// Kept counts pings that were kept on the disk, since the database took none.
func (m *Metrics) Kept(pings int) { m.keptPings.Add(float64(pings)) }

// Spool shows what is kept there: how many pings, how many bytes, and when the oldest
// arrived, zero = there is none.
func (m *Metrics) Spool(depth func() int, size func() int64, oldest func() time.Time, now func() time.Time) {
	m.gaugeFunc("spool_pings", "Pings that are kept on the disk of this process until the database takes them.", func() float64 {
		return float64(depth())
	})
	m.gaugeFunc("spool_bytes", "Bytes that the spool uses of PUNCTUAL_SPOOL_BYTES.", func() float64 { return float64(size()) })
	m.gaugeFunc("spool_oldest_seconds", "For how long the oldest ping is kept that the database has not taken, 0 = there is none.", func() float64 {
		t := oldest()
		if t.IsZero() {
			return 0
		}
		return now().Sub(t).Seconds()
	})
}

// Refused counts pings that were refused, for one of the reasons of ping.Refusal.
func (m *Metrics) Refused(reason string, pings int) {
	m.refused.WithLabelValues(reason).Add(float64(pings))
}

// Queue shows how many pings wait, and how many may.
func (m *Metrics) Queue(waiting func() int, capacity int) {
	m.gaugeFunc("ingest_queue_length", "Pings that wait to be recorded.", func() float64 { return float64(waiting()) })
	m.gauge("ingest_queue_capacity", "Pings that may wait; beyond it they are refused.").Set(float64(capacity))
}

// selfChecks collects what the self-checks found last.
type selfChecks struct{ last func() map[string]int }

var selfCheck = desc("selfcheck_severity", "What a self-check found last, if within five minutes: 0 = ok, 1 = warning, 2 = error.", "name")

// Describe names the figure.
func (s selfChecks) Describe(ch chan<- *prometheus.Desc) { ch <- selfCheck }

// Collect gives the figures.
func (s selfChecks) Collect(ch chan<- prometheus.Metric) {
	for name, severity := range s.last() {
		ch <- prometheus.MustNewConstMetric(selfCheck, prometheus.GaugeValue, float64(severity), name)
	}
}

// SelfChecks adds what the self-checks found last, by name. Nobody looks because
// it is asked for.
func (m *Metrics) SelfChecks(last func() map[string]int) { m.registry.MustRegister(selfChecks{last}) }

// Statement counts a statement; see db.Observe.
func (m *Metrics) Statement(name string, took time.Duration, class string) {
	m.statements.WithLabelValues(name).Observe(took.Seconds())
	if class != "" {
		m.dbErrors.WithLabelValues(class).Inc()
	}
}

// Round is what one look of the watcher has found; see alert.Round.
type Round struct {
	// checks
	LookedAt, Down, Broken int
	// runs
	Unknown int
}

// Round counts a look of the watcher, which ended at the given time.
func (m *Metrics) Round(r Round, took time.Duration, end time.Time) {
	m.roundTime.Observe(took.Seconds())
	m.roundEnd.Set(float64(end.UnixMilli()) / 1000)
	if r.LookedAt == 0 {
		return
	}
	m.watched.WithLabelValues("looked_at").Add(float64(r.LookedAt))
	m.watched.WithLabelValues("down").Add(float64(r.Down))
	m.watched.WithLabelValues("broken").Add(float64(r.Broken))
	m.unknownRuns.Add(float64(r.Unknown))
}

// Flipped counts a check that went down so long after its deadline.
func (m *Metrics) Flipped(late time.Duration) { m.deadlineFlip.Observe(late.Seconds()) }

// Attempted counts an attempt to deliver through a channel of a kind.
func (m *Metrics) Attempted(kind, outcome string, took time.Duration) {
	m.deliveries.WithLabelValues(kind, outcome).Inc()
	m.deliveryTime.WithLabelValues(kind).Observe(took.Seconds())
}

// Plain counts a message that was sent again as plain text, because the other side
// had rejected it as it was.
func (m *Metrics) Plain(kind string) { m.plain.WithLabelValues(kind).Inc() }

// Settled counts a delivery that needed no attempt.
func (m *Metrics) Settled(kind, outcome string) { m.deliveries.WithLabelValues(kind, outcome).Inc() }

// Accepted counts a delivery that the other side has accepted so long after the
// change of status.
func (m *Metrics) Accepted(kind string, sinceFlip time.Duration) {
	m.flipAccepted.WithLabelValues(kind).Observe(sinceFlip.Seconds())
}

// Mail counts what became of a mail; see mail.QueueConfig.
func (m *Metrics) Mail(kind, outcome string) { m.mails.WithLabelValues(kind, outcome).Inc() }

// SignedUp counts a new account.
func (m *Metrics) SignedUp() { m.signups.Inc() }

// Login counts an attempt to log in.
func (m *Metrics) Login(method string, ok bool) {
	outcome := "refused"
	if ok {
		outcome = "ok"
	}
	m.logins.WithLabelValues(method, outcome).Inc()
}

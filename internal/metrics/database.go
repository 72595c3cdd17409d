package metrics

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// Schema tells how many migrations have been applied and how many are missing.
type Schema func(context.Context) (applied, pending int, err error)

// Database adds the figures that are read from the database when somebody asks.
// Those that cannot be had within two seconds are left out of the answer. ctx ends
// the reading; it must end before the database is closed.
func (m *Metrics) Database(ctx context.Context, s *store.Store, schema Schema) {
	m.registry.MustRegister(&up{newReading(ctx, m.log, waitTime,
		func(ctx context.Context) (struct{}, error) { return struct{}{}, s.DB().Ping(ctx) })})
	m.gaugeFunc("clock_skew_seconds", "How far the clock of the database was ahead of ours when last compared.", func() float64 {
		return s.DB().Skew().Seconds()
	})
	m.registry.MustRegister(&pools{db: s.DB()})
	m.outbox(ctx, s)
	m.held(ctx, s)
	m.mailQueue(ctx, s)
	m.watcherLag(ctx, s)
	m.nodes(ctx, s)
	m.takers(ctx, s)
	m.publicAddress(ctx, s)
	m.census(ctx, s)
	m.migrations(ctx, schema)
	if s.DB().Engine == db.SQLite {
		m.sqliteFile(ctx, s.DB())
	}
}

// up tells whether the database answers. It is no gauge with a function: those
// are asked one after the other, when all collectors have been.
type up struct{ ping *reading[struct{}] }

var dbUp = desc("db_up", "1 when the database answers within two seconds, else 0.")

// Describe names the figure.
func (u *up) Describe(ch chan<- *prometheus.Desc) { ch <- dbUp }

// Collect gives the figure.
func (u *up) Collect(ch chan<- prometheus.Metric) {
	value := 0.0
	_, ok := u.ping.get()
	if ok {
		value = 1
	}
	ch <- prometheus.MustNewConstMetric(dbUp, prometheus.GaugeValue, value)
}

// group is a collector of figures that are read together, and left out together.
type group struct {
	descs   []*prometheus.Desc
	reading *reading[[]prometheus.Metric]
	missing prometheus.Counter
}

// emit takes one figure of a group.
type emit func(d *prometheus.Desc, value float64, labels ...string)

// group registers a collector. Its name is what collector_errors_total calls it.
func (m *Metrics) group(ctx context.Context, name string, timeout time.Duration, descs []*prometheus.Desc,
	read func(context.Context, emit) error) {
	ask := func(ctx context.Context) (list []prometheus.Metric, err error) {
		err = read(ctx, func(d *prometheus.Desc, value float64, labels ...string) {
			list = append(list, prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...))
		})
		return list, err
	}
	m.registry.MustRegister(&group{descs: descs, reading: newReading(ctx, m.log, timeout, ask),
		missing: m.readingErrors.WithLabelValues(name)})
}

// Describe names the figures.
func (g *group) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range g.descs {
		ch <- d
	}
}

// Collect gives the figures, or counts that they are missing.
func (g *group) Collect(ch chan<- prometheus.Metric) {
	list, ok := g.reading.get()
	if !ok {
		g.missing.Inc()
		return
	}
	for _, metric := range list {
		ch <- metric
	}
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// since is the time from t to now, 0 when t is none or still to come.
func since(t, now time.Time) float64 {
	if t.IsZero() || t.After(now) {
		return 0
	}
	return now.Sub(t).Seconds()
}

func (m *Metrics) outbox(ctx context.Context, s *store.Store) {
	length := desc("outbox_deliveries", "Deliveries that wait or are under way.")
	age := desc("outbox_oldest_age_seconds", "Age of the oldest of them, which may be waiting for its next try; 0 = none.")
	lag := desc("outbox_lag_seconds", "How long the delivery that should go first has been due without anybody taking it.")
	m.group(ctx, "outbox", waitTime, []*prometheus.Desc{length, age, lag}, func(ctx context.Context, out emit) error {
		b, err := s.DeliveryBacklog(ctx)
		out(length, float64(b.Waiting))
		out(age, since(b.Oldest, s.Now()))
		out(lag, since(b.Due, s.Now()))
		return err
	})
}

func (m *Metrics) held(ctx context.Context, s *store.Store) {
	held := desc("alerts_held", "1 while operators hold all alerts, else 0.")
	m.group(ctx, "hold", waitTime, []*prometheus.Desc{held}, func(ctx context.Context, out emit) error {
		hold, err := s.AlertHold(ctx)
		if err != nil {
			return err
		}
		value := 0.0
		if hold != nil {
			value = 1
		}
		out(held, value)
		return nil
	})
}

func (m *Metrics) mailQueue(ctx context.Context, s *store.Store) {
	length := desc("mail_queue_length", "Mails that wait or are being sent; alerts are in the outbox instead.")
	lag := desc("mail_queue_lag_seconds", "How long the mail that should go first has been due without anybody taking it.")
	m.group(ctx, "mail_queue", waitTime, []*prometheus.Desc{length, lag}, func(ctx context.Context, out emit) error {
		b, err := s.MailBacklog(ctx)
		out(length, float64(b.Waiting))
		out(lag, since(b.Due, s.Now()))
		return err
	})
}

func (m *Metrics) watcherLag(ctx context.Context, s *store.Store) {
	lag := desc("watcher_lag_seconds", "How long the check that should be looked at first has been waiting for a watcher.")
	m.group(ctx, "watcher", waitTime, []*prometheus.Desc{lag}, func(ctx context.Context, out emit) error {
		next, err := s.NextWatch(ctx)
		out(lag, since(next, s.Now()))
		return err
	})
}

func (m *Metrics) nodes(ctx context.Context, s *store.Store) {
	alive := desc("nodes", "Processes that have given a sign of life in the last 30 seconds.", "role")
	m.group(ctx, "nodes", waitTime, []*prometheus.Desc{alive}, func(ctx context.Context, out emit) error {
		list, err := s.Nodes(ctx, s.Now().Add(-store.NodeTimeout))
		byRole := map[string]int{"serve": 0, "sendalerts": 0, "sendreports": 0, "up": 0}
		for _, n := range list {
			byRole[n.Role]++
		}
		for role, n := range byRole {
			out(alive, float64(n), role)
		}
		return err
	})
}

func (m *Metrics) takers(ctx context.Context, s *store.Store) {
	takers := desc("takers", "Processes that take pings, by whether deadlines wait for them; false = it is silent.", "counts")
	lag := desc("mark_lag_seconds", "How far the least mark of those that count is behind: later deadlines are not judged.")
	untaken := desc("pings_untaken_seconds", "For how long no process has taken pings of the way; 0 = one does, or none ever did.", "way")
	blind := desc("blind_last_day_seconds", "For how long pings of all checks may have been lost in the last 24 hours.", "cause")
	m.group(ctx, "takers", waitTime, []*prometheus.Desc{takers, lag, untaken, blind}, func(ctx context.Context, out emit) error {
		h, err := s.Hearing(ctx)
		if err != nil {
			return err
		}
		byCounts := map[bool]int{true: 0, false: 0}
		least := h.Now
		for _, t := range h.Takers {
			byCounts[t.Counts]++
			if t.Counts && t.MarkAt.Before(least) {
				least = t.MarkAt
			}
		}
		for counts, n := range byCounts {
			out(takers, float64(n), strconv.FormatBool(counts))
		}
		out(lag, since(least, h.Now))
		for _, way := range []monitor.Ways{monitor.WayHTTP, monitor.WayMail} {
			out(untaken, since(h.OpenSince(way), h.Now), string(way))
		}
		lost, err := s.BlindSince(ctx, h.Now.Add(-24*time.Hour))
		for _, cause := range monitor.Causes() {
			out(blind, lost.ByCause[cause].Seconds(), string(cause))
		}
		return err
	})
}

func (m *Metrics) publicAddress(ctx context.Context, s *store.Store) {
	works := desc("public_probe_up", "1 when our public ping address answered who asked last, else 0; left out where it never has.", "source")
	failing := desc("public_probe_failing_seconds", "For how long it has not answered, since the last answer; 0 = it does, or never has.", "source")
	m.group(ctx, "public_probe", waitTime, []*prometheus.Desc{works, failing}, func(ctx context.Context, out emit) error {
		states, err := s.RoadStates(ctx)
		for _, r := range states {
			switch {
			case r.GoodAt.IsZero():
				out(failing, 0, string(r.Source))
			case r.FailingAt.IsZero():
				out(works, 1, string(r.Source))
				out(failing, 0, string(r.Source))
			default:
				out(works, 0, string(r.Source))
				out(failing, since(r.GoodAt, s.Now()), string(r.Source))
			}
		}
		return err
	})
}

// census counts what people have made. That takes a second where there are a
// million checks, so it may take its time while the figures before it stand.
func (m *Metrics) census(ctx context.Context, s *store.Store) {
	checks := desc("checks", "Checks of projects, by stored status: those that are late count as up.", "status")
	users := desc("users", "Accounts.")
	projects := desc("projects", "Projects.")
	channels := desc("channels", "Channels, by kind and whether alerts go through them.", "kind", "state")
	m.group(ctx, "census", 30*time.Second, []*prometheus.Desc{checks, users, projects, channels}, func(ctx context.Context, out emit) error {
		c, err := s.Census(ctx)
		if err != nil {
			return err
		}
		for status, n := range c.Checks {
			out(checks, float64(n), string(status))
		}
		out(users, float64(c.Users))
		out(projects, float64(c.Projects))
		for key, n := range channelStates(c.Channels) {
			out(channels, float64(n), key[0], key[1])
		}
		return nil
	})
}

// channelStates adds channels up by kind and state: disabled, unverified or working.
func channelStates(list []store.ChannelCount) map[[2]string]int {
	sums := make(map[[2]string]int)
	for _, c := range list {
		state := "working"
		switch {
		case c.Disabled:
			state = "disabled"
		case !c.Verified:
			state = "unverified"
		}
		sums[[2]string{c.Kind, state}] += c.N
	}
	return sums
}

func (m *Metrics) migrations(ctx context.Context, schema Schema) {
	applied := desc("migrations_applied", "Schema migrations the database has.")
	pending := desc("migrations_pending", "Schema migrations this program has and the database has not.")
	m.group(ctx, "migrations", waitTime, []*prometheus.Desc{applied, pending}, func(ctx context.Context, out emit) error {
		a, p, err := schema(ctx)
		out(applied, float64(a))
		out(pending, float64(p))
		return err
	})
}

func (m *Metrics) sqliteFile(ctx context.Context, d *db.DB) {
	size := desc("sqlite_size_bytes", "Size of the SQLite file.")
	free := desc("sqlite_free_bytes", "Room in the file that was given up and will be used again.")
	wal := desc("sqlite_wal_size_bytes", "Size of the write-ahead log on disk; it shrinks only when the last process ends.")
	frames := desc("sqlite_wal_frames", "Pages in the write-ahead log since it last began anew.")
	checkpointed := desc("sqlite_wal_checkpointed_frames", "How many of them are in the file already: what is left waits for a checkpoint.")
	m.group(ctx, "sqlite", waitTime, []*prometheus.Desc{size, free, wal, frames, checkpointed}, func(ctx context.Context, out emit) error {
		f, err := d.FileStats(ctx)
		if err != nil {
			return err
		}
		out(size, float64(f.Size))
		out(free, float64(f.FreePages*f.PageLength))
		out(wal, float64(f.WALSize))
		out(frames, float64(max(f.WALFrames, 0)))
		out(checkpointed, float64(max(f.WALCheckpointed, 0)))
		return nil
	})
}

// Disk adds the room on the disk that holds our data, as space reads it.
func (m *Metrics) Disk(ctx context.Context, space func() (free, size uint64, err error)) {
	free := desc("data_disk_free_bytes", "Free space of the disk that holds the SQLite file; with PostgreSQL, of the one for temporary files.")
	size := desc("data_disk_size_bytes", "Size of that disk.")
	m.group(ctx, "disk", waitTime, []*prometheus.Desc{free, size}, func(_ context.Context, out emit) error {
		f, s, err := space()
		out(free, float64(f))
		out(size, float64(s))
		return err
	})
}

// pools shows the pools of connections; that asks nobody.
type pools struct{ db *db.DB }

var (
	poolConnections = desc("db_connections", "Connections to the database.", "pool", "state")
	poolMax         = desc("db_connections_max", "Connections a pool may open.", "pool")
	poolWaits       = desc("db_connection_waits_total", "Times somebody had to wait for a connection.", "pool")
	poolWaited      = desc("db_connection_wait_seconds_total", "Time spent waiting for a connection.", "pool")
)

// Describe names the figures.
func (p *pools) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolConnections, poolMax, poolWaits, poolWaited} {
		ch <- d
	}
}

// Collect gives the figures.
func (p *pools) Collect(ch chan<- prometheus.Metric) {
	for _, s := range p.db.Pools() {
		ch <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(s.InUse), s.Name, "in_use")
		ch <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(s.Open-s.InUse), s.Name, "idle")
		ch <- prometheus.MustNewConstMetric(poolMax, prometheus.GaugeValue, float64(s.Max), s.Name)
		ch <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(s.Waits), s.Name)
		ch <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, s.Waited.Seconds(), s.Name)
	}
}

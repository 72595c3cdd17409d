package metrics

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/cactus/go-statsd-client/v5/statsd"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// StatsD says where figures are pushed to, and how.
type StatsD struct {
	// host:port, UDP
	Address string
	// before each name, without the dot
	Prefix string
	Tags   []string
	// Plain is for servers that know no tags: the values of labels become parts
	// of the name, and Tags are left out.
	Plain bool
	Log   *slog.Logger
}

// pushInterval is the flush interval StatsD servers come with.
const pushInterval = 10 * time.Second

// Push sends all figures every ten seconds until ctx ends, and once more then.
// Counters are sent as what was added, gauges as they are, of histograms the
// number of observations (NAME.count) and their mean since the last time
// (NAME.avg). A server that is not there is no error: it is UDP.
func (m *Metrics) Push(ctx context.Context, c StatsD) {
	p := &pusher{StatsD: c, sent: make(map[string]float64)}
	tick := time.NewTicker(pushInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			p.push(m.registry)
			p.close()
			return
		case <-tick.C:
			p.push(m.registry)
		}
	}
}

type pusher struct {
	StatsD
	// nil while the address cannot be resolved
	client *statsd.Client
	// what has been sent so far, by series
	sent map[string]float64
	// was logged
	trouble bool
}

func (p *pusher) open() error {
	if p.client != nil {
		return nil
	}
	statter, err := statsd.NewClientWithConfig(&statsd.ClientConfig{
		Address: p.Address, Prefix: p.Prefix, ResInterval: time.Minute, UseBuffered: true, TagFormat: statsd.SuffixOctothorpe,
	})
	if err != nil {
		return fmt.Errorf("open StatsD: %w", err)
	}
	// the interface has no gauges of fractions
	client, ok := statter.(*statsd.Client)
	if !ok {
		return fmt.Errorf("open StatsD: unexpected client %T", statter)
	}
	p.client = client
	return nil
}

func (p *pusher) close() {
	if p.client != nil {
		// sends what is left
		_ = p.client.Close()
	}
}

func (p *pusher) push(from prometheus.Gatherer) {
	err := p.open()
	if err == nil {
		// what could not be had is missing, the rest is there
		families, gathered := from.Gather()
		err = gathered
		if len(families) > 0 {
			err = p.sendAll(families)
		}
	}
	if err != nil && !p.trouble {
		p.Log.Warn("figures do not reach StatsD", "address", p.Address, "error", err)
	}
	p.trouble = err != nil
}

func (p *pusher) sendAll(families []*dto.MetricFamily) error {
	var first error
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			if err := p.send(strings.TrimPrefix(f.GetName(), namespace+"_"), metric); err != nil && first == nil {
				first = err
			}
		}
	}
	return first
}

func (p *pusher) send(name string, metric *dto.Metric) error {
	name, tags := p.series(name, metric.GetLabel())
	switch {
	case metric.Counter != nil:
		return p.count(name, metric.Counter.GetValue(), tags)
	case metric.Histogram != nil:
		return p.distribution(name, float64(metric.Histogram.GetSampleCount()), metric.Histogram.GetSampleSum(), tags)
	case metric.Summary != nil:
		return p.distribution(name, float64(metric.Summary.GetSampleCount()), metric.Summary.GetSampleSum(), tags)
	default:
		return p.gauge(name, metric.GetGauge().GetValue()+metric.GetUntyped().GetValue(), tags)
	}
}

// series gives a figure its name and tags.
func (p *pusher) series(name string, labels []*dto.LabelPair) (string, []statsd.Tag) {
	if p.Plain {
		for _, l := range labels {
			name += "." + plainPart(l.GetValue())
		}
		return name, nil
	}
	var tags []statsd.Tag
	for _, t := range p.Tags {
		key, value, _ := strings.Cut(t, ":")
		tags = append(tags, statsd.Tag{key, value})
	}
	for _, l := range labels {
		tags = append(tags, statsd.Tag{l.GetName(), tagValue(l.GetValue())})
	}
	return name, tags
}

// plainPart makes a text fit for a part of a name.
func plainPart(s string) string {
	part := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, s), "_")
	if part == "" {
		return "_"
	}
	return part
}

// tagValue replaces what has a meaning in the protocol.
func tagValue(s string) string {
	return strings.NewReplacer("|", "_", ",", "_", ":", "_", "\n", "_").Replace(s)
}

// count sends what was added to a counter. StatsD counts in whole numbers; what
// is left over is sent when it has become one.
func (p *pusher) count(name string, value float64, tags []statsd.Tag) error {
	key := fmt.Sprint(name, tags)
	added := math.Floor(value - p.sent[key])
	if added < 1 {
		return nil
	}
	p.sent[key] += added
	return p.client.Inc(name, int64(added), 1, tags...)
}

// distribution sends how many observations there were, and their mean.
func (p *pusher) distribution(name string, n, sum float64, tags []statsd.Tag) error {
	key := fmt.Sprint(name, tags)
	added := n - p.sent[key+" n"]
	more := sum - p.sent[key+" sum"]
	if added < 1 {
		return nil
	}
	p.sent[key+" n"] = n
	p.sent[key+" sum"] = sum
	if err := p.client.Inc(name+".count", int64(added), 1, tags...); err != nil {
		return err
	}
	return p.client.GaugeFloat(name+".avg", more/added, 1, tags...)
}

// gauge sends a value. To plain StatsD a sign means “change by”.
func (p *pusher) gauge(name string, value float64, tags []statsd.Tag) error {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return nil
	}
	if value < 0 && p.Plain {
		if err := p.client.GaugeFloat(name, 0, 1, tags...); err != nil {
			return err
		}
	}
	return p.client.GaugeFloat(name, value, 1, tags...)
}

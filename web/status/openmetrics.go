package status

import (
	"bytes"
	"fmt"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"punctual/internal/status"
)

const openMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

// openMetrics are gauges for a scrape. The names do not meet those of /metrics,
// but for the prefix.
func (s *Server) openMetrics(v *view) ([]byte, error) {
	families := []*dto.MetricFamily{gauge("punctual_healthy", "Whether nothing is broken (1) or something is (0).", sample(number(v.healthy)))}
	if v.full {
		each := func(name, help string, value func(*entry) float64) {
			var samples []*dto.Metric
			for i := range v.entries {
				e := &v.entries[i]
				samples = append(samples, sample(value(e), "name", e.name))
			}
			families = append(families, gauge(name, help, samples...))
		}
		each("punctual_status_healthy", "Whether the check finds nothing broken (1) or something (0).",
			func(e *entry) float64 { return number(e.severity < status.Error) })
		each("punctual_status_severity", "What the check finds: 0 ok, 1 warning, 2 error.", func(e *entry) float64 { return float64(e.severity) })
		each("punctual_status_duration_seconds", "How long the check took.", func(e *entry) float64 { return e.took.Seconds() })
		each("punctual_status_since_timestamp_seconds", "Since when the check finds what it finds, Unix time.",
			func(e *entry) float64 { return float64(e.since.UnixMilli()) / 1e3 })
		var figures []*dto.Metric
		for i := range v.entries {
			for _, f := range v.entries[i].fields {
				n, isNumber := f.Number()
				if isNumber {
					figures = append(figures, sample(n, "name", v.entries[i].name, "field", f.Name))
				}
			}
		}
		if len(figures) > 0 {
			families = append(families, gauge("punctual_status_field", "A figure of a check; its unit is part of the field's name.", figures...))
		}
	}
	var buf bytes.Buffer
	for _, f := range families {
		_, err := expfmt.MetricFamilyToOpenMetrics(&buf, f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.GetName(), err)
		}
	}
	_, err := expfmt.FinalizeOpenMetrics(&buf)
	if err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func gauge(name, help string, samples ...*dto.Metric) *dto.MetricFamily {
	return &dto.MetricFamily{Name: &name, Help: &help, Type: dto.MetricType_GAUGE.Enum(), Metric: samples}
}

// sample is a value with labels, given as name, value, name, value …
func sample(value float64, labels ...string) *dto.Metric {
	m := &dto.Metric{Gauge: &dto.Gauge{Value: &value}}
	for i := 0; i+1 < len(labels); i += 2 {
		m.Label = append(m.Label, &dto.LabelPair{Name: &labels[i], Value: &labels[i+1]})
	}
	return m
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

package metrics

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// received are the lines a StatsD server is sent by one call of push, and one
// more when something was counted in between.
func received(t *testing.T, c StatsD, m *Metrics, between func()) []string {
	t.Helper()
	server, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	c.Address = server.LocalAddr().String()
	c.Log = slog.New(slog.DiscardHandler)
	// without those of Go and the process
	own := prometheus.NewRegistry()
	own.MustRegister(m.pings.success, m.unknownPings, m.batchPings, m.logins)
	p := &pusher{StatsD: c, sent: make(map[string]float64)}
	p.push(own)
	between()
	p.push(own)
	p.close()
	var lines []string
	packet := make([]byte, 65536)
	for {
		_ = server.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		n, _, err := server.ReadFrom(packet)
		if err != nil {
			return lines
		}
		lines = append(lines, strings.Split(strings.TrimSpace(string(packet[:n])), "\n")...)
	}
}

func TestPushSendsWhatWasAdded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config StatsD
		want   []string
	}{
		"with tags": {StatsD{Prefix: "site1", Tags: []string{"env:prod"}}, []string{
			"site1.pings_unknown_total:3|c|#env:prod",
			"site1.pings_unknown_total:2|c|#env:prod",
			"site1.ingest_batch_pings.count:1|c|#env:prod",
			"site1.ingest_batch_pings.avg:4|g|#env:prod",
			"site1.logins_total:1|c|#env:prod,method:link,outcome:ok",
		}},
		"plain": {StatsD{Prefix: "p", Plain: true, Tags: []string{"env:prod"}}, []string{
			"p.pings_unknown_total:3|c", "p.pings_unknown_total:2|c", "p.logins_total.link.ok:1|c",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := New("1.0", "up")
			m.Batch(Tally{Success: 4, Unknown: 3}, time.Millisecond)
			m.Login("link", true)
			lines := received(t, test.config, m, func() { m.Batch(Tally{Unknown: 2}, time.Millisecond) })
			for _, want := range test.want {
				if !slices.Contains(lines, want) {
					t.Errorf("%q was not sent; sent %q", want, lines)
				}
			}
		})
	}
}

func TestPushFlushesAtTheEnd(t *testing.T) {
	t.Parallel()
	server, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	m := New("1.0", "up")
	m.SignedUp()
	ctx, end := context.WithCancel(t.Context())
	end()
	m.Push(ctx, StatsD{Address: server.LocalAddr().String(), Prefix: "punctual", Log: slog.New(slog.DiscardHandler)})
	packet := make([]byte, 65536)
	_ = server.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		n, _, err := server.ReadFrom(packet)
		if err != nil {
			t.Fatal("the sign-up was not sent at the end")
		}
		if strings.Contains(string(packet[:n]), "punctual.signups_total:1|c") {
			return
		}
	}
}

func TestPushGoesOnWithoutAServer(t *testing.T) {
	t.Parallel()
	m := New("1.0", "up")
	p := &pusher{StatsD: StatsD{Address: "does-not-exist.invalid:8125", Log: slog.New(slog.DiscardHandler)}, sent: make(map[string]float64)}
	p.push(m.registry)
	if !p.trouble || p.client != nil {
		t.Error("nobody was told that the server cannot be found")
	}
	p.close()
}

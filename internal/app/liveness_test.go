package app

import (
	"testing"
	"time"
)

// TestWhenAWorkerIsMissing plays the looks of a site, five seconds apart: at each
// the worker has been alive since its last look or not.
func TestWhenAWorkerIsMissing(t *testing.T) {
	t.Parallel()
	const (
		// seen just now
		alive = 'a'
		// nothing new
		gone = '.'
		// the database does not answer
		away = 'x'
		// nobody has looked for a minute
		sleep = 's'
	)
	for name, test := range map[string]struct {
		looks string
		// how long before the first look it was seen, 0 = never
		before time.Duration
		// look at which it counts as missing, -1 = never
		want int
	}{
		"all is well":                      {looks: "aaaaaaaaaaaaaaaaaaaaaaaa", want: -1},
		"killed":                           {looks: "aaa..............", want: 2 + 7},
		"a restart within 30 s":            {looks: "aaa......aaaaaaaaaaaa", want: -1},
		"a restart after that":             {looks: "aaa.......aaaaaaaaaaa", want: 2 + 7},
		"never there":                      {looks: "...............", want: 13},
		"comes a minute after us":          {looks: "............aaaaaaaa", want: -1},
		"dead when we begin":               {looks: "...............", before: time.Hour, want: 13},
		"the database is away":             {looks: "aaxxxxxxxxxxxxxxxxxxxxxaaaa", want: -1},
		"gone after an outage":             {looks: "aaxxxxx..............", want: 6 + 13},
		"the machine slept":                {looks: "aasaaaas.aaaaaaa", want: -1},
		"killed while the machine slept":   {looks: "aas..............", want: 2 + 13},
		"alive just before we began again": {looks: "......aaa", before: time.Second, want: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			var p presence
			var seen time.Time
			if test.before > 0 {
				seen = now.Add(-test.before)
			}
			got := -1
			for i, look := range test.looks {
				now = now.Add(heartbeatInterval)
				switch look {
				case alive:
					seen = now
				case sleep:
					now = now.Add(time.Minute)
				case gone, away:
				}
				if p.look(now, seen, look != away) && got < 0 {
					got = i
				}
			}
			if got != test.want {
				t.Errorf("missing at look %d, want %d", got, test.want)
			}
		})
	}
}

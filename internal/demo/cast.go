package demo

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/notify/kinds"
)

// Address is the e-mail address of the user whose instance the demo is.
const Address = "demo@acme.example"

// colleague are the others in the projects of the demo.
type colleague struct {
	address string
	project int
	role    monitor.Role
}

func colleagues() []colleague {
	return []colleague{
		{"sam.ozols@acme.example", 0, monitor.RoleManager},
		{"priya.nair@acme.example", 1, monitor.RoleMember},
		{"auditor@acme.example", 0, monitor.RoleReadonly},
	}
}

// pingsKept is more than usual, so that a month fits.
const pingsKept = 1000

func user(address string, created time.Time) *monitor.User {
	return &monitor.User{
		ID: diceOf("user " + address).uuid(), Email: address, IsActive: true, TZ: riga, CheckLimit: 500, PingLogLimit: pingsKept,
		CreatedAt: created,
	}
}

func projects(owner uuid.UUID, created time.Time) []*monitor.Project {
	var out []*monitor.Project
	for i, name := range []string{"Acme operations", "Data platform", "Home lab"} {
		d := diceOf("project " + name)
		out = append(out, &monitor.Project{
			ID: d.uuid(), OwnerID: owner, Name: name, PingKey: fmt.Sprintf("%011x%011x", d.Uint64()>>20, d.Uint64()>>20),
			BadgeKey:  d.uuid().String(),
			CreatedAt: created.Add(time.Duration(i) * hour),
		})
	}
	return out
}

// channel is a channel of the demo with the manner in which it works.
type channel struct {
	monitor.Channel
	destination
	// of job.alerts
	letter  rune
	project int
	// it hears of checks that come back
	up bool
	// about
	latency time.Duration
	// part of its deliveries that are given up
	errors float64
	// the error then
	lastError string
	// how long ago it was disabled by a permanent error, 0 = it was not
	broken time.Duration
}

// destination is a channel by its kind, name and settings.
type destination struct {
	kind     string
	name     string
	settings map[string]any
}

func (t destination) make() (*monitor.Channel, error) {
	for _, k := range kinds.All() {
		if k.Name == t.kind {
			ch, err := k.Channel(t.settings)
			if err != nil {
				return nil, fmt.Errorf("the channel %q: %w", t.name, err)
			}
			ch.Name = t.name
			return ch, nil
		}
	}
	return nil, fmt.Errorf("there is no integration %q", t.kind)
}

// channels are those of all projects.
func channels(projects []*monitor.Project) ([]channel, error) {
	const body = `{"text":"$NAME_ESCAPED is $STATUS"}`
	headers := map[string]string{"Content-Type": "application/json"}
	mail := func(name, address string, up bool) destination {
		return destination{"email", name, map[string]any{"address": address, "up": up}}
	}
	hook := func(name, host string) destination {
		return destination{"webhook", name, map[string]any{
			"url_down": "https://" + host + "/down", "body_down": body, "headers_down": headers,
			"url_up": "https://" + host + "/up", "body_up": body, "headers_up": headers,
		}}
	}
	push := destination{"po", "Night shift", map[string]any{"user": "uQiRzpo4DXghDmr9QzzfQu27cmVRsG", "priority_down": 1, "priority_up": -1}}
	out := []channel{
		{letter: 'o', up: true, latency: 700 * time.Millisecond, destination: mail("On-call mailbox", "oncall@acme.example", true)},
		{
			letter: 'w', up: true, latency: 180 * time.Millisecond, errors: 0.04, lastError: "The server answered with status 503.",
			destination: hook("Incident bot", "incidents.acme.example"),
		},
		{letter: 'p', up: true, latency: 420 * time.Millisecond, destination: push},
		{
			letter: 'n', up: true, latency: 240 * time.Millisecond, broken: 12 * day, lastError: "550 5.1.1 The mailbox does not exist.",
			destination: mail("Former on-call", "kim.berg@acme.example", true),
		},
		{letter: 'd', project: 1, up: true, latency: 650 * time.Millisecond, destination: mail("Data team", "data@acme.example", true)},
		{
			letter: 'c', project: 1, up: true, latency: 900 * time.Millisecond, errors: 0.3, lastError: "The server did not answer in time.",
			destination: hook("Chat #data-alerts", "chat.acme.example"),
		},
		{letter: 'h', project: 2, latency: 600 * time.Millisecond, destination: mail("", Address, false)},
	}
	for i := range out {
		c := &out[i]
		made, err := c.destination.make()
		if err != nil {
			return nil, err
		}
		c.Channel = *made
		p := projects[c.project]
		c.ID = diceOf("channel " + string(c.letter)).uuid()
		c.ProjectID = p.ID
		c.Verified = true
		c.CreatedAt = p.CreatedAt.Add(time.Duration(i+1) * minute)
	}
	return out, nil
}

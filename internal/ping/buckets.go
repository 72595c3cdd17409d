package ping

import (
	"time"

	"punctual/internal/monitor"
)

// Rates are how many pings a minute are taken; as many may come at once after a
// quiet minute. Log, start, and success with fail are counted apart, so that a
// chatty job cannot hide its own failure. 0 = any number.
type Rates struct {
	// of one check
	Check int
	// of a project, or PerCheck for each of its checks where that is more
	Project int
}

// perCheck is how many pings a minute a project may send for each of its checks.
const perCheck = 20

// class is what is counted apart.
type class int

const (
	// success and fail
	classOutcome class = iota
	classStart
	classLog
	classes
)

func classOf(kind monitor.PingKind) class {
	switch kind {
	case monitor.PingStart:
		return classStart
	case monitor.PingLog:
		return classLog
	default:
		return classOutcome
	}
}

// bucket is a token bucket of one minute's pings: the time at which it will be
// full again, counted from any fixed time. One in the past is full, so that the
// zero bucket is, and a bucket that is forgotten after a minute is none the worse.
type bucket time.Duration

// after is the bucket with one ping more. wait is how long that ping has to wait
// for its place; 0 = it has one.
func (b bucket) after(now time.Duration, perMinute int) (next bucket, wait time.Duration) {
	next = max(b, bucket(now)) + bucket(time.Minute)/bucket(perMinute)
	return next, max(0, time.Duration(next)-now-time.Minute)
}

// rescaled is the bucket with the same number of pings in it, now that it has
// room for others.
func (b bucket) rescaled(now time.Duration, from, to int) bucket {
	debt := b - bucket(now)
	if debt > 0 && from > 0 && to > 0 {
		return bucket(now) + bucket(float64(debt)*float64(from)/float64(to))
	}
	return b
}

// generations is a map that forgets what has not been asked for lately. It holds
// at most twice limit entries: when the young ones are limit they become the old
// ones, and what was old and not asked for since is forgotten.
type generations[K comparable, V any] struct {
	limit      int
	young, old map[K]V
}

func (g *generations[K, V]) get(k K) (v V, found bool) {
	v, found = g.young[k]
	if found {
		return v, true
	}
	v, found = g.old[k]
	if found {
		g.put(k, v)
	}
	return v, found
}

func (g *generations[K, V]) put(k K, v V) {
	_, found := g.young[k]
	if !found && len(g.young) >= g.limit || g.young == nil {
		g.old = g.young
		g.young = make(map[K]V)
	}
	g.young[k] = v
}

func (g *generations[K, V]) forget(k K) {
	delete(g.young, k)
	delete(g.old, k)
}

package app

import "punctual/internal/db"

// headroom is address space that nobody touches: the system gives no memory
// for it, but the garbage collector counts it as live and so lets this much
// more garbage, doubled, pile up before it runs. Pings leave a lot of garbage
// and a small heap behind; without this the collector takes a fifth of the
// server's CPU (docs/performance.md). A larger GOGC would do the same for a
// small heap, but multiply a large one: thousands of open connections.
//
// On SQLite half of it does as well: its memory is not the collector's.
//
// GOGC=off|number and GOMEMLIMIT work on top of it as usual.
func headroom(engine db.Engine) []byte {
	if engine == db.SQLite {
		return make([]byte, 16<<20)
	}
	return make([]byte, 32<<20)
}

// Package ping takes pings in: the HTTP endpoint every job calls, and the
// Recorder that makes them durable. It is mounted ahead of the web stack and
// shares nothing with it: no session, no template, no logging per request.
//
// # The way of a ping
//
//	curl ──HTTP──> Handler ──Arrival──> queue ──> committer ──> database
//	                  │ parse the URL     │ bounded    │ everything waiting,
//	                  │ read the body     │            │ in one transaction:
//	mail ───────> internal/smtpd ────────>│            │   monitor.Apply, one by one
//	                  │                   └ full: 503  │   write pings, checks, flips, deliveries
//	                  └<──── 200 OK ──── after ────────┘   commit, flushed to disk
//
// "200 OK" means that the ping is committed and on the database's disk. The
// Recorder is a group commit without a timer: a lone ping is committed at once,
// and while one commit is being flushed the next batch forms by itself. So one
// flush serves many pings under load, and no ping waits for company.
//
// What a ping does depends on its check, so the check has to be known first. The
// store remembers those pinged last. On PostgreSQL it writes a batch in one round
// trip, on condition that each row is still of the version it knows. While it is
// being written, those checks of the next batch are read that are not known. A
// check that somebody has changed meanwhile (the watcher, the web site, another
// process that takes pings) is locked and read, and its pings are applied to what
// it is now. On SQLite, where one writes at a time and reading is near, a batch
// knows the checks of those before it until anything else has been written.
//
// A ping by slug goes the same way, with the same patience. The checks of all
// slugs in a batch are found by one question, before it is written and while the
// batch before it is. Where create=1 makes the check, the ping is recorded after
// that, and the check stays even when its first ping is refused.
//
// The bodies of all pings of an owner have a limit. Bodies knows how many bytes there
// are, as far as that can be told without waiting, and the store asks it as it applies
// a ping: beyond the limit the ping is classified by its body and kept without it.
//
// # What the watchers must know
//
// A ping arrives when it enters the Recorder, with its last byte. The [Taker] of a process
// writes its mark: all pings that arrived before are committed, or stored as refused. A
// deadline is judged only up to the marks of all takers. The mark stands still at the
// oldest ping that is not answered yet, and with it go, in one transaction, the times in
// which this process did not run or could not take connections.
//
// # What can go wrong
//
//   - The queue is full: 503 with Retry-After, never a silent drop.
//   - The database is away: the batch is tried again for a few seconds, which
//     covers a restart; then it gets 503 with Retry-After, and so do those after
//     it, at once, until one can be recorded. A connection lost in the
//     middle of a commit leaves open whether the commit happened; before its
//     pings are recorded again they are looked for, with their checks locked.
//   - One ping of a batch cannot be stored: the pings are recorded one at a
//     time, and only the bad one fails.
//   - The process is told to stop: nothing new is taken, everything in the queue
//     is recorded and answered.
//   - The process is killed: pings not yet answered may or may not be recorded;
//     those answered are.
//
// The HTTP forms, answers and their order are those of docs/contract.md §1.1–1.8
// and of the cases 9 to 11 in docs/conformance.md. What a ping does to a check is
// monitor.Apply.
package ping

// Package alert is the part of Punctual that must never forget: it notices that
// a check has gone down and tells people, at least once, in order and on time.
// It is what `punctual sendalerts` runs; any number of processes
// may run it beside each other on one database.
//
// # The story of an alert
//
// A check has a deadline, checks.alert_at, kept up to date with every change of
// the check, and checks.watch_at, which is never later. Only watch_at is indexed,
// and pings leave it alone: an index that moved with every ping would cost more
// than the rest of the ping. The [Watcher] sleeps until the earliest watch_at of
// all, never longer than a second, then claims the checks that are past theirs
// and looks at the truth. Those that were pinged since are watched again at their
// new deadline; for the others one transaction stores the new status, a flip
// stamped with the deadline, and one pending delivery for each channel. A ping
// that changes the status does the same, without the watcher (internal/ping); of the
// first success after a pause only where the last that people were told is that the
// check is down.
// From that commit on the alert cannot be lost: it is a row.
//
// The [Dispatcher] leases pending deliveries, sends them, and records what became
// of them. A lease is next_try_at pushed 60 seconds ahead, under the worker's name:
//
//	           the flip commits
//	                  │
//	                  ▼
//	             ┌─────────┐  claimed: leased for 60 s, attempts+1   ┌─────────┐
//	  ┌─────────▶│ pending │────────────────────────────────────────▶│ leased  │
//	  │          └─────────┘◀────────────────────────────────────────└─────────┘
//	  │               ▲       lease ran out (the worker died), or       │ │ │ │
//	  │               │       released (no attempt made, attempts-1)    │ │ │ │
//	  │               └─────────────────────────────────────────────────┘ │ │ │
//	  │                 temporary error: due again after 10 s … 4 h       │ │ │
//	  │                                                                   │ │ │
//	  │   ┌────────┐     permanent error, or 12 hours                     │ │ │
//	  └───│ failed │◀─────────────────────────────────────────────────────┘ │ │
//	admin └────────┘                                                        │ │
//	tries ┌────────┐     the other side has accepted                        │ │
//	again │  sent  │◀───────────────────────────────────────────────────────┘ │
//	      └────────┘                                                          │
//	      (removed)◀──────────────────────────────────────────────────────────┘
//	                     the channel does not want this status
//
// Of a channel that gets no delivery of a DOWN, or whose delivery is removed, a row of
// table untold says why. While operators hold all alerts (store.HoldAlerts), nothing is
// claimed, and what has not begun is given back.
//
// Not every claimed delivery is attempted: where the channel was disabled meanwhile,
// its address is not verified, this site does not offer its kind any more, or its
// workers have died for half a day, it fails at once (withoutAttempt).
//
// Where one message may tell of several changes (notify.Kind.Digests: chat, mail, push,
// but no incident tool and no program), the first of a channel goes at once. What
// follows within ten seconds is given back until then, and goes out in one message with
// all that waits for the channel by then (bundle.go); of a check that has changed
// several times, the latest change is told. A check that has changed four times within
// ten minutes flaps: one message says so and covers what has happened. Its last
// delivery stays pending (monitor.WaitsToSettle), and with it all that come after, until
// the check has stayed up or down for five minutes; then one message tells what it is.
//
// “Leased” is no status of its own: the row stays pending, and a worker that
// dies simply stops standing in the way. Nothing has to notice the death.
//
// # What holds
//
//   - At least once. A crash before the outcome is recorded leads to another
//     attempt. Every attempt of a delivery carries the same key (its code), so
//     that a receiver can tell a repetition from news.
//   - Not twice for no reason. An outcome counts only while the lease of that very
//     attempt holds (worker and attempts match). A send is cut off after 45 s and
//     never begun with less than that left of its lease.
//   - In order. A delivery is not claimed while an earlier one of the same check
//     and channel is pending, be it leased or waiting for its next try. A DOWN is
//     sent before its UP even when the check has come back meanwhile, or they go out
//     in one message, which says what the check is now. The end of
//     the first wakes the dispatcher when another has waited for it.
//   - Nobody waits for somebody else's provider. Deliveries queue by owner, kind
//     and destination (queues.go), each queue with a bounded number in flight that
//     grows with success and falls to one with a failure. Claims leave out the
//     channels whose queues are full. Where all that may be in flight to a
//     destination has been for three seconds, what waits for it is given back and
//     left alone until something of it has ended.
//   - Nobody waits for somebody else. Owners of projects take turns, and share the
//     slots of each kind and of all together (limits.go): nobody may have more than
//     three times what is free, so that one who takes all leaves a quarter to the
//     next. The same holds at a destination that several have. What has been in
//     flight for more than a second moves to slow slots, of which there are three
//     times as many, shared in the same way; an owner with four such deliveries
//     gets slow slots only, until five minutes have passed without. One whose slow
//     slots are all taken is left out of claims, for that kind, until some are free.
//   - A flood leaves room for others in a claim, too: owners take turns, and so do
//     the channels of an owner, each with its oldest. A claim of 200 looks at the
//     350 deliveries that are due for longest and at the 150 newest, along an index,
//     however many are due; besides it has to pass those that it leaves out.
//   - Silence proves something only while we listened. A deadline is judged when the
//     marks of all processes that take pings have reached it (store.Hearing). A run
//     that an interval hides in which pings may have been lost is unknown
//     ([monitor.Check.Judge]). What comes when a deadline has passed that nobody has
//     judged is folded later, in the order of time ([monitor.Check.Fold]). A process
//     that is silent for half a minute, while the database takes our own writes, does
//     not count any more, and operators hear of it (takers.go).
//   - It may be us. Where so many checks miss their deadlines within a minute that it is
//     no chance (monitor.Silent), nothing is stored until our own public ping address has
//     been asked, ten seconds at most (silence.go, internal/road). Where it does not
//     answer, and has within the hour before, their runs are unknown.
//   - Clocks do not matter. Deadlines and leases are in the time of the database
//     (db.Clock), which the watcher compares with the local clock every minute.
//
// # When it does not work
//
// Temporary errors are tried again by the table in retry.go, give or take a tenth
// by lot, or later when the other side asks for it (Retry-After, at most 6 hours).
// What waits because a destination cannot be reached, or our own mail server, is due
// at once when something arrives there again (reach.go). A permanent error disables
// the channel, and its owner is told another way:
// through [Config].NotifyOwner, by mail. The same is told once a day of a channel
// whose deliveries had to be given up. Where the channel is the owner's own mail
// address there is no other way; the channel shows what became of it.
//
// While the database is away, the watcher and the dispatcher ask again at growing
// intervals, at most a second (trouble.go), and the recorder keeps the outcomes it
// has until they are stored (recorder.go). An orderly end gives back what has not
// begun, waits [Config].Grace for what is in flight, and stores all outcomes.
package alert

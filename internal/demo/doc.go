// Package demo fills an empty database with a believable instance: people,
// projects, some forty jobs and what they have done in the last weeks, and lets
// these jobs go on pinging while Punctual runs (`punctual up --demo`).
//
// A job is a line in jobs.go. script.go turns it into the pings it sends, one
// after the other, from the past into the future; story.go plays those of the
// past on a check with internal/monitor, so that states, flips and pings agree
// as they do in real life; tell.go adds what became of the alerts. Fill writes
// all that, Life sends the pings that are still to come.
//
// The same moment gives the same demo, ids included: chance is drawn from
// seeds. Nothing leaves the machine: mail is kept, and Sink answers in place of
// everybody who would be called.
package demo

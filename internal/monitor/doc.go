// Package monitor is the domain of Punctual, without any input or output: what
// a check is, what a ping does to it, when it is due, when its deadline passes
// and what its status is at a given moment.
//
// Everything here is a pure function of its arguments. Storing, locking and
// telling people belong to internal/store, internal/ping and internal/alert.
//
// Times are UTC with microsecond resolution, the finest both database engines
// keep. The zero time.Time means "none".
package monitor

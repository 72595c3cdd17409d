// Package incident tells the operators of Punctual about its errors:
// each error that nobody expected, and each panic, gets a reference number that
// stands on the page, in the log and in a report, which is mailed or posted.
//
//	handler, worker ── log.ErrorContext(ctx, "…", "error", err) ──> Handler
//	                                                                  │ ref, stack
//	                    log <── the line, with both ──────────────────┤
//	                                                                  ▼
//	                    mail, webhook <── queue <── Reporter: the same error once
//	                                                in ten minutes, few in an hour
//
// So whoever logs at the level of an error reports it: a line at that level is
// for what an operator has to know. Work that goes on after a panic runs in Catch.
//
// The package knows neither mail nor HTTP clients: internal/app hands over the
// ways to send. It never looks at the body of a request, and what it shows of the
// rest is chosen by what is known to be harmless (scrub.go).
package incident

// Package smtpd takes pings by e-mail (docs/contract.md §1.11): a mail to
// <uuid>@domain or <ping key>+<slug>@domain is a ping of that check.
//
//	mail server ──SMTP──> Server ── RCPT: the form of the address only: 250 or 550
//	                        │       DATA: read all, keep the first part of the raw message
//	                        │             take it apart for the keyword filters
//	                        │             one Arrival for each recipient ──> Recorder
//	                        └<── 250 OK ── when all of them are on disk
//
// What a sender hears:
//
//   - 250 OK once every ping is committed. Unknown checks and ambiguous slugs
//     hear the same: whether a check exists is nobody's business.
//   - 451 when the database is away: mail servers try again for days. A mail to
//     several checks may then count twice for some, which is the safe side.
//   - 552 above the size limit, 550 for addresses that are no check's, 452 for
//     too many recipients in one mail, 421 for too many connections.
//
// It relays nothing, knows no logins, and sends no bounces. With a certificate
// it offers STARTTLS, and takes a renewed one without a restart.
//
// Each connection holds at most the part of a message that is kept, the text in
// it, and a few kilobytes; a message beyond that is read and thrown away.
package smtpd

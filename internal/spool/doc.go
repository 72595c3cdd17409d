// Package spool is what a process that takes pings keeps on its local disk, so that
// it can answer 200 OK while its database does not take writes. It knows nothing of
// the database: what is appended, replayed and deleted is the Recorder's business.
//
//	ping ──> Append ──flushed──> 200 OK           the database is away
//	             │
//	          spool.db    entries in their order
//	             │
//	          Next ──> recorded and committed ──> Delete     it is back
//
// # An outage
//
// While the database is away, each ping becomes an Entry: all that is needed to
// record it later at the time at which it arrived, and to let the filters of its
// check read it then. Append returns when it is on the disk. Calls at the same time
// share one flush: each writes for all that wait.
//
// When the database is back, Next returns the entries in the order in which they
// were appended. Their numbers rise and are never used twice, by a spool of the same
// ID. So the database remembers, in the transaction that records a batch, up to
// which number it has come, and a batch that was committed is not recorded again
// when the process was killed before Delete. An entry that is Uncertain may have been
// recorded before it was appended, and is looked for by its arrival id: Taker and
// time.
//
// An empty spool gives its space back, and nothing of what was in it can be read in
// the files any more.
//
// # What can go wrong
//
//   - There is no room within the Limits: ErrFull, until Delete makes some. The disk
//     is full, read-only or broken, or somebody has removed the file: ErrUnwritable.
//     In each case nothing of that call is kept. A disk that hangs makes Append
//     hang: who must answer does not wait for it for ever.
//   - The process is killed, or the power fails: all that was acknowledged is there.
//     What was not may be there.
//   - The file is damaged: cut, overwritten, its log removed, or unreadable. That is
//     noticed when it is opened, as all of it is read, and when it is used. Each entry
//     and the ID have a checksum, SQLite's structures are checked, and a mark beside
//     the file tells how many entries there should be. A new file is made of what can
//     be read; the old one is set aside under a name that says so, and is never
//     removed. Damages tells what happened, how many are lost and from when to when
//     they have arrived, until ClearDamage: a blind interval is to be stored first.
//   - The numbers of what is lost: after a repair they leap, so that none is used
//     again. Where even the ID could not be read there is a new one, and all that was
//     kept is Uncertain.
//   - A second process opens the directory: ErrInUse. The directory does not outlive
//     the machine or the container: ErrVolatile. The file is of a newer program:
//     ErrNewer, and it stays as it is.
//
// # Addresses
//
// A taker without its database must tell a ping of a check from one of nobody.
// Addresses is a snapshot of all addresses, in a second file: codes, and for each
// that has a slug a hash of ping key and slug. Replace makes it, Apply keeps it up,
// both with the moment of which it is complete and a cursor to go on from. It is
// never in memory as a whole. A half-made one is never taken for complete: it is
// made under another name. One that is lost or damaged is made anew.
//
// # Files
//
// All are in one directory of mode 0700, with the mode 0600:
//
//	spool.db, -wal         the entries and what is known of damages
//	spool.db-mark          how many entries there are
//	spool.db-new, -ready-… while one is made
//	spool.db.damaged-…     set aside, with the moment
//	spool.lock             held by the process
//	addresses.db, -wal, -shm, -new
//
// The log of spool.db is flushed with each commit (synchronous=FULL); that of
// addresses.db is not (NORMAL), as it can be made anew.
//
// # Figures
//
// On 2 cores (AMD EPYC, ext4 on a virtual disk) that others kept busy as well (load
// 12 to 18), so that they are rather too low:
//
//	Append, 1 entry a call           0.6 ms   1,700 pings/s, one flush each
//	Append, 1 a call, 64 at once              12,000 pings/s
//	Append, 16 entries a call        1.1 ms   14,000 pings/s
//	Append, 256 entries a call       8.3 ms   31,000 pings/s
//	Next and Delete, 256 a call               40,000 pings/s
//	Open, all entries checked                140,000 pings/s: 7 s for a million
//	size of a short ping             142 B
//
//	snapshot of 1,000,000 checks, all with slugs: 81 MB on disk
//	Replace                       24 s, of which 8 s CPU
//	Known                         20,000 to 30,000/s by one, 60,000/s by 64
//	BySlug                        27,000/s by one
//	Apply, 100 changes at random  29 ms
//
// `go test -bench . ./internal/spool` measures them.
package spool

package spool

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// Entry is a ping that has been answered, or is about to be, and is not known to
// be in the database.
type Entry struct {
	// rises, and is never used twice by a spool; set by Next, not read by Append
	Seq int64
	// that the ping has arrived at: with the time it is the arrival id
	Taker uuid.UUID
	// of the check; zero: that of the slug
	Code    uuid.UUID
	PingKey string
	Slug    string
	// the check is to be made if there is none
	Create bool
	// all but CheckID and N; CreatedAt in whole microseconds, cut. Kind is as the URL
	// says, and the body is whole: filters are yet to read it, and whether it is kept
	// in the end is decided at replay.
	Ping monitor.Ping
	// what filters read of an e-mail; nil: it came by HTTP
	Mail *monitor.MailText
	// its commit was tried, and nobody knows whether it happened: before it is
	// recorded it is looked for by its arrival id
	Uncertain bool
}

// Classify returns what the ping says to a check with the filter, for
// store.Arrival.
func (e *Entry) Classify(f *monitor.Filter) monitor.PingKind {
	if e.Mail != nil {
		return monitor.ClassifyEmail(f, e.Mail.Subject, e.Mail.Text, e.Mail.HTML)
	}
	return monitor.ClassifyHTTP(f, e.Ping.Kind, e.Ping.Method, e.Ping.Body)
}

const schemaOfEntries = `CREATE TABLE entries (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	at INTEGER NOT NULL,
	taker BLOB NOT NULL,
	code BLOB,
	ping_key TEXT NOT NULL,
	slug TEXT NOT NULL,
	make_check INTEGER NOT NULL,
	kind TEXT NOT NULL,
	scheme TEXT NOT NULL,
	method TEXT NOT NULL,
	user_agent TEXT NOT NULL,
	remote_addr TEXT NOT NULL,
	rid BLOB,
	exit_status INTEGER,
	mail_subject TEXT,
	mail_text TEXT,
	mail_html TEXT,
	uncertain INTEGER NOT NULL,
	body BLOB,
	checksum INTEGER NOT NULL
) STRICT`

const columnsOfEntries = `seq, at, taker, code, ping_key, slug, make_check, kind, scheme, method, user_agent, remote_addr, rid, exit_status,
	mail_subject, mail_text, mail_html, uncertain, body, checksum`

const insertEntry = `INSERT INTO entries (` + columnsOfEntries + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// values are those of the columns.
func (e *Entry) values() []any {
	var code, rid []byte
	if e.Code != uuid.Nil {
		code = e.Code[:]
	}
	if e.Ping.RID.Valid {
		rid = e.Ping.RID.UUID[:]
	}
	var exit, subject, text, html any
	if e.Ping.ExitStatus != nil {
		exit = int64(*e.Ping.ExitStatus)
	}
	if e.Mail != nil {
		subject = e.Mail.Subject
		text = e.Mail.Text
		html = e.Mail.HTML
	}
	p := &e.Ping
	return []any{
		e.Seq, p.CreatedAt.UnixMicro(), e.Taker[:], code, e.PingKey, e.Slug, number(e.Create), string(p.Kind), p.Scheme, p.Method, p.UserAgent,
		p.RemoteAddr, rid, exit, subject, text, html, number(e.Uncertain), p.Body, int64(e.checksum()),
	}
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// row is an entry as it is read, column by column.
type row struct {
	seq, at              int64
	taker, code          []byte
	pingKey, slug        string
	create               bool
	kind, scheme, method string
	userAgent, remote    string
	rid                  []byte
	exit                 *int64
	subject, text, html  *string
	uncertain            bool
	body                 []byte
	checksum             int64
}

func (r *row) destinations() []any {
	return []any{
		&r.seq, &r.at, &r.taker, &r.code, &r.pingKey, &r.slug, &r.create, &r.kind, &r.scheme, &r.method, &r.userAgent,
		&r.remote, &r.rid, &r.exit, &r.subject, &r.text, &r.html, &r.uncertain, &r.body, &r.checksum,
	}
}

// entry is what the row holds; ok tells whether that is what was written.
func (r *row) entry() (e Entry, ok bool) {
	e = Entry{
		Seq: r.seq, PingKey: r.pingKey, Slug: r.slug, Create: r.create, Uncertain: r.uncertain,
		Ping: monitor.Ping{
			CreatedAt: time.UnixMicro(r.at).UTC(), Kind: monitor.PingKind(r.kind), Scheme: r.scheme, Method: r.method,
			UserAgent: r.userAgent, RemoteAddr: r.remote,
		},
	}
	copy(e.Taker[:], r.taker)
	copy(e.Code[:], r.code)
	if len(r.rid) > 0 {
		e.Ping.RID.Valid = true
		copy(e.Ping.RID.UUID[:], r.rid)
	}
	if r.exit != nil {
		status := int(*r.exit)
		e.Ping.ExitStatus = &status
	}
	if r.subject != nil && r.text != nil && r.html != nil {
		e.Mail = &monitor.MailText{Subject: *r.subject, Text: *r.text, HTML: *r.html}
	}
	if len(r.body) > 0 {
		e.Ping.Body = r.body
	}
	return e, int64(e.checksum()) == r.checksum
}

// castagnoli is the polynomial that processors know.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum tells an entry as it was written from one on a page that has changed.
func (e *Entry) checksum() uint32 {
	p := &e.Ping
	b := make([]byte, 0, 512)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(p.CreatedAt.UnixMicro()))
	b = append(b, e.Taker[:]...)
	b = append(b, e.Code[:]...)
	b = append(b, byte(number(e.Create)), byte(number(e.Uncertain)), byte(number(p.RID.Valid)))
	b = append(b, p.RID.UUID[:]...)
	exit := int64(-1 << 62)
	if p.ExitStatus != nil {
		exit = int64(*p.ExitStatus)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(exit))
	for _, s := range []string{e.PingKey, e.Slug, string(p.Kind), p.Scheme, p.Method, p.UserAgent, p.RemoteAddr} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	sum := crc32.Checksum(b, castagnoli)
	if e.Mail != nil {
		for _, s := range []string{e.Mail.Subject, e.Mail.Text, e.Mail.HTML} {
			b = binary.AppendUvarint(b[:0], uint64(len(s)))
			b = append(b, s...)
			sum = crc32.Update(sum, castagnoli, b)
		}
	}
	return crc32.Update(sum, castagnoli, p.Body)
}

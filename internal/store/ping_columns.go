package store

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// pingTable are the columns of the table pings, but for the body, which most reads
// leave out or cut. All statements that read or write pings are made of it when the
// program starts.
var pingTable = []column[monitor.Ping]{
	{"check_id", bigint(func(p *monitor.Ping) *int64 { return &p.CheckID })},
	{"n", bigint(func(p *monitor.Ping) *int64 { return &p.N })},
	{"created_at", times(func(p *monitor.Ping) *time.Time { return &p.CreatedAt })},
	{"kind", texts(func(p *monitor.Ping) *string { return (*string)(&p.Kind) })},
	{"scheme", texts(func(p *monitor.Ping) *string { return &p.Scheme })},
	{"method", texts(func(p *monitor.Ping) *string { return &p.Method })},
	{"ua", texts(func(p *monitor.Ping) *string { return &p.UserAgent })},
	{"remote_addr", textOrNull(func(p *monitor.Ping) *string { return &p.RemoteAddr })},
	{"rid", nullUUIDs(func(p *monitor.Ping) *uuid.NullUUID { return &p.RID })},
	{"exit_status", intOrNull(func(p *monitor.Ping) **int { return &p.ExitStatus })},
}

// pingBody is the column of the body.
var pingBody = column[monitor.Ping]{"body", blobs(func(p *monitor.Ping) *[]byte { return &p.Body })}

// What statements read and write of pings.
var (
	// A ping with its body.
	wholePing = newColumnSet("g", append(slices.Clone(pingTable), pingBody))
	// All but the body.
	pingWithoutBody = newColumnSet("g", pingTable)
)

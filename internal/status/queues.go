package status

import (
	"context"
	"fmt"
	"time"

	"punctual/internal/store"
	"punctual/internal/text"
)

// How long something may be due without anybody taking it. Alerts are what
// Punctual is for; other mails may wait for the next attempt of their sender.
const (
	outboxWarning = time.Minute
	outboxError   = 5 * time.Minute
	mailsWarning  = 5 * time.Minute
	mailsError    = 30 * time.Minute
)

// Outbox looks for how long deliveries and mails have been due without anybody
// taking them. What waits for its next attempt is not due.
func Outbox(open Open) Check {
	return Check{Name: "outbox", Title: "Outbox", Labels: []string{labelQueue, labelWorker},
		Run: reading(open, func(ctx context.Context, s *store.Store) Finding {
			deliveries, err := s.DeliveryBacklog(ctx)
			if err != nil {
				return unread(ctx, err)
			}
			mails, err := s.MailBacklog(ctx)
			if err != nil {
				return unread(ctx, err)
			}
			now := s.Now()
			lag := since(deliveries.Due, now)
			mailLag := since(mails.Due, now)
			f := Healthy(fmt.Sprintf("%s and %s wait, none too long", text.Plural(deliveries.Waiting, "delivery", "deliveries"),
				text.Plural(mails.Waiting, "mail", "mails")),
				Field{"deliveries", deliveries.Waiting}, Field{"deliveries_lag_seconds", seconds(lag)},
				Field{"deliveries_oldest_seconds", seconds(since(deliveries.Oldest, now))},
				Field{"mails", mails.Waiting}, Field{"mails_lag_seconds", seconds(mailLag)})
			if deliveries.Waiting+mails.Waiting == 0 {
				f.Fact = "nothing waits"
			}
			f.Severity = graded(mailLag, mailsWarning, mailsError)
			if f.Severity != OK {
				f.Fact = fmt.Sprintf("a mail has been due for %s; %s", text.Duration(mailLag), text.Plural(mails.Waiting, "waits", "wait"))
			}
			hold, err := s.AlertHold(ctx)
			if err != nil {
				return unread(ctx, err)
			}
			late := graded(lag, outboxWarning, outboxError)
			if hold != nil {
				// they wait on purpose
				late = OK
			}
			if late != OK && late >= f.Severity {
				f.Severity = late
				f.Fact = fmt.Sprintf("an alert has been due for %s; %s", text.Duration(lag), text.Plural(deliveries.Waiting, "waits", "wait"))
			}
			return f
		})}
}

// Hold tells whether operators hold all alerts.
func Hold(open Open) Check {
	return Check{Name: "hold", Title: "Alerts held", Labels: []string{labelQueue, labelWorker},
		Run: reading(open, func(ctx context.Context, s *store.Store) Finding {
			hold, err := s.AlertHold(ctx)
			if err != nil {
				return unread(ctx, err)
			}
			if hold == nil {
				return Healthy("no, alerts are sent", Field{"held_seconds", 0.0})
			}
			f := Finding{Severity: Warning, Fields: []Field{{"held_seconds", seconds(since(hold.Began, s.Now()))}}}
			f.Fact = fmt.Sprintf("%s has held all alerts for %s: nobody is told when a check goes down", hold.By, text.Duration(s.Now().Sub(hold.Began)))
			if !hold.Ends.IsZero() {
				f.Fact += fmt.Sprintf("; they are released in %s", text.Duration(hold.Ends.Sub(s.Now())))
			}
			return f
		})}
}

// Of the room in the ingest queue; beyond it pings are refused.
const (
	ingestWarning = 50
	ingestError   = 90
)

// Ingest looks at the pings that wait in this process to be recorded.
func Ingest(waiting func() int, capacity int) Check {
	return Check{Name: "ingest", Title: "Ingest queue", Labels: []string{labelQueue}, Run: func(context.Context) Finding {
		n := waiting()
		return Finding{
			Severity: graded(percent(uint64(n), uint64(capacity)), ingestWarning, ingestError),
			Fact:     fmt.Sprintf("%s, room for %d", text.Plural(n, "ping waits", "pings wait"), capacity),
			Fields:   []Field{{"length", n}, {"capacity", capacity}},
		}
	}}
}

// Kept is what a process keeps on its disk until the database takes it.
type Kept struct {
	Pings int
	// used of Limit
	Bytes, Limit int64
	// arrival of the oldest; zero: there is none
	Oldest time.Time
}

const (
	// for how long pings are kept, when a restart of the database is over
	keptWarning = 10 * time.Second
	keptError   = time.Minute
	// percent of the room
	spoolError = 80
)

// Spool looks at the pings that are kept on the disk of this process.
func Spool(look func() Kept, now func() time.Time) Check {
	return Check{Name: "spool", Title: "Kept pings", Labels: []string{labelQueue}, Run: func(context.Context) Finding {
		k := look()
		age := time.Duration(0)
		if !k.Oldest.IsZero() {
			age = max(0, now().Sub(k.Oldest))
		}
		f := Healthy("no ping is kept", Field{"pings", k.Pings}, Field{"bytes", k.Bytes}, Field{"oldest_seconds", seconds(age)})
		if k.Pings == 0 {
			return f
		}
		f.Fact = text.Plural(k.Pings, "ping is", "pings are") + " kept on this disk for " + text.Duration(age) + ": the database takes none"
		f.Severity = graded(age, keptWarning, keptError)
		if percent(uint64(max(0, k.Bytes)), uint64(max(1, k.Limit))) > spoolError {
			f.Severity = Error
			f.Fact += ", and there is hardly room for more"
		}
		return f
	}}
}

// graded is the severity of a value that is bad when it is large.
func graded[T time.Duration | float64](value, warning, bad T) Severity {
	switch {
	case value > bad:
		return Error
	case value > warning:
		return Warning
	}
	return OK
}

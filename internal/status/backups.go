package status

import (
	"context"
	"fmt"
	"time"

	"punctual/internal/db"
	"punctual/internal/text"
)

// Commits looks whether the SQLite database at path has lost commits, which it
// finds out when it is opened, and nobody has acknowledged that.
func Commits(path string) Check {
	return Check{Name: "commits", Title: "Commits", Labels: []string{labelData}, Run: func(context.Context) Finding {
		loss, err := db.ReadLoss(path)
		if err != nil {
			return Failed("not known", err)
		}
		if loss == nil {
			return Healthy("none has been lost")
		}
		return Finding{
			Severity: Error,
			Fact: fmt.Sprintf(
				"%d commits were lost, noticed at %s: the write-ahead log was cut or removed. `punctual status --acknowledge-loss` ends this message",
				loss.Missing, loss.At.UTC().Format("2006-01-02 15:04:05 UTC")),
			Fields: []Field{{"missing", loss.Missing}},
		}
	}}
}

// backupDelay is how much later than planned a backup may be: each takes its time.
const backupDelay = time.Hour

// clockSkew is how far in the future a backup may seem to have been made: clocks
// differ a little.
const clockSkew = time.Minute

// Backups looks at the age of the newest backup, which newest tells and which is
// to be made every so often; zero is none.
func Backups(newest func() (time.Time, error), every time.Duration, now func() time.Time) Check {
	return Check{Name: "backups", Title: "Backups", Labels: []string{labelData}, Run: func(context.Context) Finding {
		made, err := newest()
		if err != nil {
			return Failed("the directory for backups cannot be read", err)
		}
		if made.IsZero() {
			return Warn("there is none yet")
		}
		age := now().Sub(made)
		if age < -clockSkew {
			return Warn(fmt.Sprintf("the name of the newest says %s, which is in the future: has the clock been wrong? Remove or rename that file",
				made.UTC().Format("2006-01-02 15:04:05 UTC")))
		}
		f := Healthy(fmt.Sprintf("the newest is %s old", text.Duration(age.Truncate(time.Second))), Field{"age_seconds", seconds(age)})
		if age > every+max(every, backupDelay) {
			f.Severity = Error
		}
		return f
	}}
}

package app

import (
	"fmt"
	"time"

	"punctual/internal/db"
	"punctual/internal/text"
)

// clockWatch tells operators of clocks that are set.
type clockWatch struct {
	before   db.Apart
	notified bool
}

// lastingSkew is for how long clocks differ before that is told.
const lastingSkew = time.Minute

// look notes how far the time of this process and the database's are apart by now.
func (w *clockWatch) look(a *App, now db.Apart) {
	before := w.before
	w.before = now
	switch {
	case now.By != 0 && now.Alone && now.For >= lastingSkew && !w.notified:
		w.notified = true
		a.log.Error("the database's clock differs from this machine's and is not followed", "ahead", now.By.Round(time.Millisecond).String())
		a.incidents.Notify("The clocks do not agree", fmt.Sprintf("The database's clock is %s %s. Processes that run keep their time; a process "+
			"that starts takes the database's.\n\nSet the wrong clock right.", text.Duration(now.By.Abs()), sideOf(now.By)))
	case now.By == 0 && w.notified:
		w.notified = false
		a.log.Info("the database's clock agrees again")
		a.incidents.Notify("The clocks agree again", "The database's clock agrees with that of the processes again.")
	case now.By == 0 && before.By != 0 && !before.Alone && before.For >= lastingSkew-2*heartbeatInterval:
		a.log.Warn("the clock was set, and is followed", "by", before.By.Round(time.Millisecond).String())
		a.incidents.Notify("The clock was set", fmt.Sprintf("The clock was set by %s %s, and is followed. Runs that were due in a time that never "+
			"was are shown as unknown; where it was set back, deadlines come that much later.", text.Duration(before.By.Abs()), direction(before.By)))
	}
}

func sideOf(ahead time.Duration) string {
	if ahead > 0 {
		return "ahead of that of the processes"
	}
	return "behind that of the processes"
}

func direction(ahead time.Duration) string {
	if ahead > 0 {
		return "forward"
	}
	return "back"
}

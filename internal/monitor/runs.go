package monitor

// The outcomes of a run as RecentRuns keeps them, one byte each.
const (
	// success in time
	RunSuccess byte = 'u'
	// success of a run that came in the second half of the grace time, see late
	RunLate byte = 'l'
	// failure signal
	RunFail byte = 'd'
	// the deadline passed without a ping
	RunMissed byte = 'm'
	// nobody can tell: a blind interval hides it
	RunUnknown byte = '?'
)

// MaxRecentRuns is how many outcomes a check keeps for its list row.
const MaxRecentRuns = 30

// AppendRun adds an outcome to the end of runs, newest last, and drops the
// oldest beyond MaxRecentRuns. Kept on the check itself, the bars of a list of
// a thousand checks cost no look at their pings.
func AppendRun(runs string, outcome byte) string {
	if len(runs) >= MaxRecentRuns {
		runs = runs[len(runs)-MaxRecentRuns+1:]
	}
	return runs + string(outcome)
}

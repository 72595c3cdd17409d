package monitor

// The outcomes of a run as RecentRuns keeps them, one byte each.
const (
	RunSuccess byte = 'u' // success in time
	RunLate    byte = 'l' // success in the second half of the grace time
	RunFail    byte = 'd' // failure signal
	RunMissed  byte = 'm' // the deadline passed without a ping
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

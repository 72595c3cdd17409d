package channelstate

// Reach is whether anybody hears when a check goes down.
type Reach string

const (
	// Reached: through at least one channel.
	Reached Reach = ""
	// Nobody: no channel of the check tells that it goes down.
	Nobody Reach = "nobody"
	// AllBroken: some would, but none of them works.
	AllBroken Reach = "broken"
)

// ReachOf is the reach of a check: told is how many of its channels tell that it goes
// down, working through how many of them that works.
func ReachOf(notifying, working int) Reach {
	switch {
	case notifying == 0:
		return Nobody
	case working == 0:
		return AllBroken
	default:
		return Reached
	}
}

// Text is the reach in words, "" where somebody hears.
func (r Reach) Text() string {
	switch r {
	case Nobody:
		return "Nobody is told"
	case AllBroken:
		return "All its integrations are broken"
	default:
		return ""
	}
}

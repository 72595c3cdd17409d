package checks

import (
	"cmp"
	"slices"
	"strings"

	"punctual/internal/monitor"
	"punctual/web/ui/checkstate"
)

// defaultSort is the order of those who have chosen none.
const defaultSort = "created"

// sorts are the orders of the list, for ?sort= and the user's profile. With a dash
// in front the largest comes first.
func sorts() []string {
	return []string{"created", "name", "-name", "last_ping", "-last_ping", "duration", "-duration", "failures", "-failures", "next", "-next"}
}

// sortChoice is an entry of the menu of the view.
type sortChoice struct{ Value, Text string }

// Sorts are the orders as the menu has them.
func (p *checksPage) Sorts() []sortChoice {
	return []sortChoice{
		{"created", "As created"},
		{"name", "Name, A to Z"},
		{"-name", "Name, Z to A"},
		{"-last_ping", "Newest ping first"},
		{"last_ping", "Oldest ping first"},
		{"-duration", "Longest run first"},
		{"duration", "Shortest run first"},
		{"-failures", "Most failures first"},
		{"failures", "Fewest failures first"},
		{"next", "Next ping first"},
		{"-next", "Next ping last"},
	}
}

// OtherSort is what a click on a column's head asks for: the other direction, or
// what people look for first.
func (p *checksPage) OtherSort(column string) string {
	largest := "-" + column
	switch {
	case p.Sort == column:
		return largest
	case p.Sort == largest:
		return column
	case column == "duration" || column == "failures":
		return largest
	default:
		return column
	}
}

// sortHead is a button in the head of a column.
type sortHead struct {
	Value, Text, Tip string
	// the list is sorted by it
	On bool
}

// SortHead is for the partial "sort": the button sorts by the column.
func (p *checksPage) SortHead(column, text string) sortHead {
	head := sortHead{Value: p.OtherSort(column), Text: text, On: p.Direction(column) != ""}
	for _, s := range p.Sorts() {
		if s.Value == head.Value {
			head.Tip = s.Text
		}
	}
	return head
}

// Direction is how the column is sorted, as aria-sort has it: "ascending",
// "descending", or "" when the list is sorted by another.
func (p *checksPage) Direction(column string) string {
	switch p.Sort {
	case column:
		return "ascending"
	case "-" + column:
		return "descending"
	default:
		return ""
	}
}

// sortRows puts what is down first, then what is late, then the rest, each in
// the chosen order. Rows come in as created.
func sortRows(rows []checkRow, order string) {
	keys := make([]rowKey, len(rows))
	column, down := strings.CutPrefix(order, "-")
	for i := range rows {
		keys[i] = keyOf(&rows[i], column)
		keys[i].at = i
		if down {
			keys[i].value = -keys[i].value
		}
	}
	compare := compareKeys
	if order == "-name" {
		compare = func(a, b rowKey) int {
			a.name, b.name = b.name, a.name
			return compareKeys(a, b)
		}
	}
	slices.SortFunc(keys, compare)
	sorted := make([]checkRow, len(rows))
	for i, k := range keys {
		sorted[i] = rows[k.at]
	}
	copy(rows, sorted)
}

// rowKey is what a row is sorted by: each part where those before are equal.
type rowKey struct {
	urgency int
	// 1 = the row has no value: it comes last in both directions
	none int
	// of the column; negative when the largest comes first
	value int64
	// in lower case
	name string
	// as created
	at int
}

func keyOf(r *checkRow, column string) rowKey {
	k := rowKey{urgency: urgency(r.State)}
	has := true
	switch column {
	case "name":
		k.name = strings.ToLower(r.Title())
	case "last_ping":
		k.value = r.LastPing.UnixMicro()
		has = !r.LastPing.IsZero()
	case "duration":
		k.value = int64(r.LastDuration)
		has = r.LastDuration > 0
	case "failures":
		k.value = int64(failures(r.RecentRuns))
		has = r.RecentRuns != ""
	case "next":
		next := r.next()
		k.value = next.at.UnixMicro()
		has = next.kind != nextNone
	}
	if !has {
		k.none = 1
		k.value = 0
	}
	return k
}

// failures counts the runs, as RecentRuns has them, that failed or did not come.
func failures(runs string) int {
	return strings.Count(runs, string(monitor.RunFail)) + strings.Count(runs, string(monitor.RunMissed))
}

func compareKeys(a, b rowKey) int {
	c := cmp.Or(cmp.Compare(a.urgency, b.urgency), cmp.Compare(a.none, b.none), cmp.Compare(a.value, b.value))
	if c == 0 {
		c = compareNatural(a.name, b.name)
	}
	return cmp.Or(c, cmp.Compare(a.at, b.at))
}

func urgency(s checkstate.State) int {
	switch s {
	case checkstate.Down:
		return 0
	case checkstate.Late:
		return 1
	default:
		return 2
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compareNatural compares texts with runs of digits as numbers: "job 9" comes
// before "job 10".
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		if isDigit(a[0]) && isDigit(b[0]) {
			an, at := cutDigits(a)
			bn, bt := cutDigits(b)
			x := strings.TrimLeft(an, "0")
			y := strings.TrimLeft(bn, "0")
			c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
			if c != 0 {
				return c
			}
			a = at
			b = bt
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a = a[1:]
		b = b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// cutDigits splits off the digits a text begins with.
func cutDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

package monitor

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxExitStatus is the largest exit status that Unix programs have.
const maxExitStatus = 255

// IsExitStatus tells whether text is written like an exit status: decimal
// digits, and where a minus is before them they are not all zero.
func IsExitStatus(text string) bool {
	digits, negative := strings.CutPrefix(text, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	return !negative || strings.Trim(digits, "0") != ""
}

// ParseExitStatus reads the exit status of a program. Unix programs have 0 to
// 255. Windows programs have any 32 bits, which some tools write as a signed
// number and others as an unsigned one: -1 to -2147483648, and 2147483648 to
// 4294967295, which are the same numbers. They are returned as the signed number.
//
// ok is false for 256 to 2147483647, which no program of Unix has and hardly one
// of Windows, for what is beyond 32 bits, and for what is no number.
func ParseExitStatus(text string) (status int, ok bool) {
	if !IsExitStatus(text) {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || n < math.MinInt32 || n > math.MaxUint32:
		return 0, false
	case n > math.MaxInt32:
		return int(n - 1<<32), true
	case n > maxExitStatus:
		return 0, false
	}
	return int(n), true
}

// ExitStatusText writes an exit status for people: a negative one, as Windows
// programs have, also in the ways that Windows and its documentation write it,
// "-1073741510 (0xC000013A), unsigned 3221225786".
func ExitStatusText(status int) string {
	if status >= 0 {
		return strconv.Itoa(status)
	}
	unsigned := uint32(int32(status)) //nolint:gosec // 32 bits, read as unsigned
	return fmt.Sprintf("%d (0x%08X), unsigned %d", status, unsigned, unsigned)
}

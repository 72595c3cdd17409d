package monitor_test

import (
	"testing"

	"punctual/internal/monitor"
)

// Every boundary from both sides.
func TestExitStatuses(t *testing.T) {
	for text, want := range map[string]int{
		"0": 0, "000": 0, "1": 1, "007": 7, "255": 255, "00000000000000000000255": 255,
		"-1": -1, "-007": -7, "-255": -255, "-256": -256, "-1073741510": -1073741510, "-2147483647": -2147483647, "-2147483648": -2147483648,
		"2147483648": -2147483648, "2147483649": -2147483647, "3221225786": -1073741510, "4294967294": -2, "4294967295": -1, "0004294967295": -1,
	} {
		got, ok := monitor.ParseExitStatus(text)
		if !ok || got != want {
			t.Errorf("%s is %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"256", "0256", "999", "2147483646", "2147483647", "4294967296", "-2147483649", "-4294967295",
		"9223372036854775807", "18446744073709551615", "99999999999999999999999", "-99999999999999999999999",
	} {
		got, ok := monitor.ParseExitStatus(text)
		if ok {
			t.Errorf("%s is %d, want none", text, got)
		}
		if !monitor.IsExitStatus(text) {
			t.Errorf("%s is not written like an exit status", text)
		}
	}
	for _, text := range []string{"", "-", "--1", "+1", "-0", "-000", "1-", "1.5", "1e3", "0x1", " 1", "1 ", "−1", "one", "-a"} {
		if monitor.IsExitStatus(text) {
			t.Errorf("%q is written like an exit status", text)
		}
		_, ok := monitor.ParseExitStatus(text)
		if ok {
			t.Errorf("%q is an exit status", text)
		}
	}
}

func TestExitStatusesAreShownBothWays(t *testing.T) {
	for status, want := range map[int]string{
		0: "0", 3: "3", 255: "255",
		-1:          "-1 (0xFFFFFFFF), unsigned 4294967295",
		-1073741510: "-1073741510 (0xC000013A), unsigned 3221225786",
		-2147483648: "-2147483648 (0x80000000), unsigned 2147483648",
	} {
		got := monitor.ExitStatusText(status)
		if got != want {
			t.Errorf("%d is shown as %q, want %q", status, got, want)
		}
	}
}

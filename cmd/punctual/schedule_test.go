package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// scheduleOutput runs `punctual schedule` at a fixed time.
func scheduleOutput(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	w := &world{stdin: strings.NewReader(""), stdout: &out, stderr: &errs,
		now: func() time.Time { return time.Date(2026, 3, 28, 12, 0, 0, 123456789, time.UTC) }}
	code = execute(context.Background(), append([]string{"schedule"}, args...), w)
	return code, out.String(), errs.String()
}

func TestSchedulePrintsJSON(t *testing.T) {
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"30 2 * * *", "--tz", "Europe/Berlin", "-n", "2"}, `["2026-03-29T01:00:00Z","2026-03-30T00:30:00Z"]`},
		{[]string{"30 2 * * *", "--from", "2026-10-25T02:00:00+01:00", "--tz", "Europe/Berlin", "-n", "1"}, `["2026-10-26T01:30:00Z"]`},
		{[]string{"1h30m", "-n", "2"}, `["2026-03-28T13:30:00Z","2026-03-28T15:00:00Z"]`},
		{[]string{"90", "-n", "1"}, `["2026-03-28T12:01:30Z"]`},
		{[]string{"Mon..Fri 09:30 America/New_York", "-n", "1"}, `["2026-03-30T13:30:00Z"]`},
		{[]string{"2027-01-01\n2026-12-31", "-n", "5"}, `["2026-12-31T00:00:00Z","2027-01-01T00:00:00Z"]`},
		{[]string{"2020-01-01"}, `[]`},
		{[]string{"@daily", "--tz", "Europe/Riga", "-n", "1"}, `["2026-03-28T22:00:00Z"]`},
		{[]string{"08:00\n\n09:00", "-n", "2"}, `["2026-03-29T08:00:00Z","2026-03-29T09:00:00Z"]`},
	} {
		code, stdout, stderr := scheduleOutput(append(row.args, "--json")...)
		if code != exitDone || strings.TrimSpace(stdout) != row.want || stderr != "" {
			t.Errorf("%q: exit code %d, %s%s, want %s", row.args, code, stdout, stderr, row.want)
		}
	}
}

func TestScheduleExplains(t *testing.T) {
	code, stdout, stderr := scheduleOutput("30 2 * * *", "--tz", "Europe/Berlin", "-n", "2")
	want := `At 02:30 every day

Kind:       cron expression
Time zone:  Europe/Berlin
From:       Sat 2026-03-28 13:00:00 CET
Note:       On 2026-03-29 clocks in Europe/Berlin go from 02:00 to 03:00: the time 02:30 that day moves to 03:00.
Note:       On 2026-10-25 clocks in Europe/Berlin go back from 03:00 to 02:00: the time 02:30 comes twice that day, and a ping is expected the first time.

Europe/Berlin                  UTC
Sun 2026-03-29 03:00:00 CEST   Sun 2026-03-29 01:00:00
Mon 2026-03-30 02:30:00 CEST   Mon 2026-03-30 00:30:00
`
	if code != exitDone || stdout != want || stderr != "" {
		t.Errorf("exit code %d, stderr %q, stdout\n%s\nwant\n%s", code, stderr, stdout, want)
	}
	if _, stdout, _ := scheduleOutput("2020-01-01"); !strings.Contains(stdout, "It does not occur again.") {
		t.Errorf("an ended schedule is explained as\n%s", stdout)
	}
}

func TestScheduleRefuses(t *testing.T) {
	for _, row := range []struct {
		args   []string
		code   int
		reason string
	}{
		{[]string{"61 * * * *"}, exitFailed, `minute: "61" is not within 0-59`},
		{[]string{"0 0 31 2 *"}, exitFailed, "never comes"},
		{[]string{"*-02-30"}, exitFailed, "never occurs"},
		{[]string{strings.Repeat(" ", 97) + "daily"}, exitFailed, "at most 100"},
		{[]string{"59"}, exitFailed, "at least one minute"},
		{[]string{"366 days"}, exitFailed, "at most 365 days"},
		{[]string{"@reboot"}, exitFailed, "@reboot names no time"},
		{[]string{"0 0 3 * * *"}, exitFailed, `the first is for seconds, which no job is watched by. Use: punctual schedule "0 3 * * *"`},
		{[]string{"CRON_TZ=Europe/Riga 0 3 * * *"}, exitFailed, `Use: punctual schedule "0 3 * * *" --tz Europe/Riga`},
		{[]string{"0 3 * * * /usr/bin/backup.sh --all"}, exitFailed, `whole line of a crontab`},
		{[]string{"5min"}, exitFailed, "neither a period"},
		{[]string{"daily", "--tz", "europe/riga"}, exitUsage, "IANA time zone"},
		{[]string{"daily", "--from", "yesterday"}, exitUsage, "2026-03-29T01:00:00Z"},
		{[]string{"daily", "-n", "0"}, exitUsage, "1-1000"},
		{[]string{"daily", "-n", "1001"}, exitUsage, "1-1000"},
		{[]string{}, exitUsage, "expr"},
	} {
		code, stdout, stderr := scheduleOutput(row.args...)
		if code != row.code || !strings.Contains(stderr, row.reason) || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("%q: exit code %d, stderr %q, want %d, %q", row.args, code, stderr, row.code, row.reason)
		}
	}
}

// What the docs show of `punctual schedule` is what it prints.
func TestSchedulesInTheDocsArePrintedSo(t *testing.T) {
	samples := 0
	for _, file := range []string{"../../README.md", "../../docs/schedules.md"} {
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// README has them indented
		text := strings.ReplaceAll("\n"+string(page), "\n    ", "\n")
		for _, found := range regexp.MustCompile("(?s)\n\\$ punctual schedule ([^\n]*)\n(.*?)\n(?:```|## )").FindAllStringSubmatch(text, -1) {
			samples++
			var args []string
			for _, word := range regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`).FindAllString(found[1], -1) {
				args = append(args, strings.Trim(word, `"'`))
			}
			_, stdout, stderr := scheduleOutput(args...)
			got := strings.TrimSpace(stdout + stderr)
			want := strings.TrimSpace(found[2])
			if got != want {
				t.Errorf("%s: punctual schedule %s\ngot\n%s\nthe page has\n%s", file, found[1], got, want)
			}
		}
	}
	if samples != 4 {
		t.Errorf("%d samples", samples)
	}
}

package schedule

import (
	"strings"
	"testing"
)

func TestHints(t *testing.T) {
	for expr, want := range map[string]struct{ part, use, tz string }{
		"0 0 3 * * *":                          {"the first is for seconds", "0 3 * * *", ""},
		"* * * * * *":                          {"the first is for seconds", "* * * * *", ""},
		"0 0 12 ? * MON-FRI":                   {"seconds", "0 12 * * MON-FRI", ""},
		"0 0 3 * * ? *":                        {"this one has 7", "0 3 * * *", ""},
		"0 3 * * * 2027":                       {"none for the year", "0 3 * * *", ""},
		"0 3 * * * /usr/bin/backup.sh":         {"whole line of a crontab", "0 3 * * *", ""},
		"*/5 * * * * root cd / && run-parts x": {"whole line of a crontab", "*/5 * * * *", ""},
		"@daily /usr/bin/backup.sh":            {"whole line of a crontab", "@daily", ""},
		"CRON_TZ=Europe/Riga 0 3 * * *":        {"choose Europe/Riga", "0 3 * * *", "Europe/Riga"},
		"TZ=US/Eastern 0 3 * * *":              {"choose America/New_York", "0 3 * * *", "America/New_York"},
		"CRON_TZ=Mars/Base 0 3 * * *":          {"not known", "", ""},
		"CRON_TZ=UTC 0 0 3 * * *":              {"choose UTC", "0 3 * * *", "UTC"},
		"H 3 * * *":                            {"Jenkins", "0 3 * * *", ""},
		"H/15 * * * *":                         {"Jenkins", "*/15 * * * *", ""},
		"H(10-29) H(2-4) * * 1-5":              {"Jenkins", "10 2 * * 1-5", ""},
		"H H H * *":                            {"Jenkins", "0 0 1 * *", ""},
		"0 3 ? * MON":                          {"question mark", "0 3 * * MON", ""},
		"0 3 L-3 * *":                          {"OnCalendar has them", "*-*~04 03:00", ""},
		"0 3 l-3 2 ?":                          {"OnCalendar has them", "*-2~04 03:00", ""},
		"*/5 3 L-3 * *":                        {"OnCalendar has them", "", ""},
		"0 3 L-99 * *":                         {"OnCalendar has them", "", ""},
		"0 3 15W * *":                          {"LW", "", ""},
		"@reboot":                              {"@reboot names no time", "", ""},
		"@Daily":                               {"small letters", "@daily", ""},
		"@every 5m":                            {"a period of 5 minutes instead", "", ""},
		"@every":                               {"a period instead", "", ""},
		"OnCalendar=daily":                     {"OnCalendar= of a timer file", "daily", ""},
		"OnCalendar=*-*-* 04:00":               {"only what follows it", "*-*-* 04:00", ""},
		"OnCalendar=nonsense":                  {"only what follows it", "", ""},
		"0 3 * * * # nightly":                  {"A comment does not belong", "0 3 * * *", ""},
		"0 3 * * * #":                          {"A comment does not belong", "0 3 * * *", ""},
		"@fortnightly":                         {"There are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly", "", ""},
		"61 * * * *":                           {"", "", ""},
		"0 3 * * THU":                          {"", "", ""},
		"":                                     {"", "", ""},
		"noon":                                 {"", "", ""},
	} {
		got := HintFor(expr)
		if !strings.Contains(got.Sentence, want.part) || (want.part == "") != (got.Sentence == "") || got.Use != want.use || got.TZ != want.tz {
			t.Errorf("%q: %+v, want %+v", expr, got, want)
		}
	}
}

package schedule

import (
	"testing"
	"time"
)

func TestDescribeCron(t *testing.T) {
	for expr, want := range map[string]string{
		"* * * * *":             "Every minute",
		"*/5 * * * *":           "Every 5 minutes",
		"0 * * * *":             "Every hour",
		"5 * * * *":             "At 5 minutes past every hour",
		"1 * * * *":             "At 1 minute past every hour",
		"0,20,40 * * * *":       "Every 20 minutes",
		"0,20,45 * * * *":       "At 0, 20 and 45 minutes past every hour",
		"10-30 * * * *":         "Every minute from :10 through :30 of every hour",
		"10/20 * * * *":         "Every 20 minutes from :10 through :50 of every hour",
		"*/7 * * * *":           "Every 7 minutes from :00 through :56 of every hour",
		"5-59/10 * * * *":       "Every 10 minutes from :05 through :55 of every hour",
		"0 3 * * *":             "At 03:00 every day",
		"0 3 * * 1-5":           "At 03:00 on Monday through Friday",
		"30 3,15 * * *":         "At 03:30 and 15:30 every day",
		"5 0,6,12,18 * * *":     "Every 6 hours at 5 minutes past the hour",
		"0 */2 * * *":           "Every 2 hours",
		"15 */2 * * *":          "Every 2 hours at 15 minutes past the hour",
		"0 0,12 * * *":          "At 00:00 and 12:00 every day",
		"0 9-17 * * 1-5":        "Every hour from 09:00 through 17:00 on Monday through Friday",
		"30 9-17 * * *":         "Every hour from 09:30 through 17:30",
		"*/15 9-17 * * MON-FRI": "Every 15 minutes from 09:00 through 17:45 on Monday through Friday",
		"* 3 * * *":             "Every minute from 03:00 through 03:59",
		"*/10 3 * * *":          "Every 10 minutes from 03:00 through 03:50",
		"10-40/5 3 * * *":       "Every 5 minutes from 03:10 through 03:40",
		"*/15 3,7,9 * * *":      "Every 15 minutes of the hours 03:00, 07:00 and 09:00",
		"5,10 */2 * * *":        "At 5 and 10 minutes past every 2nd hour",
		"12-36/8 8-16/2 * * *":  "Every 8 minutes from :12 through :36 of every 2nd hour from 08:00 through 16:00",
		"0 0 1 * *":             "At 00:00 on the 1st of the month",
		"0 0 1,15 * *":          "At 00:00 on the 1st and 15th of the month",
		"0 0 1-7 * *":           "At 00:00 on the 1st through 7th of the month",
		"0 0 */2 * *":           "At 00:00 on every 2nd day of the month",
		"0 0 10/5 * *":          "At 00:00 on every 5th day of the month from the 10th on",
		"0 0 25 12 *":           "At 00:00 on the 25th of December",
		"0 0 1 */3 *":           "At 00:00 on the 1st of January, April, July and October",
		"0 0 1 1-6 *":           "At 00:00 on the 1st of every month from January through June",
		"0 0 * 1 *":             "At 00:00 every day in January",
		"0 12 * 6-8 MON":        "At 12:00 on Monday from June through August",
		"0 0 L * *":             "At 00:00 on the last day of the month",
		"0 0 L 2 *":             "At 00:00 on the last day of February",
		"0 0 LW * *":            "At 00:00 on the last workday (Monday to Friday) of the month",
		"0 0 1,LW * *":          "At 00:00 on the 1st and the last workday (Monday to Friday) of the month",
		"0 0 * * 5L":            "At 00:00 on the last Friday of the month",
		"0 0 * * MON#2":         "At 00:00 on the 2nd Monday of the month",
		"0 0 * 1,7 MON#2,FRI#1": "At 00:00 on the 1st Friday and the 2nd Monday of January and July",
		"0 0 13 * 5":            "At 00:00 on the 13th of the month or on Friday",
		"0 0 13 3 5":            "At 00:00 on the 13th of the month or on Friday, in March",
		"0 0 */2 * MON":         "At 00:00 on every 2nd day of the month, if it falls on Monday",
		"0 0 1 * 1#1":           "At 00:00 on the 1st of the month or on the 1st Monday of the month",
		"0 0 * * 0":             "At 00:00 on Sunday",
		"0 0 * * 6,0":           "At 00:00 on Saturday and Sunday",
		"0 0 * * */2":           "At 00:00 on Tuesday, Thursday, Saturday and Sunday",
		"0 0 29 2 *":            "At 00:00 on the 29th of February",
		"1,2,3,30 1,5,9 * * *":  "At 1 through 3 and 30 minutes past every 4th hour from 01:00 through 09:00",
		"0 0 1-31 * 5":          "At 00:00 every day",
		"0 6/4 * * *":           "Every 4 hours from 06:00 through 22:00",
		"30 0-4 * * *":          "Every hour from 00:30 through 04:30",
		"*/30 * * * *":          "Every 30 minutes",
		"0 0 28-31 * 1-5":       "At 00:00 on the 28th through 31st of the month or on Monday through Friday",
		"0 0 *,10 * 2":          "At 00:00 on Tuesday",
	} {
		s, err := parseCron(expr, time.UTC)
		if err != nil {
			t.Fatalf("%q: %v", expr, err)
		}
		got := s.Describe()
		if got != want {
			t.Errorf("%q is described as %q, want %q", expr, got, want)
		}
	}
}

func TestDescribeOnCalendar(t *testing.T) {
	for text, want := range map[string]string{
		"minutely":                        "Every minute",
		"hourly":                          "Every hour",
		"daily":                           "At 00:00 every day",
		"weekly":                          "At 00:00 on Monday",
		"monthly":                         "At 00:00 on the 1st of the month",
		"yearly":                          "At 00:00 on the 1st of January",
		"quarterly":                       "At 00:00 on the 1st of January, April, July and October",
		"semiannually":                    "At 00:00 on the 1st of January and July",
		"*:*:*":                           "Every second",
		"*:*:0/10":                        "Every 10 seconds",
		"*:*:30":                          "At second 30 of every minute",
		"*:0/15":                          "Every 15 minutes",
		"Mon..Fri 09:30 America/New_York": "At 09:30 on Monday through Friday (America/New_York time)",
		"2027-01-01\n*-*~02 08:00":        "At 00:00 on the 1st of January 2027; and at 08:00 on the 2nd to last day of the month",
		"Mon *-05~07/1":                   "At 00:00 on the last 7 days of May, if it falls on Monday",
		"Wed-Fri *-1":                     "At 00:00 on the 1st of the month, if it falls on Wednesday through Friday",
		"*-*-5/3 08:05:40":                "At 08:05:40 on every 3rd day of the month from the 5th on",
		"*-*~1":                           "At 00:00 on the last day of the month",
		"*-*~1..7":                        "At 00:00 on the last 7 days of the month",
		"*-*~1,3 06:00":                   "At 06:00 on the last and 3rd to last day of the month",
		"2024..2030-02-29 12:00":          "At 12:00 on the 29th of February from 2024 through 2030",
		"2025/2-1-1":                      "At 00:00 on the 1st of January in 2025, 2027, 2029, 2031 and later years",
		"2025,2026-06-15 06:15":           "At 06:15 on the 15th of June from 2025 through 2026",
		"Tue 2028-02-29":                  "At 00:00 on the 29th of February 2028, if it falls on Tuesday",
		"Sat,Sun 12-05 08:05:40":          "At 08:05:40 on the 5th of December, if it falls on Saturday or Sunday",
		"Thu *-7/5-11,13,25 4,7,19:0,6,58:23..37/1": "Every second from :23 through :37 of minutes 0, 6 and 58 past 04:00, 07:00 and 19:00 " +
			"on the 11th, 13th and 25th of July and December, if it falls on Thursday",
		"Mon,Wed *-5-15 0,18,19:24..27/5": "At 00:24, 18:24 and 19:24 on the 15th of May, if it falls on Monday or Wednesday",
		"Wed,Sat 1:*:10":                  "At second 10 of every minute of the hour 01:00 on Wednesday and Saturday",
		"08:00\n09:00\nSat 10:00":         "At 08:00 every day; at 09:00 every day; and at 10:00 on Saturday",
		"2..11:42:30,33,41":               "At seconds 30, 33 and 41 of minute 42 past every hour from 02:00 through 11:00",
		"2026/1-*-* 12:00":                "At 12:00 every day from 2026 on",
		"*:19/1:26,36,47":                 "At seconds 26, 36 and 47 of minutes 19 through 59 past every hour",
	} {
		s, err := parseOnCalendar(text, time.UTC)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got := s.Describe()
		if got != want {
			t.Errorf("%q is described as %q, want %q", text, got, want)
		}
	}
}

func TestDescribePeriod(t *testing.T) {
	for period, want := range map[time.Duration]string{
		time.Minute:                   "Every minute",
		5 * time.Minute:               "Every 5 minutes",
		90 * time.Minute:              "Every 1 hour, 30 minutes",
		24 * time.Hour:                "Every day",
		14 * 24 * time.Hour:           "Every 2 weeks",
		36*time.Hour + 20*time.Second: "Every 1 day, 12 hours",
	} {
		got := Every(period).Describe()
		if got != want {
			t.Errorf("a period of %s is described as %q, want %q", period, got, want)
		}
	}
}

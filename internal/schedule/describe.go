package schedule

import "time"

func (s *CronSchedule) Describe() string          { return "" }
func (s *CalendarSchedule) Describe() string      { return "" }
func Warnings(s Schedule, now time.Time) []string { return nil }

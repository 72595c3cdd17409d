package main

import "testing"

func TestASettingThatMeansTheSocketIsNotWarnedOf(t *testing.T) {
	for setting, c := range map[string]struct {
		address string
		want    bool
	}{
		":8000":              {"[::]:8000", true},
		"0.0.0.0:8000":       {"[::]:8000", true},
		"localhost:8000":     {"127.0.0.1:8000", true},
		"[::1]:8000":         {"[::1]:8000", true},
		":8001":              {"[::]:8000", false},
		"127.0.0.1:8000":     {"127.0.0.1:8000", true},
		"127.0.0.2:8000":     {"127.0.0.1:8000", false},
		"192.0.2.1:8000":     {"[::]:8000", false},
		"[::ffff:1.2.3.4]:1": {"1.2.3.4:1", true},
		"nonsense":           {"[::]:8000", false},
	} {
		got := sameAddress(setting, c.address)
		if got != c.want {
			t.Errorf("%s at %s: %v", setting, c.address, got)
		}
	}
}

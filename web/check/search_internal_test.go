package check

import (
	"strings"
	"testing"
)

func FuzzSearchShowsWhatItFound(f *testing.F) {
	f.Add([]byte("Disk FULL on /var"), 5, 9)
	f.Add([]byte("\xff\xc3é\x00"), 1, 4)
	f.Fuzz(func(t *testing.T, body []byte, from, until int) {
		if from < 0 || until < from || until > len(body) {
			t.Skip()
		}
		h := around(body, from, until)
		if h.Text != string(body[from:until]) || len(h.Before) > 200 || len(h.After) > 500 || strings.ContainsAny(h.Before+h.After, "\n\r\x00") {
			t.Errorf("%q", h)
		}
	})
}

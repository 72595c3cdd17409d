package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// figure is one number; its name holds the unit.
type figure struct {
	name  string
	value float64
}

func num[T int | int64 | float64](name string, value T) figure { return figure{name, float64(value)} }

func ms(name string, d time.Duration) figure {
	return figure{name, float64(d) / float64(time.Millisecond)}
}

func seconds(name string, d time.Duration) figure { return figure{name, d.Seconds()} }

func megabytes(name string, bytes int64) figure { return figure{name, float64(bytes) / (1 << 20)} }

func percent(name string, part, whole float64) figure { return figure{name, 100 * part / whole} }

// figures keep their order in tables and in JSON.
type figures []figure

// MarshalJSON writes an object.
func (fs figures) MarshalJSON() ([]byte, error) { //nolint:unparam // json.Marshaler has it
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range fs {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", f.name, strconv.FormatFloat(f.value, 'f', -1, 64))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// row is one measurement.
type row struct {
	Section string `json:"section"`
	// "" = without a database
	Engine  string  `json:"engine,omitempty"`
	What    string  `json:"what"`
	Figures figures `json:"figures"`
	// the row that the percentage compares with
	Ceiling string `json:"ceiling,omitempty"`
}

// report collects the rows of a run.
type report struct {
	Machine machineInfo `json:"machine"`
	Started time.Time   `json:"started"`
	Rows    []row       `json:"rows"`
	// promises that were not kept
	Failures []string `json:"failures"`

	ceilings map[string]float64
}

func (b *bench) add(r row) {
	b.report.Rows = append(b.report.Rows, r)
	var text strings.Builder
	for _, f := range r.Figures {
		fmt.Fprintf(&text, "  %s %s", f.name, show(f.value))
	}
	b.progress("%s %s %s:%s", r.Section, r.Engine, r.What, &text)
}

// failed notes that a promise was not kept: figures go on, the run fails.
func (b *bench) failed(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	b.report.Failures = append(b.report.Failures, text)
	b.progress("NOT KEPT: %s", text)
}

func (r *report) setCeiling(name string, rate float64) {
	if r.ceilings == nil {
		r.ceilings = make(map[string]float64)
	}
	r.ceilings[name] = rate
}

// ofCeiling compares rate with the lowest of the ceilings of this run: the whole
// cannot be faster than its slowest part. It returns nothing when none was measured.
func (r *report) ofCeiling(rate float64, names ...string) (fs figures, lowest string) {
	for _, name := range names {
		v := r.ceilings[name]
		if v > 0 && (lowest == "" || v < r.ceilings[lowest]) {
			lowest = name
		}
	}
	if lowest == "" {
		return nil, ""
	}
	return figures{percent("of ceiling %", rate, r.ceilings[lowest])}, lowest
}

func (r *report) verdict() error {
	if len(r.Failures) == 0 {
		return nil
	}
	return errors.New("promises not kept:\n  " + strings.Join(r.Failures, "\n  "))
}

func (r *report) save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644) //nolint:gosec // for everybody to read
	}
	if err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	return nil
}

// print writes the rows of a section as a table. Rows with other figures than
// the row above begin a table of their own.
func (r *report) table(w io.Writer, section string) {
	var table [][]string
	var last []string
	flush := func() {
		align(w, table)
		table = nil
		last = nil
	}
	for _, row := range r.Rows {
		if row.Section != section {
			continue
		}
		head := []string{section, ""}
		cells := []string{row.Engine, row.What}
		for _, f := range row.Figures {
			head = append(head, f.name)
			cells = append(cells, show(f.value))
		}
		if row.Ceiling != "" {
			head = append(head, "")
			cells = append(cells, "of "+row.Ceiling)
		}
		if !slices.Equal(head, last) {
			flush()
			table = [][]string{head}
			last = head
		}
		table = append(table, cells)
	}
	flush()
}

// align writes words to the left and numbers to the right.
func align(w io.Writer, table [][]string) {
	if len(table) == 0 {
		return
	}
	width := make([]int, len(table[0]))
	for _, cells := range table {
		for i, c := range cells {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	fmt.Fprintln(w)
	for _, cells := range table {
		var line strings.Builder
		for i, c := range cells {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			words := i < 2 || table[0][i] == ""
			if words {
				line.WriteString(c + pad + "  ")
			} else {
				line.WriteString(pad + c + "  ")
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// show writes a number with three digits that count, and thousands apart.
func show(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 10 && v != float64(int64(v)):
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 100 && v != float64(int64(v)):
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	text := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// quantile returns the value that the share q (0 to 1) of them does not exceed;
// zero of none. It sorts them.
func quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(q*float64(len(values))))]
}

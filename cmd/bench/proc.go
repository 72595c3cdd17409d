package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc on every Linux machine (USER_HZ).
const tick = 10 * time.Millisecond

// procStat is the part of /proc/PID/stat that counts here.
type procStat struct {
	parent int
	// CPU time; descended: of children that have ended
	own, descended time.Duration
}

func readStat(pid int) (s procStat, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// the name before it may hold anything
	end := bytes.LastIndexByte(text, ')')
	if err != nil || end < 0 {
		return s, false
	}
	f := strings.Fields(string(text[end+1:]))
	if len(f) < 15 {
		return s, false
	}
	// the kernel writes numbers
	number := func(i int) int { n, _ := strconv.Atoi(f[i]); return n }
	s.parent = number(1)
	s.own = time.Duration(number(11)+number(12)) * tick
	s.descended = time.Duration(number(13)+number(14)) * tick
	return s, true
}

// cpu is the CPU time a process has used so far.
func cpu(pid int) time.Duration {
	s, _ := readStat(pid)
	return s.own
}

// cpuWithChildren adds that of its children, those that have ended included:
// PostgreSQL has a process for each connection.
func cpuWithChildren(pid int) time.Duration {
	s, _ := readStat(pid)
	total := s.own + s.descended
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		child, _ := strconv.Atoi(filepath.Base(dir))
		c, ok := readStat(child)
		if ok && c.parent == pid {
			total += c.own
		}
	}
	return total
}

// field reads a number from a file of "name: number" lines; 0 when it is not there.
func field(path, name string) int64 {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		value, ok := strings.CutPrefix(line, name+":")
		if ok {
			n, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return n
		}
	}
	return 0
}

func rss(pid int) int64     { return 1024 * field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS") }
func peakRSS(pid int) int64 { return 1024 * field(fmt.Sprintf("/proc/%d/status", pid), "VmHWM") }

// resetPeak makes peakRSS begin again at what is used now.
func resetPeak(pid int) { _ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0) }

// written is how many bytes the process has sent towards the disk.
func written(pid int) int64 { return field(fmt.Sprintf("/proc/%d/io", pid), "write_bytes") }

// busy is the CPU time that the whole machine has used so far, for whomever.
func busy() time.Duration {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	var total time.Duration
	for n, word := range strings.Fields(line) {
		// the name, idle, waiting for disks, guests (counted as user)
		if n == 0 || n == 4 || n == 5 || n > 8 {
			continue
		}
		ticks, _ := strconv.Atoi(word)
		total += time.Duration(ticks) * tick
	}
	return total
}

// stopwatch tells what share of the machine others have used meanwhile: under
// their load the figures are lower than the machine can do.
type stopwatch struct {
	began time.Time
	busy  time.Duration
}

func startWatch() stopwatch { return stopwatch{time.Now(), busy()} }

// others is the figure; ours is the CPU time that was spent on the measurement.
func (s stopwatch) others(ours time.Duration) figure {
	whole := time.Since(s.began) * time.Duration(runtime.NumCPU())
	return percent("others' CPU %", max(0, (busy()-s.busy-ours).Seconds()), whole.Seconds())
}

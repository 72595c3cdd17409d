package status

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// labelOwn is the label of the checks an operator adds by settings.
const labelOwn = "own"

// HTTPDependency is a web address that Punctual, or its operator, depends on.
type HTTPDependency struct {
	Name string
	// may lead to a private address: the operator has set it
	URL string
	// the status codes that are well; none = 200 to 299. Redirects are not followed
	Expect  []int
	Timeout time.Duration
}

// HTTP asks for the address and looks at the status code.
func HTTP(d HTTPDependency, userAgent string) Check {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return Check{Name: d.Name, Labels: []string{labelOwn}, Timeout: d.Timeout, Run: func(ctx context.Context) Finding {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL, http.NoBody)
		if err != nil {
			return Failed("cannot be asked", err)
		}
		req.Header.Set("User-Agent", userAgent)
		start := time.Now()
		res, err := client.Do(req)
		switch {
		case ctx.Err() != nil:
			return Failed("does not answer in time", err)
		case err != nil:
			return Failed("does not answer", err)
		}
		res.Body.Close()
		took := time.Since(start)
		f := Healthy(fmt.Sprintf("answers %d in %s", res.StatusCode, quick(took)), Field{"code", res.StatusCode},
			Field{"answer_ms", milliseconds(took)})
		if !d.expects(res.StatusCode) {
			f.Severity = Error
		}
		return f
	}}
}

func (d HTTPDependency) expects(code int) bool {
	if len(d.Expect) == 0 {
		return code >= 200 && code <= 299
	}
	return slices.Contains(d.Expect, code)
}

// CommandDependency is a program that looks at something we know nothing of.
type CommandDependency struct {
	Name string
	Path string
	Args []string
	// all of its environment
	Env     []string
	Timeout time.Duration
}

// Command runs a program, without a shell. Its exit code is the severity, as of a
// plugin for Nagios: 0 well, 1 a warning, everything else an error. The first line
// it writes is the fact.
func Command(d CommandDependency) Check {
	return Check{Name: d.Name, Labels: []string{labelOwn}, Timeout: d.Timeout, Run: func(ctx context.Context) Finding {
		cmd := exec.CommandContext(ctx, d.Path, d.Args...)
		stdout := &firstLine{}
		stderr := &firstLine{}
		cmd.Env = d.Env
		cmd.Dir = "/"
		cmd.Stdout = stdout
		cmd.Stderr = stderr
		// What it has started goes with it, and may not keep us by holding its output.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
		cmd.WaitDelay = grace / 2
		err := cmd.Run()
		fact := stdout.text()
		if fact == "" {
			fact = stderr.text()
		}
		if ctx.Err() != nil {
			return Failed("did not end in time", ctx.Err())
		}
		// -1: it did not run, or a signal ended it
		code := cmd.ProcessState.ExitCode()
		if code < 0 {
			return Failed(or(fact, "did not end by itself"), err)
		}
		f := Finding{Severity: Error, Fact: or(fact, fmt.Sprintf("exit code %d", code)), Fields: []Field{{"exit_code", code}}}
		switch code {
		case 0:
			f.Severity = OK
		case 1:
			f.Severity = Warning
		}
		return f
	}}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// firstLine keeps the first line written to it, and no more of it than a reader wants.
type firstLine struct {
	buf   bytes.Buffer
	ended bool
}

// longestFact is how much of a line is kept, in bytes.
const longestFact = 200

// Write never fails: the rest is dropped.
func (l *firstLine) Write(b []byte) (int, error) {
	room := longestFact - l.buf.Len()
	if !l.ended && room > 0 {
		line, _, found := bytes.Cut(b, []byte("\n"))
		l.buf.Write(line[:min(room, len(line))])
		l.ended = found
	}
	return len(b), nil
}

// text is the line without what would upset a terminal, and without half a letter
// at its end.
func (l *firstLine) text() string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(l.buf.String(), "")))
}

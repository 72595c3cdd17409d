package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"punctual/internal/db"
)

// supervisor keeps sockets open for processes that come and go, as systemd does.
type supervisor struct {
	names []string
	files []*os.File
}

// socket is one that it can pass on.
type socket interface {
	io.Closer
	File() (*os.File, error)
}

// passes adds a socket under that name; the test closes it.
func (s *supervisor) passes(t *testing.T, name string, l any, err error) {
	t.Helper()
	must(t, err)
	// net's listeners and packet connections are
	own := l.(socket)
	t.Cleanup(func() { own.Close() })
	f, err := own.File()
	must(t, err)
	t.Cleanup(func() { f.Close() })
	s.names = append(s.names, name)
	s.files = append(s.files, f)
}

// listens adds a TCP socket and returns its address.
func (s *supervisor) listens(t *testing.T, name string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.passes(t, name, l, err)
	return l.Addr().String()
}

// launch starts punctual with the sockets. The shell stands in for the supervisor's
// fork: only there is the number of the process known before the program begins.
func (s *supervisor) launch(t *testing.T, e env, args ...string) *process {
	t.Helper()
	cmd := e.command(t, args...)
	cmd.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`}, cmd.Args...)
	cmd.Path = "/bin/sh"
	cmd.ExtraFiles = s.files
	cmd.Env = append(cmd.Env, fmt.Sprintf("LISTEN_FDS=%d", len(s.files)), "LISTEN_FDNAMES="+strings.Join(s.names, ":"))
	return launch(t, cmd, strings.Join(args, " "))
}

func (s *supervisor) start(t *testing.T, e env, args ...string) *process {
	t.Helper()
	p := s.launch(t, e, args...)
	p.waitFor("Punctual is running")
	return p
}

// behind is the instance at the address of a socket. Its setting names a port that
// is taken, so that nothing can be listening by it.
func (e env) behind(t *testing.T, address string) env {
	t.Helper()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { taken.Close() })
	return e.with(env{"PUNCTUAL_SITE_ROOT": "http://" + address, "PUNCTUAL_LISTEN": taken.Addr().String()})
}

// One process with a socket for everything it listens on. None of its settings names an
// address, the self-checks find it all the same, and nothing of it reaches the programs it runs.
func TestEverythingListensOnSocketsOfSystemd(t *testing.T) {
	t.Parallel()
	var s supervisor
	mail := s.listens(t, "smtp")
	pings := s.listens(t, "ping")
	figures := s.listens(t, "metrics")
	site := s.listens(t, "http")
	seen := filepath.Join(t.TempDir(), "seen")
	spy := filepath.Join(t.TempDir(), "spy")
	must(t, os.WriteFile(spy, []byte("#!/bin/sh\n{ env; ls -l /proc/self/fd; } >"+seen+"\n"), 0o700))
	e := newEnv(t, db.SQLite).behind(t, site).with(env{
		"PUNCTUAL_PING_EMAIL_DOMAIN": "hc.example.org",
		"PUNCTUAL_STATUS_TOKENS":     "token",
		"PUNCTUAL_STATUS_COMMAND":    "spy=" + spy,
	})
	p := s.start(t, e, "up")
	for name, address := range map[string]string{"http": site, "smtp": mail, "ping": pings, "metrics": figures} {
		p.waitFor(`"msg":"listening on a socket of systemd","socket":"` + name + `","address":"` + address + `"`)
	}
	p.waitFor(`PUNCTUAL_LISTEN=` + e["PUNCTUAL_LISTEN"] + ` has no effect: systemd has opened ` + site)

	s2 := e.store(t)
	code := watched(t, s2, 1, nil)[0]
	b := e.browser(t)
	for _, address := range []string{"http://" + site + "/ping/" + code.String(), "http://" + pings + "/" + code.String()} {
		status, body, _ := b.get(address)
		if status != 200 || body != "OK" {
			t.Errorf("%s: %d, %s", address, status, body)
		}
	}
	_, body, _ := b.get("http://" + figures + "/metrics")
	if !strings.Contains(body, "punctual_pings_total") {
		t.Errorf("no figures at the socket for them: %.200s", body)
	}
	status, _, _ := b.get("/metrics")
	if status != http.StatusNotFound {
		t.Errorf("figures on the site: %d", status)
	}
	_, body, _ = b.get("/status/?format=json&check=smtpd&check=spy&watchman-token=token")
	if !strings.Contains(body, `"healthy": true`) || !strings.Contains(body, "takes mail at "+mail) {
		t.Errorf("status: %s", body)
	}
	told, err := os.ReadFile(seen)
	must(t, err)
	if strings.Contains(string(told), "LISTEN_") || strings.Contains(string(told), "socket:") {
		t.Errorf("a program that it runs has got:\n%s", told)
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// What cannot be used stops the start, before anything is made.
func TestASocketOfTheWrongSortStopsTheStart(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	tcp := func(s *supervisor, name string) {
		s.listens(t, name)
	}
	for name, c := range map[string]struct {
		command string
		pass    func(s *supervisor)
		want    string
	}{
		"UDP": {"up", func(s *supervisor) {
			l, err := net.ListenPacket("udp", "127.0.0.1:0")
			s.passes(t, "http", l, err)
		}, `the socket "http", which is for datagrams: allowed is a TCP socket that listens (ListenStream=PORT or ADDRESS:PORT, with Accept=no)`},
		"unix": {"up", func(s *supervisor) {
			l, err := net.Listen("unix", directory+"/s")
			s.passes(t, "http", l, err)
		}, `the socket "http", which is the unix socket ` + directory + `/s: allowed is a TCP socket`},
		"unknown": {"up", func(s *supervisor) {
			tcp(s, "web")
		}, `the socket "web", which this process has no use for: allowed as FileDescriptorName= of its socket units are http, ping, smtp, metrics`},
		"of another command": {"serve", func(s *supervisor) {
			tcp(s, "smtp")
		}, `the socket "smtp", which this process has no use for: allowed as FileDescriptorName= of its socket units are http, ping, metrics`},
		"of none": {"sendalerts", func(s *supervisor) {
			tcp(s, "http")
		}, `the socket "http", which this process has no use for: allowed as FileDescriptorName= of its socket units are metrics`},
		"two": {"smtpd", func(s *supervisor) {
			tcp(s, "smtp")
			tcp(s, "smtp")
		}, `the socket "smtp", more than once: allowed is one ListenStream= for each name`},
	} {
		var s supervisor
		c.pass(&s)
		e := newEnv(t, db.SQLite)
		p := s.launch(t, e, c.command)
		<-p.ended
		exit := p.cmd.ProcessState.ExitCode()
		if exit != 1 || !strings.Contains(p.log(), "punctual: systemd has passed "+c.want) {
			t.Errorf("%s: exit %d\n%s", name, exit, p.log())
		}
		_, err := os.Stat(strings.TrimPrefix(e["PUNCTUAL_DATABASE_URL"], "sqlite:"))
		if err == nil {
			t.Errorf("%s: a database was made", name)
		}
	}
}

// The sender that comes while smtpd restarts is greeted by the next one.
func TestMailWaitsForTheNextProcess(t *testing.T) {
	t.Parallel()
	var s supervisor
	address := s.listens(t, "punctual-smtpd.socket")
	e := newEnv(t, db.SQLite).with(env{"PUNCTUAL_PING_EMAIL_DOMAIN": "hc.example.org"})
	e.migrated(t)
	for range 2 {
		p := s.start(t, e, "smtpd")
		p.waitFor("taking pings by e-mail")
		if code := p.terminate(); code != 0 {
			t.Errorf("exit %d", code)
		}
		sender, err := net.Dial("tcp", address)
		must(t, err)
		defer sender.Close()
		s.start(t, e, "smtpd")
		greeting, err := bufio.NewReader(sender).ReadString('\n')
		if err != nil || !strings.HasPrefix(greeting, "220 ") {
			t.Errorf("%q, %v", greeting, err)
		}
	}
}

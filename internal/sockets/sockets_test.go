package sockets

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// filer is what a socket can be passed by.
type filer interface {
	io.Closer
	File() (*os.File, error)
}

// passed is a socket as a supervisor passes it, under that name.
func passed(t *testing.T, name string, open func() (any, error)) *os.File {
	t.Helper()
	socket, err := open()
	if err != nil {
		t.Fatal(err)
	}
	file, ok := socket.(*os.File)
	if !ok {
		f := socket.(filer)
		file, err = f.File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
	}
	return renamed(t, file, name)
}

// renamed is the same file with another name.
func renamed(t *testing.T, file *os.File, name string) *os.File {
	t.Helper()
	t.Cleanup(func() { file.Close() })
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), name)
}

func tcp() (any, error) { return net.Listen("tcp", "127.0.0.1:0") }

func TestSocketsAreTakenByName(t *testing.T) {
	for name, c := range map[string]struct {
		names []string
		want  []string
	}{
		"none":                         {nil, nil},
		"by their names":               {[]string{"smtp", "http"}, []string{"http", "smtp"}},
		"one has the name of its unit": {[]string{"punctual-web.socket"}, []string{"http"}},
		"one has no name":              {[]string{"LISTEN_FD_3"}, []string{"http"}},
		"one that is nobody's choice":  {[]string{"unknown"}, []string{"http"}},
	} {
		t.Run(name, func(t *testing.T) {
			var files []*os.File
			for _, n := range c.names {
				files = append(files, passed(t, n, tcp))
			}
			got, err := listeners(files, []string{"http", "smtp"})
			if err != nil || len(got) != len(c.want) {
				t.Fatal(got, err)
			}
			for _, n := range c.want {
				defer got[n].Close()
				conn, err := net.Dial("tcp", got[n].Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				accepted, err := got[n].Accept()
				if err != nil {
					t.Fatal(err)
				}
				accepted.Close()
			}
		})
	}
}

// A socket that is closed by its process is still there for the next.
func TestASocketOutlivesItsProcess(t *testing.T) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	again := func() (any, error) {
		f, err := socket.(filer).File()
		return f, err
	}
	first, err := listeners([]*os.File{passed(t, "http", again)}, []string{"http"})
	if err != nil {
		t.Fatal(err)
	}
	first["http"].Close()
	waiting, err := net.Dial("tcp", socket.Addr().String())
	if err != nil {
		t.Fatal("refused:", err)
	}
	defer waiting.Close()
	second, err := listeners([]*os.File{passed(t, "http", again)}, []string{"http"})
	if err != nil {
		t.Fatal(err)
	}
	defer second["http"].Close()
	accepted, err := second["http"].Accept()
	if err != nil {
		t.Fatal(err)
	}
	accepted.Close()
}

func TestASocketThatIsOfNoUseIsNamed(t *testing.T) {
	inDirectory := filepath.Join(t.TempDir(), "s")
	udp := func() (any, error) { return net.ListenPacket("udp", "127.0.0.1:0") }
	unix := func() (any, error) { return net.Listen("unix", inDirectory) }
	file := func() (any, error) { return os.Open(os.DevNull) }
	connection := func() (any, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		return net.Dial("tcp", l.Addr().String())
	}
	for name, c := range map[string]struct {
		open []func() (any, error)
		name string
		want string
	}{
		"UDP":          {[]func() (any, error){udp}, "http", `systemd has passed the socket "http", which is for datagrams: allowed is a TCP`},
		"unix":         {[]func() (any, error){unix}, "http", `"http", which is the unix socket ` + inDirectory + `: allowed is a TCP socket`},
		"no socket":    {[]func() (any, error){file}, "http", `"http", which is none (socket operation on non-socket): allowed is a TCP`},
		"a connection": {[]func() (any, error){connection}, "http", `"http", which does not listen: allowed is a TCP socket that listens`},
		"unknown name": {[]func() (any, error){tcp}, "web", `"web", which this process has no use for: allowed as FileDescriptorName= of its ` +
			`socket units are http, metrics`},
		"twice":         {[]func() (any, error){tcp, tcp}, "http", `"http", more than once: allowed is one ListenStream= for each name`},
		"several alike": {[]func() (any, error){tcp, tcp}, "p.socket", `"p.socket", which this process has no use for: allowed as`},
	} {
		t.Run(name, func(t *testing.T) {
			var files []*os.File
			for _, open := range c.open {
				files = append(files, passed(t, c.name, open))
			}
			got, err := listeners(files, []string{"http", "metrics"})
			if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
				t.Errorf("%v, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

// Of several that are wrong each is told.
func TestEachSocketOfNoUseIsTold(t *testing.T) {
	files := []*os.File{passed(t, "web", tcp), passed(t, "http", tcp), passed(t, "mail", tcp)}
	_, err := listeners(files, []string{"http"})
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Error(err)
	}
}

// What was meant for another process is not taken, and not left to the programs we run.
func TestSocketsOfAnotherProcessAreLeftAlone(t *testing.T) {
	for _, name := range Variables {
		t.Setenv(name, "1")
	}
	got, err := Take([]string{"http"})
	if err != nil || len(got) != 0 {
		t.Error(got, err)
	}
	for _, name := range Variables {
		_, found := os.LookupEnv(name)
		if found {
			t.Errorf("%s is still in the environment", name)
		}
	}
}

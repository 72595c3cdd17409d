package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is a running server. Its log goes to a file, as it would in service.
type process struct {
	cmd *exec.Cmd
	log string
	// HOST:PORT of its HTTP server
	addr  string
	ended chan struct{}
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// spawn starts a server and returns when it is ready.
func (b *bench) spawn(ctx context.Context, name string, env []string, program string, args ...string) (*process, error) {
	file, err := os.CreateTemp(b.dir, name+"-*.log")
	if err != nil {
		return nil, fmt.Errorf("make a log file: %w", err)
	}
	// the process has its own
	defer file.Close()
	p := &process{cmd: exec.CommandContext(ctx, program, args...), log: file.Name(), ended: make(chan struct{})}
	p.cmd.Dir = b.dir
	p.cmd.Stdout = file
	p.cmd.Stderr = file
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir}, env...)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		// how it ended is seen where it matters
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	up := wait(ctx, 20*time.Millisecond, 30*time.Second, func() bool {
		select {
		case <-p.ended:
			return true
		default:
		}
		text, _ := os.ReadFile(p.log)
		return bytes.Contains(text, []byte(ready))
	})
	select {
	case <-p.ended:
		up = false
	default:
	}
	if !up {
		p.kill()
		return nil, fmt.Errorf("%s did not start:\n%s", name, p.tail())
	}
	return p, nil
}

func (p *process) tail() []byte {
	text, _ := os.ReadFile(p.log)
	return text[max(0, len(text)-2000):]
}

// stop ends the process in order. A server that cannot has lost something.
func (p *process) stop() error {
	select {
	case <-p.ended:
		return fmt.Errorf("the server ended by itself:\n%s", p.tail())
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(40 * time.Second):
		p.kill()
		return fmt.Errorf("the server did not end in time:\n%s", p.tail())
	}
	code := p.cmd.ProcessState.ExitCode()
	if code != 0 {
		return fmt.Errorf("the server ended with %d:\n%s", code, p.tail())
	}
	return nil
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// freeAddr is an address of this machine that nobody listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// bare starts the server that only says OK.
func (b *bench) bare(ctx context.Context) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p, err := b.spawn(ctx, roleBare, []string{roleEnv + "=" + roleBare, addrEnv + "=" + addr}, b.self)
	if err != nil {
		return nil, err
	}
	p.addr = addr
	return p, nil
}

// start starts the program under test on the instance, as serve or sendalerts.
func (i *instance) start(ctx context.Context, role string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	env := append(i.env(), "PUNCTUAL_LISTEN="+addr, "PUNCTUAL_SITE_ROOT=http://"+addr)
	program := i.binary
	args := []string{role}
	if i.profile != "" {
		if err := os.MkdirAll(i.profile, 0o755); err != nil { //nolint:gosec // the developer's own
			return nil, fmt.Errorf("directory of profiles: %w", err)
		}
		out, err := filepath.Abs(filepath.Join(i.profile, fmt.Sprintf("%s-%s-%s.cpu", i.engine, role, time.Now().Format("150405.000"))))
		if err != nil {
			return nil, fmt.Errorf("directory of profiles: %w", err)
		}
		program = i.self
		args = nil
		env = append(env, roleEnv+"="+role, profileEnv+"="+out)
	}
	p, err := i.spawn(ctx, role, env, program, args...)
	if err != nil {
		return nil, err
	}
	p.addr = addr
	return p, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"syscall"

	"punctual/internal/app"
	"punctual/internal/config"
)

// A copy of this program can act as another one, told so by the environment:
// as the bare server that is the ceiling, or as Punctual with a profiler.
const (
	roleEnv    = "BENCH_ROLE"
	addrEnv    = "BENCH_ADDR"
	profileEnv = "BENCH_PROFILE"

	roleBare = "bare"
)

// actRole does what the environment asks for and returns true, or returns false.
func actRole() (code int, acted bool) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch role := os.Getenv(roleEnv); role {
	case "":
		return 0, false
	case roleBare:
		err = serveBare(ctx, os.Getenv(addrEnv))
	default:
		err = profiled(ctx, app.Role(role), os.Getenv(profileEnv))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench as %s: %v\n", os.Getenv(roleEnv), err)
		return 1, true
	}
	return 0, true
}

// ready is what each server logs when it takes requests.
const ready = "Punctual is running"

// serveBare answers OK to everything: the most that net/http can do here.
func serveBare(ctx context.Context, addr string) error {
	l, err := net.Listen("tcp", addr) //nolint:noctx // an address of this machine
	if err != nil {
		return err
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // loopback only
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "OK")
	})}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	fmt.Fprintln(os.Stderr, ready)
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// profiled runs Punctual as the binary does and writes a CPU profile.
func profiled(ctx context.Context, role app.Role, path string) error {
	env := make(map[string]string)
	for _, line := range os.Environ() {
		name, value, _ := strings.Cut(line, "=")
		env[name] = value
	}
	cfg, err := config.Load(env)
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	return app.Run(ctx, role, app.Options{Config: cfg, Log: log, Version: "bench"})
}

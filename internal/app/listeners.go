package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"punctual/internal/config"
	"punctual/internal/sockets"
)

// Sockets are listening sockets that systemd has opened for this process, by the
// name of the setting in whose place they are used: "listen", "smtpd-listen".
type Sockets map[string]net.Listener

// socketNames are the names (FileDescriptorName=) of the sockets that may be used
// in the place of a setting.
var socketNames = map[string]string{
	"listen": "http", "ping-listen": "ping", "smtpd-listen": "smtp", "metrics-listen": "metrics",
}

// TakeSockets takes the sockets that were passed to a process of the role; none is
// no error. It is called once, before the settings are read: the addresses of the
// sockets are their values. The error says which socket the role has no use for.
func TakeSockets(role Role) (Sockets, error) {
	settings := role.listens()
	var names []string
	for _, setting := range settings {
		names = append(names, socketNames[setting])
	}
	passed, err := sockets.Take(names)
	if err != nil {
		return nil, err
	}
	all := Sockets{}
	for _, setting := range settings {
		l := passed[socketNames[setting]]
		if l != nil {
			all[setting] = l
		}
	}
	return all, nil
}

// listens are the settings with the addresses a process of the role may listen on,
// the one it is there for first.
func (r Role) listens() []string {
	switch r {
	case Up:
		return []string{"listen", "ping-listen", "smtpd-listen", "metrics-listen"}
	case Serve:
		return []string{"listen", "ping-listen", "metrics-listen"}
	case SMTPD:
		return []string{"smtpd-listen", "metrics-listen"}
	default:
		return []string{"metrics-listen"}
	}
}

// listener is the socket that systemd has opened in the place of the setting, or a
// new one at the address.
func (a *App) listener(ctx context.Context, opts net.ListenConfig, setting, address string) (net.Listener, error) {
	if a.ahead != nil && a.ahead.listeners[setting] != nil {
		return a.ahead.listeners[setting], nil
	}
	inherited := a.opts.Sockets[setting]
	if inherited != nil {
		a.log.Info("listening on a socket of systemd", "socket", socketNames[setting], "address", inherited.Addr().String())
		return inherited, nil
	}
	l, err := opts.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, listenError(setting, address, err)
	}
	return l, nil
}

// listenError says what stands in the way of listening at the address, and which
// setting names another.
func listenError(setting, address string, err error) error {
	reason := "choose another address"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		reason = "another program listens there; stop it, or choose another port"
	case errors.Is(err, syscall.EACCES):
		reason = "ports below 1024 need a right of their own (AmbientCapabilities=CAP_NET_BIND_SERVICE, or a proxy in front); or choose a " +
			"higher port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		reason = "this machine does not have that address; leave out the host to listen on all of them"
	}
	return fmt.Errorf("%s: cannot listen on %s: %s: %w", config.Variable(setting), address, reason, err)
}

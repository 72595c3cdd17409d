package main

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"

	"punctual/internal/app"
	"punctual/internal/config"
	"punctual/internal/sockets"
)

// listenOn gives the settings the addresses of the sockets that systemd has opened,
// whatever flags and environment say, so that all that depends on them is right. It
// returns a warning for each setting that says something else. What tells of the
// sockets is not passed on to programs that we run.
func (s *settings) listenOn(w *world, passed app.Sockets) (ignored []string) {
	for _, name := range sockets.Variables {
		delete(w.env, name)
	}
	for _, flag := range slices.Sorted(maps.Keys(passed)) {
		address := passed[flag].Addr().String()
		variable := config.Variable(flag)
		wanted := s.given[flag]
		if wanted == "" {
			wanted = w.env[variable]
		}
		if wanted != "" && !sameAddress(wanted, address) {
			ignored = append(ignored, fmt.Sprintf("%s=%s has no effect: systemd has opened %s for this process (ListenStream= of the socket unit)",
				variable, wanted, address))
		}
		s.given[flag] = address
	}
	return ignored
}

// sameAddress tells whether a setting may mean the address that is listened on. The
// names of hosts are not looked up: they may.
func sameAddress(setting, address string) bool {
	host, port, err := net.SplitHostPort(setting)
	at, atErr := netip.ParseAddrPort(address)
	if err != nil || atErr != nil || port != fmt.Sprint(at.Port()) {
		return false
	}
	ip, err := netip.ParseAddr(host)
	if host == "" {
		return at.Addr().IsUnspecified()
	}
	return err != nil || ip.Unmap() == at.Addr().Unmap() || ip.IsUnspecified() && at.Addr().IsUnspecified()
}

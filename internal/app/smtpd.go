package app

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"

	"punctual/internal/logs"
	"punctual/internal/smtpd"
)

// takesMail tells whether the process listens for pings by e-mail.
func (a *App) takesMail() bool { return a.role == SMTPD || a.role == Up && a.cfg.SMTPDListen != "" }

// listenSMTP opens the listener for pings by e-mail and serves it.
func (a *App) listenSMTP(ctx context.Context) error {
	srv, err := smtpd.New(smtpd.Config{
		Domain: a.cfg.PingEmailDomain, Checks: a.store, Recorder: a.recorder, Now: a.store.Now, Log: logs.In(a.log, logs.SMTPD),
		CertFile: a.cfg.SMTPDTLSCert, KeyFile: a.cfg.SMTPDTLSKey,
		Limits: smtpd.Limits{
			Message: int64(a.cfg.SMTPDMaxMessage), Keep: keepOf(a.cfg.PingEmailLimit),
			Connections: a.cfg.SMTPDMaxConnections, PerAddress: a.cfg.SMTPDMaxPerAddress, Recipients: a.cfg.SMTPDMaxRecipients,
		},
	})
	if err != nil {
		return err
	}
	l, err := a.smtpListener(ctx)
	if err != nil {
		return err
	}
	a.smtpd = srv
	a.smtpAddr = l.Addr()
	a.loops.Go(func() {
		if err := srv.Serve(a.watched(l)); err != nil {
			a.fail(err)
		}
	})
	a.log.Info("taking pings by e-mail", "address", l.Addr().String(), "domain", a.cfg.PingEmailDomain, "starttls", a.cfg.SMTPDTLSCert != "")
	return nil
}

// keepOf turns the 0 of the setting, all of it, into that of smtpd.
func keepOf(limit int) int {
	if limit == 0 {
		return -1
	}
	return limit
}

// smtpListener is the socket that systemd has opened for us, where a unit
// without the right to port 25 is to have it, else a new one.
func (a *App) smtpListener(ctx context.Context) (net.Listener, error) {
	if a.role == SMTPD {
		inherited, err := activation.Listeners()
		switch {
		case err != nil:
			return nil, fmt.Errorf("the socket of systemd: %w", err)
		case len(inherited) > 1 || len(inherited) == 1 && inherited[0] == nil:
			return nil, errors.New("the socket unit of systemd must have one ListenStream=")
		case len(inherited) == 1:
			return inherited[0], nil
		}
	}
	address := a.cfg.SMTPDListen
	if address == "" {
		address = ":25"
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, listenError("PUNCTUAL_SMTPD_LISTEN", address, err)
	}
	return l, nil
}

package app

import (
	"context"
	"net"

	"punctual/internal/logs"
	"punctual/internal/smtpd"
)

// takesMail tells whether the process listens for pings by e-mail.
func (a *App) takesMail() bool { return a.role == SMTPD || a.role == Up && a.cfg.SMTPDListen != "" }

// listenSMTP opens the listener for pings by e-mail and serves it.
func (a *App) listenSMTP(ctx context.Context) error {
	srv, err := smtpd.New(smtpd.Config{
		Domain: a.cfg.PingEmailDomain, Checks: a.recorder, Recorder: a.recorder, Now: a.store.Now, Log: logs.In(a.log, logs.SMTPD),
		CertFile: a.cfg.SMTPDTLSCert, KeyFile: a.cfg.SMTPDTLSKey,
		Limits: smtpd.Limits{
			Message: int64(a.cfg.SMTPDMaxMessage), Keep: keepOf(a.cfg.PingEmailLimit),
			Connections: a.cfg.SMTPDMaxConnections, PerAddress: a.cfg.SMTPDMaxPerAddress, Recipients: a.cfg.SMTPDMaxRecipients,
		},
	})
	if err != nil {
		return err
	}
	address := a.cfg.SMTPDListen
	if address == "" {
		address = ":25"
	}
	l, err := a.listener(ctx, net.ListenConfig{}, "smtpd-listen", address)
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

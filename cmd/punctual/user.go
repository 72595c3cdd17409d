package main

import (
	"context"
	"fmt"
	"log/slog"

	"punctual/internal/auth"
	"punctual/internal/config"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/store"
	"punctual/templates"
)

// userCmd is `punctual user …`.
type userCmd struct {
	ResetTwoFactor userResetTwoFactorCmd `cmd:"" name:"reset-2fa" help:"Take two-factor sign-in away from an account whose owner has lost all factors."`
}

// userResetTwoFactorCmd is `punctual user reset-2fa`: what the page of users does
// for superusers, without a browser.
type userResetTwoFactorCmd struct {
	Settings settings `embed:""`

	Email string `arg:"" placeholder:"ADDRESS" help:"E-mail address of the account. It is told by mail."`
}

// Run removes the factors and says how many there were.
func (c *userResetTwoFactorCmd) Run(ctx context.Context, w *world) error {
	address, err := auth.Address("email", c.Email)
	if err != nil {
		return usageError(errs.Message(err))
	}
	cfg, _, err := c.Settings.open(w)
	if err != nil {
		return err
	}
	st, closeStore, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer closeStore()
	s, err := newAccountsWithMail(cfg, st)
	if err != nil {
		return err
	}
	user, err := st.UserByEmail(ctx, address)
	if errs.KindOf(err) == errs.NotFound {
		return errs.NotFoundf("there is no account of %s", address)
	}
	if err != nil {
		return err
	}
	n, err := s.RemoveFactors(ctx, user)
	switch {
	case err != nil:
		return err
	case n == 0:
		fmt.Fprintf(w.stdout, "%s has no second factor.\n", address)
	default:
		fmt.Fprintf(w.stdout, "%s logs in with one step now; factors removed: %d.\n", address, n)
	}
	return nil
}

// post is what a command needs whose work is told to people: the mail waits in
// the database for the running processes to send it.
type post struct {
	composer *mail.Composer
	queue    *mail.Queue
}

func newPost(cfg *config.Config, st *store.Store) (*post, error) {
	sender, err := mail.NewSender(mail.Settings{
		Host: cfg.SMTPHost, Port: cfg.SMTPPort, TLS: cfg.SMTPTLS, Username: cfg.SMTPUsername, Password: cfg.SMTPPassword, From: cfg.EmailFrom,
	})
	if err != nil {
		return nil, err
	}
	composer, err := mail.NewComposer(templates.FS, mail.Site{Name: cfg.SiteName, Root: cfg.SiteRoot, SupportEmail: cfg.SupportEmail}, sender.Domain())
	if err != nil {
		return nil, err
	}
	queue := mail.NewQueue(mail.QueueConfig{Outbox: st, Sender: sender, Now: st.Now, Log: slog.New(slog.DiscardHandler)})
	return &post{composer: composer, queue: queue}, nil
}

// newAccountsWithMail is newAccounts for a command whose work is told to people.
func newAccountsWithMail(cfg *config.Config, st *store.Store) (*auth.Service, error) {
	p, err := newPost(cfg, st)
	if err != nil {
		return nil, err
	}
	s := newAccounts(cfg, st)
	s.Mails.TwoFactor = func(ctx context.Context, v mail.TwoFactor) error {
		m, err := p.composer.TwoFactor(v)
		if err != nil {
			return err
		}
		return p.queue.Enqueue(ctx, m)
	}
	return s, nil
}

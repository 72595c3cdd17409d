package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"punctual/internal/auth"
	"punctual/internal/config"
	"punctual/internal/errs"
	"punctual/internal/store"
)

// createsuperuserCmd is `punctual createsuperuser`.
type createsuperuserCmd struct {
	Settings settings `embed:""`

	Email    string `placeholder:"ADDRESS" help:"E-mail address of the account; made where there is none. Asked for in a terminal."`
	Password string `placeholder:"TEXT" help:"Password, at least 8 characters; without one they log in by mailed link. Asked for in a terminal."`

	PasswordFile string `placeholder:"FILE" help:"Read the password from the first line of this file, - for stdin: others on the machine can read arguments."`
}

// Run makes the account, or gives the existing one its rights.
func (c *createsuperuserCmd) Run(ctx context.Context, w *world) error {
	if err := c.ask(w); err != nil {
		return err
	}
	s, closeStore, err := openAccounts(ctx, w, &c.Settings)
	if err != nil {
		return err
	}
	defer closeStore()
	created, err := s.CreateSuperuser(ctx, c.Email, c.Password)
	if err != nil {
		return asGiven(err)
	}
	said := "%s is a superuser now.\n"
	if created {
		said = "The account of %s is made. They are a superuser.\n"
	}
	fmt.Fprintf(w.stdout, said, strings.ToLower(strings.TrimSpace(c.Email)))
	return nil
}

// ask asks for what was not given where there is somebody to answer.
func (c *createsuperuserCmd) ask(w *world) error {
	if c.PasswordFile != "" {
		if c.Password != "" {
			return usageError("--password and --password-file cannot both be given")
		}
		password, err := passwordFrom(w, c.PasswordFile)
		if err != nil {
			return err
		}
		c.Password = password
	}
	terminal := terminalOf(w)
	if terminal == nil {
		if c.Email == "" {
			return usageError(`say whose account it is by --email (see "punctual help createsuperuser")`)
		}
		return nil
	}
	if c.Email == "" {
		fmt.Fprint(w.stderr, "E-mail address: ")
		line, err := bufio.NewReader(terminal).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the address: %w", err)
		}
		c.Email = strings.TrimSpace(line)
	}
	if c.Password == "" {
		typed, err := askPassword(w, terminal, "Password (empty: log in by mailed link only): ")
		if err != nil {
			return err
		}
		c.Password = typed
	}
	return nil
}

// openAccounts opens the database for a command that makes accounts and keys.
// No mail is sent by such commands.
func openAccounts(ctx context.Context, w *world, s *settings) (*auth.Service, func(), error) {
	cfg, _, err := s.open(w)
	if err != nil {
		return nil, nil, err
	}
	st, closeStore, err := openStore(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	if err := auth.HoldKey(ctx, st, cfg.SecretKey, cfg.OldSecretKeys, slog.New(slog.DiscardHandler)); err != nil {
		closeStore()
		return nil, nil, err
	}
	return newAccounts(cfg, st), closeStore, nil
}

func newAccounts(cfg *config.Config, s *store.Store) *auth.Service {
	return auth.NewService(auth.Config{
		Store: s, SecretKey: cfg.SecretKey, OldSecretKeys: cfg.OldSecretKeys, SiteRoot: cfg.SiteRoot, CheckLimit: cfg.CheckLimit, PingLogLimit: cfg.PingLogLimit,
		Log: slog.New(slog.DiscardHandler), // what was done is told on stdout
	})
}

// asGiven makes a usage error of what was wrong with a flag.
func asGiven(err error) error {
	if errs.KindOf(err) == errs.Invalid {
		return usageError("--" + errs.FieldOf(err) + ": " + errs.Message(err))
	}
	return err
}

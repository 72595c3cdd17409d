package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"punctual/internal/errs"
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
	a, done, err := openAccounts(ctx, w, &c.Settings)
	if err != nil {
		return err
	}
	defer done()
	created, err := a.auth.CreateSuperuser(ctx, c.Email, c.Password)
	if err != nil {
		return asGiven(err)
	}
	result := "%s is a superuser now.\n"
	if created {
		result = "The account of %s is made. They are a superuser.\n"
	}
	fmt.Fprintf(w.stdout, result, strings.ToLower(strings.TrimSpace(c.Email)))
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

// asGiven makes a usage error of what was wrong with a flag.
func asGiven(err error) error {
	if errs.KindOf(err) == errs.Invalid {
		return usageError("--" + errs.FieldOf(err) + ": " + errs.Message(err))
	}
	return err
}

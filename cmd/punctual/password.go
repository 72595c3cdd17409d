package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// userSetPasswordCmd is `punctual user set-password`. There is no flag for the
// password itself: others on the machine can read the arguments of a process.
type userSetPasswordCmd struct {
	Settings settings `embed:""`
	account  `embed:""`

	PasswordFile string `placeholder:"FILE" help:"Read the password from the first line of this file, - for stdin. Asked for in a terminal."`
	KeepTokens   bool   `help:"Let the account's tokens go on working; else they are revoked."`
}

// Run gives the account the password and ends its sessions and, unless they are
// kept, its tokens. The owner is told by mail.
func (c *userSetPasswordCmd) Run(ctx context.Context, w *world) error {
	return c.withUser(ctx, w, &c.Settings, func(a *accounts, user *monitor.User) error {
		password, err := c.read(w)
		if err != nil {
			return err
		}
		if err := a.st.KeepUser(ctx, user.ID); err != nil {
			return err
		}
		by := auth.By{Keep: store.Access{Tokens: c.KeepTokens}, From: "the command line of the server"}
		ended, err := a.auth.SetPassword(ctx, user, password, by)
		if errs.KindOf(err) == errs.Invalid {
			return usageError(errs.Message(err))
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(w.stdout, passwordSet(user.Email, ended))
		return nil
	})
}

// passwordSet says what came with a new password.
func passwordSet(email string, ended store.Ended) string {
	result := email + " has a new password and is logged out everywhere"
	if ended.Tokens > 0 {
		result += fmt.Sprintf("; account tokens revoked: %d", ended.Tokens)
	}
	return result + "."
}

func (c *userSetPasswordCmd) read(w *world) (string, error) {
	if c.PasswordFile != "" {
		return passwordFrom(w, c.PasswordFile)
	}
	terminal := terminalOf(w)
	if terminal == nil {
		return passwordFrom(w, "-")
	}
	first, err := askPassword(w, terminal, "New password: ")
	if err != nil {
		return "", err
	}
	second, err := askPassword(w, terminal, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("these are two different passwords; nothing was changed")
	}
	return first, nil
}

// terminalOf is the terminal that somebody sits at, nil for none.
func terminalOf(w *world) *os.File {
	file, ok := w.stdin.(*os.File)
	if !ok || !isatty.IsTerminal(file.Fd()) {
		return nil
	}
	return file
}

// askPassword reads a password that is not shown.
func askPassword(w *world, terminal *os.File, prompt string) (string, error) {
	fmt.Fprint(w.stderr, prompt)
	typed, err := term.ReadPassword(int(terminal.Fd()))
	fmt.Fprintln(w.stderr)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(typed), nil
}

// passwordFrom reads the first line of a file, "-" for stdin.
func passwordFrom(w *world, name string) (string, error) {
	in := w.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		defer file.Close()
		in = file
	}
	line, err := bufio.NewReader(io.LimitReader(in, 1<<16)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	password := strings.TrimRight(line, "\r\n")
	if password == "" {
		return "", usageError("no password was given: type it in a terminal, pipe it in, or name a file by --password-file")
	}
	return password, nil
}

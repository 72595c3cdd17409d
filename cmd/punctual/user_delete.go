package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"punctual/internal/monitor"
	"punctual/internal/text"
)

// userDeleteCmd is `punctual user delete`.
type userDeleteCmd struct {
	Settings settings `embed:""`
	account  `embed:""`

	Yes bool `help:"Do not ask. Needed where there is no terminal to answer in."`
}

// Run says what goes, asks for the address once more, and removes the account.
func (c *userDeleteCmd) Run(ctx context.Context, w *world) error {
	return c.withUser(ctx, w, &c.Settings, func(a *accounts, user *monitor.User) error {
		gone, err := a.st.ContentOwnedBy(ctx, user.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(w.stdout, "The account of %s goes with %s:\n", user.Email, text.Plural(len(gone), "project", "projects"))
		people := 0
		for i := range gone {
			p := &gone[i]
			people += len(p.Members)
			fmt.Fprintf(w.stdout, "  %s: %s, %s", p.Title(), text.Plural(p.Checks, "check", "checks"),
				text.Plural(p.Channels, "integration", "integrations"))
			for n, m := range p.Members {
				lead := ", "
				if n == 0 {
					lead = "; members: "
				}
				fmt.Fprint(w.stdout, lead, m.Email)
			}
			fmt.Fprintln(w.stdout)
		}
		if !c.Yes {
			if err := confirm(w, user.Email); err != nil {
				return err
			}
		}
		if err := a.projects.CloseAccount(ctx, user, nil); err != nil {
			return err
		}
		fmt.Fprintf(w.stdout, "The account of %s is removed.", user.Email)
		if people > 0 {
			fmt.Fprint(w.stdout, " The members of its projects are told by mail.")
		}
		fmt.Fprintln(w.stdout)
		return nil
	})
}

// confirm asks in a terminal for the address to be typed; elsewhere nobody can
// answer, and it fails.
func confirm(w *world, address string) error {
	if terminalOf(w) == nil {
		return usageError("nobody can be asked here: add --yes to remove it")
	}
	fmt.Fprint(w.stderr, "There is no way back. Type the address to confirm: ")
	line, err := bufio.NewReader(w.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the confirmation: %w", err)
	}
	if !strings.EqualFold(strings.TrimSpace(line), address) {
		return errors.New("this is not the address; nothing was removed")
	}
	return nil
}

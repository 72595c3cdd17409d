package main

import (
	"context"
	"encoding/json"
	"fmt"

	"punctual/internal/auth"
	"punctual/internal/errs"
)

// tokenCmd is `punctual token …`.
type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make an account token, for programs that set up projects."`
}

// tokenCreateCmd is `punctual token create`: what the profile page does,
// without a browser.
type tokenCreateCmd struct {
	Settings settings `embed:""`

	Owner    string `required:"" placeholder:"ADDRESS" help:"E-mail address of the account the token acts for."`
	Name     string `required:"" placeholder:"TEXT" help:"Name of the token, to know it by later."`
	Readonly bool   `help:"Let it look only."`
	JSON     bool   `name:"json" help:"Print id and token as a JSON object."`
}

// Run makes the token and prints it; it cannot be shown again. Revoking one is
// done on the profile page.
func (c *tokenCreateCmd) Run(ctx context.Context, w *world) error {
	address, err := auth.Address("owner", c.Owner)
	if err != nil {
		return asGiven(err)
	}
	a, done, err := openAccounts(ctx, w, &c.Settings)
	if err != nil {
		return err
	}
	defer done()
	user, err := a.auth.UserByAddress(ctx, address, c.Owner)
	if errs.KindOf(err) == errs.NotFound {
		return errs.NotFoundf("there is no account of %s", address)
	}
	if err != nil {
		return err
	}
	if err := a.st.KeepUser(ctx, user.ID); err != nil {
		return err
	}
	t, full, err := a.auth.CreateToken(ctx, user, c.Name, c.Readonly, "the command line of the server")
	if err != nil {
		return asGiven(err)
	}
	if c.JSON {
		return json.NewEncoder(w.stdout).Encode(struct {
			ID    string `json:"id"`
			Token string `json:"token"`
		}{t.ID.String(), full})
	}
	fmt.Fprintln(w.stdout, full)
	return nil
}

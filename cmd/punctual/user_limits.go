package main

import (
	"context"
	"errors"
	"fmt"

	"punctual/internal/monitor"
)

// The bounds of the settings check-limit and ping-log-limit.
const (
	maxCheckLimit   = 10_000_000
	maxPingLogLimit = 1_000_000
)

// userLimitsCmd is `punctual user limits`: the settings are for new accounts only.
type userLimitsCmd struct {
	Settings settings `embed:""`
	account  `embed:""`

	Checks *int `placeholder:"N" help:"Checks that the account may have, at most 10000000. What is above stays."`
	Pings  *int `placeholder:"N" help:"Pings kept of each of its checks, at most 1000000. The next prune removes what is above."`
}

// Run changes what is given and prints both limits.
func (c *userLimitsCmd) Run(ctx context.Context, w *world) error {
	err := errors.Join(within("--checks", c.Checks, maxCheckLimit), within("--pings", c.Pings, maxPingLogLimit))
	if err != nil {
		return err
	}
	return c.withUser(ctx, w, &c.Settings, func(a *accounts, user *monitor.User) error {
		user, err := a.st.ChangeUser(ctx, user.ID, func(u *monitor.User) error {
			if c.Checks != nil {
				u.CheckLimit = *c.Checks
			}
			if c.Pings != nil {
				u.PingLogLimit = *c.Pings
			}
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(w.stdout, "%s may have %d checks; %d pings are kept of each.\n", user.Email, user.CheckLimit, user.PingLogLimit)
		return nil
	})
}

// within refuses a flag that was given and is not from 1 to most.
func within(flag string, n *int, most int) error {
	if n != nil && (*n < 1 || *n > most) {
		return usageError(fmt.Sprintf("%s must be within 1-%d, not %d", flag, most, *n))
	}
	return nil
}

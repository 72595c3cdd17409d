package prune

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
)

const (
	// unusedFor is how long an account must not have been used, a month.
	unusedFor = 30 * 24 * time.Hour
	// noticeTime lies between the warning and the removal.
	noticeTime = 7 * 24 * time.Hour
	// maxWarnings are mailed to an address that takes none.
	maxWarnings = 3
)

// Warnings mails the owners of accounts that are to be removed.
type Warnings struct {
	Composer *mail.Composer
	Queue    *mail.Queue
	// without a slash at the end
	SiteRoot string
}

// Users warns the owners of accounts that nobody uses, and removes those that were
// warned a week ago: accounts made over a month ago that never logged in, and
// accounts last logged in over a month ago that own no checks; a month is 30 days.
//
// Never removed are accounts that own a check that was ever pinged, that share a
// project, that an operator made or deactivated, superusers, and those whose tokens
// are in use. What is done about each of the others is reported, and every removal
// is logged.
func Users(ctx context.Context, s *store.Store, o Options) (Result, error) {
	r := Result{{Name: "users"}}
	now := s.Now()
	before := now.Add(-unusedFor)
	if !o.DryRun {
		if err := s.ForgetWarnings(ctx, before); err != nil {
			return r, err
		}
	}
	for after := uuid.Nil; ; {
		users, err := s.StaleUsers(ctx, before, after, o.batch())
		if err != nil || len(users) == 0 {
			return r, err
		}
		for i := range users {
			u := &users[i]
			after = u.ID
			removed, err := treat(ctx, s, o, before, u, decide(u, now))
			if removed {
				r.add("users", 1)
			}
			if err != nil {
				return r, err
			}
		}
	}
}

// verdict is what is done about an account that nobody uses.
type verdict struct {
	do action
	// it is kept for now
	why string
}

type action int

const (
	wait action = iota
	warn
	remove
)

// decide tells what is due: a warning, the removal a week after it was sent, or
// nothing yet. Where the instance has no mail server the warning is in the local
// mailbox, which is as good; where only this process has none, it is not.
func decide(u *store.StaleUser, now time.Time) verdict {
	w := &u.Warning
	warned := w.SentAt
	if w.Status == monitor.EmailKept {
		warned = w.CreatedAt
	}
	weekAgo := now.Add(-noticeTime)
	switch {
	case w.CreatedAt.IsZero() || w.To != u.Email || w.Status == "":
		return verdict{do: warn}
	case w.Status == monitor.EmailQueued:
		return verdict{why: "the warning waits to be sent"}
	case w.Status == monitor.EmailFailed:
		return decideFailed(w, weekAgo)
	case w.Status == monitor.EmailKept && w.Delivers:
		return verdict{why: "the warning was kept, as this command knows no mail server"}
	case warned.After(weekAgo):
		return verdict{why: "removed from " + warned.Add(noticeTime).Format(time.DateOnly) + " on"}
	default:
		return verdict{do: remove}
	}
}

// decideFailed is decide where the newest warning could not be delivered. An
// address counts as dead only after several warnings, and only where mail to
// others has been accepted meanwhile: else it is our mail server that fails.
func decideFailed(w *store.Warning, weekAgo time.Time) verdict {
	switch {
	case w.CreatedAt.After(weekAgo):
		return verdict{why: "the warning could not be mailed: " + w.Error}
	case w.Count < maxWarnings:
		return verdict{do: warn}
	case w.Delivers:
		return verdict{do: remove}
	default:
		return verdict{why: fmt.Sprintf("%d warnings could not be mailed, and no other mail has been sent since: %s", w.Count, w.Error)}
	}
}

// treat does what was decided, or in a dry run only reports it.
func treat(ctx context.Context, s *store.Store, o Options, before time.Time, u *store.StaleUser, v verdict) (removed bool, err error) {
	switch v.do {
	case remove:
		removed = o.DryRun
		if !o.DryRun {
			removed, err = s.DeleteStaleUser(ctx, before, u)
		}
		if removed {
			o.report("remove %s: %s; with it %s", u.Email, history(u), content(u))
			o.log(ctx, "account removed", u)
		}
		return removed, err
	case warn:
		return false, o.warn(ctx, s, before, u)
	default:
		o.report("keep %s: %s; %s", u.Email, history(u), v.why)
		return false, nil
	}
}

// warn mails the warning.
func (o Options) warn(ctx context.Context, s *store.Store, before time.Time, u *store.StaleUser) error {
	if o.Warn == nil && !o.DryRun {
		o.report("keep %s: %s; it has not been warned", u.Email, history(u))
		return nil
	}
	if !o.DryRun {
		warned, err := o.Warn.send(ctx, s, before, u)
		if err != nil || !warned {
			return err
		}
		o.log(ctx, "account warned of its removal", u)
	}
	o.report("warn %s: %s; it may be removed a week after the mail", u.Email, history(u))
	return nil
}

func (w *Warnings) send(ctx context.Context, s *store.Store, before time.Time, u *store.StaleUser) (bool, error) {
	const day = "2 January 2006"
	since := "was made on " + u.CreatedAt.UTC().Format(day) + " and has never been logged in to, and none of its checks has been pinged"
	if !u.LastLoginAt.IsZero() {
		since = "was last logged in to on " + u.LastLoginAt.UTC().Format(day) + " and has no checks"
	}
	m, err := w.Composer.Unused(mail.Unused{
		Owned: mail.Owned{Account: u.ID}, To: u.Email, Since: since, On: s.Now().Add(noticeTime).UTC().Format(day),
		Projects: u.Projects, Checks: u.Checks, Link: w.SiteRoot + "/accounts/login/",
	})
	if err != nil {
		return false, err
	}
	return w.Queue.EnqueueWith(ctx, m, func(ctx context.Context, e *monitor.Email) (bool, error) {
		return s.WarnStaleUser(ctx, before, u, e)
	})
}

func (o Options) log(ctx context.Context, what string, u *store.StaleUser) {
	if o.Log == nil || o.DryRun {
		return
	}
	o.Log.LogAttrs(ctx, slog.LevelInfo, what,
		slog.String("email", u.Email), slog.String("user", u.ID.String()), slog.String("why", history(u)),
		slog.Int("projects", u.Projects), slog.Int("checks", u.Checks))
}

// history says how long nobody has used the account.
func history(u *store.StaleUser) string {
	unused := "made " + u.CreatedAt.Format(time.DateOnly) + ", never logged in"
	if !u.LastLoginAt.IsZero() {
		unused = "made " + u.CreatedAt.Format(time.DateOnly) + ", last logged in " + u.LastLoginAt.Format(time.DateOnly)
	}
	w := u.Warning
	if !w.CreatedAt.IsZero() {
		unused += ", warned " + w.CreatedAt.Format(time.DateOnly)
	}
	return unused
}

// content says what goes with the account.
func content(u *store.StaleUser) string {
	return text.Plural(u.Projects, "project", "projects") + " and " + text.Plural(u.Checks, "check", "checks")
}

package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/logs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// By is the browser in which a user changes the ways into their account, and
// what is to stay of these ways.
type By struct {
	Keep store.Access
	// "Firefox on Linux, 192.0.2.7", for mails; "" = not known
	From string
}

// LogOutEverywhere ends all sessions of the user, login links that are under way
// and, unless they are to be kept, account tokens. The user gets a mail where
// tokens have ended.
func (s *Service) LogOutEverywhere(ctx context.Context, user *monitor.User, by By) (store.Ended, error) {
	ended, err := s.Store.EndAccess(ctx, user.ID, by.Keep)
	if err != nil {
		return ended, err
	}
	s.Log.InfoContext(ctx, "logged out everywhere", "user", user.ID, "sessions", ended.Sessions, "tokens", ended.Tokens)
	if ended.Tokens > 0 {
		s.NotifyOwner(ctx, user, by.From, "You were logged out everywhere. "+tokensEnded(ended.Tokens))
	}
	return ended, nil
}

// NotifyOwner mails a user what was done to the ways into their account, in
// sentences. That it cannot be mailed is logged: what was done is done.
func (s *Service) NotifyOwner(ctx context.Context, user *monitor.User, from, done string) {
	s.notify(ctx, user.ID, user.Email, from, done)
}

func (s *Service) notify(ctx context.Context, account uuid.UUID, to, from, done string) {
	if s.Mails.Security == nil {
		return
	}
	err := s.Mails.Security(ctx, mail.Security{Owned: mail.Owned{Account: account}, To: to, Done: done, From: from,
		Link: s.SiteRoot + "/accounts/profile/"})
	if err != nil {
		s.Log.ErrorContext(ctx, "mail about the ways into an account", "error", err)
	}
}

func tokensEnded(n int64) string {
	if n == 1 {
		return "The account token was revoked."
	}
	return fmt.Sprintf("All %d account tokens were revoked.", n)
}

// Actor is the user as mails to others name them: where a superuser acts in their
// name, that superuser too.
func Actor(ctx context.Context, user *monitor.User) string {
	superuser := logs.EventOf(ctx).Superuser
	if superuser == "" {
		return user.Email
	}
	return fmt.Sprintf("%s (the superuser %s in their name)", user.Email, superuser)
}

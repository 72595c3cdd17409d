// Package project does what people and programs do with projects as a whole: it makes
// them and their keys, invites members, hands a project to another owner, and removes
// projects and the accounts that own them. Who is asking is the business of auth;
// whether they may, of those who call.
package project

import (
	"context"
	"log/slog"

	"punctual/internal/auth"
	"punctual/internal/mail"
	"punctual/internal/store"
)

// Mails send the mails about projects: mail.Queue behind mail.Composer does it.
type Mails struct {
	Invite   func(ctx context.Context, v mail.Invite) error
	Transfer func(ctx context.Context, v mail.Transfer) error
	// Removed makes a mail that is stored together with what it is about, and Stored
	// is told when it is (mail.Queue); nil: nobody is told of what is removed.
	Removed func(v mail.Removed) (*mail.Message, error)
	Stored  func(ctx context.Context, m *mail.Message)
}

// Config is what a Service needs.
type Config struct {
	Store *store.Store
	// Auth makes accounts, hashes keys, and counts mails to strangers.
	Auth *auth.Service
	// SiteRoot is the full address of the site, without a slash at the end.
	SiteRoot string
	Mails    Mails
	Log      *slog.Logger
}

// Service works on projects. It is safe for concurrent use.
type Service struct{ Config }

// NewService makes a Service.
func NewService(c Config) *Service { return &Service{Config: c} }

package project

import (
	"context"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// ProvisionRequest names the project a program needs.
type ProvisionRequest struct {
	// e-mail address
	Owner string
	// of the project
	Name string
	// make all keys new; those in use stop working
	Rotate bool
}

// Keys are a project's keys in full. An API key that existed before is empty:
// only its hash is stored.
type Keys struct {
	Project        uuid.UUID
	APIKey         string
	APIKeyReadonly string
	PingKey        string
}

// Complete tells whether all keys are known.
func (k Keys) Complete() bool { return k.APIKey != "" && k.APIKeyReadonly != "" && k.PingKey != "" }

// Provision makes sure that the owner has a project of the name with all keys.
// User and project are made where they are
// missing, with an e-mail channel to the owner; keys that exist stay as they
// are and are not told again, except the ping key, which is stored in clear.
// It fails with errs.Invalid about owner or name.
func (s *Service) Provision(ctx context.Context, q ProvisionRequest) (Keys, error) {
	address, err := auth.Address("owner", q.Owner)
	if err != nil {
		return Keys{}, err
	}
	name, err := Name(q.Name)
	if err != nil {
		return Keys{}, err
	}
	p, err := s.projectOf(ctx, address, q.Owner, name)
	if err != nil {
		return Keys{}, err
	}
	var keys Keys
	_, err = s.Store.ChangeProject(ctx, p.ID, func(p *monitor.Project) error {
		keys = s.fillKeys(p, q.Rotate)
		return nil
	})
	if err != nil {
		return Keys{}, err
	}
	s.Log.InfoContext(ctx, "project provisioned", "project", p.ID, "rotated", q.Rotate)
	return keys, nil
}

func (s *Service) fillKeys(p *monitor.Project, rotate bool) Keys {
	keys := Keys{Project: p.ID, PingKey: p.PingKey}
	if p.APIKey == "" || rotate {
		keys.APIKey = auth.NewAPIKey(false)
		p.APIKey = s.Auth.KeyHash(keys.APIKey)
	}
	if p.APIKeyReadonly == "" || rotate {
		keys.APIKeyReadonly = auth.NewAPIKey(true)
		p.APIKeyReadonly = s.Auth.KeyHash(keys.APIKeyReadonly)
	}
	if p.PingKey == "" || rotate {
		keys.PingKey = auth.NewPingKey()
		p.PingKey = keys.PingKey
	}
	return keys
}

// projectOf finds or makes the owner's project of that name.
func (s *Service) projectOf(ctx context.Context, address, typed, name string) (*monitor.Project, error) {
	user, err := s.Auth.UserByAddress(ctx, address, typed)
	if errs.KindOf(err) == errs.NotFound {
		account := s.Auth.NewAccount(address, "UTC")
		account.Check = nil
		account.Project.Name = name
		account.User.ByOperator = true
		return account.Project, s.Store.CreateAccount(ctx, account)
	}
	if err != nil {
		return nil, err
	}
	if err := s.Store.KeepUser(ctx, user.ID); err != nil {
		return nil, err
	}
	p, err := s.Store.ProjectByOwnerAndName(ctx, user.ID, name)
	if errs.KindOf(err) != errs.NotFound {
		return p, err
	}
	return s.Add(ctx, user, name)
}

// Add makes another project of the user, with an e-mail channel to them
// so that its alerts reach somebody from the start, and without keys. It fails with
// errs.Invalid about name.
func (s *Service) Add(ctx context.Context, user *monitor.User, name string) (*monitor.Project, error) {
	return s.add(ctx, user, &monitor.Project{Name: name})
}

// AddWithPingKey is Add with a ping key in the project.
func (s *Service) AddWithPingKey(ctx context.Context, user *monitor.User, name string) (*monitor.Project, error) {
	return s.add(ctx, user, &monitor.Project{Name: name, PingKey: auth.NewPingKey()})
}

func (s *Service) add(ctx context.Context, user *monitor.User, p *monitor.Project) (*monitor.Project, error) {
	name, err := Name(p.Name)
	if err != nil {
		return nil, err
	}
	p.OwnerID = user.ID
	p.Name = name
	if err := s.Store.CreateProject(ctx, p, auth.OwnChannel(user.Email)); err != nil {
		return nil, err
	}
	return p, nil
}

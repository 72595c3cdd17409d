package auth

import (
	"context"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// CreateSuperuser makes an account that may administer the instance, or makes
// the existing one of that address such. password may be empty: they log in by
// mailed link; an existing password then stays. created tells which it was. It
// fails with errs.Invalid about email or password.
func (s *Service) CreateSuperuser(ctx context.Context, email, password string) (created bool, err error) {
	address, err := Address("email", email)
	if err != nil {
		return false, err
	}
	hash := ""
	if password != "" {
		if hash, err = s.HashPassword(ctx, password); err != nil {
			return false, err
		}
	}
	user, err := s.UserByAddress(ctx, address, email)
	if errs.KindOf(err) == errs.NotFound {
		account := s.newAccount(address, "UTC")
		account.User.IsSuperuser, account.User.PasswordHash, account.User.ByOperator = true, hash, true
		return true, s.Store.CreateAccount(ctx, account)
	}
	if err != nil {
		return false, err
	}
	if err := s.Store.KeepUser(ctx, user.ID); err != nil {
		return false, err
	}
	_, err = s.Store.ChangeUser(ctx, user.ID, func(u *monitor.User) error {
		u.IsSuperuser, u.IsActive = true, true
		if hash != "" {
			u.PasswordHash = hash
		}
		return nil
	})
	return false, err
}

// ProvisionRequest names the project a program needs.
type ProvisionRequest struct {
	Owner  string // e-mail address
	Name   string // of the project
	Rotate bool   // make all keys new; those in use stop working
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

// Provision makes sure that the owner has a project of the name with all keys
// (DESIGN §2.1, project create). User and project are made where they are
// missing, with an e-mail channel to the owner; keys that exist stay as they
// are and are not told again, except the ping key, which is stored in clear.
// It fails with errs.Invalid about owner or name.
func (s *Service) Provision(ctx context.Context, q ProvisionRequest) (Keys, error) {
	address, err := Address("owner", q.Owner)
	if err != nil {
		return Keys{}, err
	}
	name, err := ProjectName(q.Name)
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
		keys.APIKey = NewAPIKey(false)
		p.APIKey = s.KeyHash(keys.APIKey)
	}
	if p.APIKeyReadonly == "" || rotate {
		keys.APIKeyReadonly = NewAPIKey(true)
		p.APIKeyReadonly = s.KeyHash(keys.APIKeyReadonly)
	}
	if p.PingKey == "" || rotate {
		keys.PingKey = NewPingKey()
		p.PingKey = keys.PingKey
	}
	return keys
}

// KeyHash is the stored form of an API key under the instance's secret key.
func (s *Service) KeyHash(key string) string { return KeyHash(s.SecretKey, key) }

// projectOf finds or makes the owner's project of that name.
func (s *Service) projectOf(ctx context.Context, address, typed, name string) (*monitor.Project, error) {
	user, err := s.UserByAddress(ctx, address, typed)
	if errs.KindOf(err) == errs.NotFound {
		account := s.newAccount(address, "UTC")
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
	return s.AddProject(ctx, user, name)
}

// AddProject makes another project of the user, with an e-mail channel to them
// so that its alerts reach somebody from the start.
func (s *Service) AddProject(ctx context.Context, user *monitor.User, name string) (*monitor.Project, error) {
	name, err := ProjectName(name)
	if err != nil {
		return nil, err
	}
	p := &monitor.Project{OwnerID: user.ID, Name: name}
	if err := s.Store.CreateProject(ctx, p, OwnChannel(user.Email)); err != nil {
		return nil, err
	}
	return p, nil
}

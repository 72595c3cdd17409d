package project

import (
	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// The names of a project's keys, in forms and in the API.
const (
	KeyAPI         = "api_key"
	KeyAPIReadonly = "api_key_readonly"
	KeyPing        = "ping_key"
)

// MakeKey gives the project a key of that name, to be stored with
// store.ChangeProject, and returns it in full. It fails with errs.NotFound for
// other names, and with errs.Conflict when there is such a key.
func (s *Service) MakeKey(p *monitor.Project, name string) (string, error) {
	stored := keyField(p, name)
	switch {
	case stored == nil:
		return "", errs.NotFoundf("There is no such key.")
	case *stored != "":
		return "", errs.Conflictf("There is such a key already. To get another one, revoke it first.")
	}
	if name == KeyPing {
		*stored = auth.NewPingKey()
		return *stored, nil
	}
	full := auth.NewAPIKey(name == KeyAPIReadonly)
	*stored = s.Auth.KeyHash(full)
	return full, nil
}

// RevokeKey takes the key of that name from the project, which may have none.
// It fails with errs.NotFound for other names.
func RevokeKey(p *monitor.Project, name string) error {
	stored := keyField(p, name)
	if stored == nil {
		return errs.NotFoundf("There is no such key.")
	}
	*stored = ""
	return nil
}

// keyField is where a project keeps the key of that name, nil for none.
func keyField(p *monitor.Project, name string) *string {
	switch name {
	case KeyAPI:
		return &p.APIKey
	case KeyAPIReadonly:
		return &p.APIKeyReadonly
	case KeyPing:
		return &p.PingKey
	default:
		return nil
	}
}

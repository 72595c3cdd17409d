package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// Recovery codes: ten of ten characters, about 50 bits each. Letters and digits
// that are mistaken for others are not among them (RFC 4648 would have some).
const (
	// that one gets
	RecoveryCodes    = 10
	recoveryLength   = 10
	recoveryAlphabet = "abcdefghjkmnpqrstvwxyz23456789"
)

// NewRecoveryCodes makes codes for the user in the place of all earlier ones.
// They are kept as hashes only. It fails with errs.Conflict when the user has no
// factor.
func (s *Service) NewRecoveryCodes(ctx context.Context, user *monitor.User) ([]string, error) {
	codes, hashes := s.newRecoveryCodes(user.ID)
	if err := s.Store.SetRecoveryCodes(ctx, user.ID, hashes); err != nil {
		return nil, err
	}
	return codes, s.factorsChanged(ctx, user, "New recovery codes were created. The previous ones no longer work.")
}

func (s *Service) newRecoveryCodes(user uuid.UUID) (codes []string, hashes [][]byte) {
	for range RecoveryCodes {
		code := randomText(recoveryAlphabet, recoveryLength)
		codes = append(codes, code[:recoveryLength/2]+"-"+code[recoveryLength/2:])
		hashes = append(hashes, recoveryHash(s.SecretKey, user, code))
	}
	return codes, hashes
}

// recoveryHash is keyed: 50 bits alone could be guessed from a stolen database.
func recoveryHash(secretKey string, user uuid.UUID, code string) []byte {
	mac := hmac.New(sha256.New, []byte(secretKey))
	mac.Write([]byte("recovery code:" + user.String() + ":" + code))
	return mac.Sum(nil)
}

// PassRecovery is the second step of logging in by a recovery code, which is
// used up; device is as of Origin. left is how many there are still. It fails with errs.Invalid about
// code, and with errs.TooMany.
func (s *Service) PassRecovery(ctx context.Context, user *monitor.User, code, device string) (remaining int, err error) {
	if err := s.takeSecond(ctx, user, device, recoveriesPerDevice, recoveriesPerUser); err != nil {
		return 0, err
	}
	code = strings.ToLower(strings.Join(strings.FieldsFunc(code, func(r rune) bool { return r == '-' || r == ' ' }), ""))
	ok, err := s.Store.UseRecoveryCode(ctx, user.ID, recoveryHash(s.SecretKey, user.ID, code))
	for i := 0; err == nil && !ok && i < len(s.OldSecretKeys); i++ {
		ok, err = s.Store.UseRecoveryCode(ctx, user.ID, recoveryHash(s.OldSecretKeys[i], user.ID, code))
	}
	if err != nil {
		return 0, err
	}
	if !ok {
		s.Observe.login(byRecovery, false)
		return 0, errs.Invalidf("code", "This is not one of your recovery codes. Each works once.")
	}
	f, err := s.Store.FactorsOf(ctx, user.ID)
	if err != nil {
		return 0, err
	}
	if err := s.factorsChanged(ctx, user, "A recovery code was used to log in."); err != nil {
		return 0, err
	}
	return f.RecoveryCodes, s.noteLogin(ctx, user, byRecovery)
}

package auth

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/google/uuid"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// Codes of authenticator apps (RFC 6238): six digits, another one every half
// minute. The one before and the one after are accepted too, because clocks
// differ.
const (
	totpPeriod = 30 * time.Second
	// steps
	totpDrift      = 1
	totpSecretSize = 20
)

var errBadCode = errs.Invalidf("code", "This code is not right. Codes change every 30 seconds, and each works once.")

// TOTPSetup is what an authenticator app is to be told.
type TOTPSetup struct {
	// in base 32, in groups of four
	Secret string
	// otpauth://…
	URL string
	// The picture of URL, as SVG: its viewBox, with the white border that it
	// needs, and the dark modules as a path.
	Box, Path string
}

// NewTOTP makes the secret of an authenticator app to be set up, sealed for the
// user. It counts once ConfirmTOTP has seen a code of it.
func (s *Service) NewTOTP(user *monitor.User) string {
	raw := make([]byte, totpSecretSize)
	// never fails
	_, _ = rand.Read(raw)
	return s.sealer.seal(totpPlace(user.ID), base32.StdEncoding.EncodeToString(raw))
}

func totpPlace(user uuid.UUID) string { return "totp " + user.String() }

// TOTPSetup opens what NewTOTP has made.
func (s *Service) TOTPSetup(user *monitor.User, sealed string) (*TOTPSetup, error) {
	secret, err := s.sealer.open(totpPlace(user.ID), sealed)
	if err != nil {
		return nil, err
	}
	raw, err := base32.StdEncoding.DecodeString(secret)
	if err != nil {
		return nil, fmt.Errorf("decode secret of authenticator app: %w", err)
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: s.SiteName, AccountName: user.Email, Secret: raw})
	if err != nil {
		return nil, fmt.Errorf("describe authenticator app: %w", err)
	}
	setup := &TOTPSetup{Secret: inGroups(secret, 4), URL: key.URL()}
	setup.Box, setup.Path, err = qrPath(key.URL())
	return setup, err
}

// inGroups puts a blank after every n characters.
func inGroups(text string, n int) string {
	var b strings.Builder
	for i := range len(text) {
		if i > 0 && i%n == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// qrPath draws a text as a QR code.
func qrPath(text string) (box, path string, err error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", "", fmt.Errorf("draw the QR code: %w", err)
	}
	var b strings.Builder
	size := code.Bounds().Dx()
	for y := range size {
		for x := range size {
			r, _, _, _ := code.At(x, y).RGBA()
			if r == 0 {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	// modules, as the standard wants
	const border = 4
	return fmt.Sprintf("%d %d %d %d", -border, -border, size+2*border, size+2*border), b.String(), nil
}

// ConfirmTOTP gives the user the app that NewTOTP has begun, once a code shows
// that it works. recovery are the user's new recovery codes where this is their
// first factor, else nil; with a first factor all sessions of the user end but the
// one that is kept. It fails with errs.Invalid about code, and with
// errs.Conflict when there is an app already.
func (s *Service) ConfirmTOTP(ctx context.Context, user *monitor.User, sealed, code string, by By) (recovery []string, err error) {
	step, ok, err := s.totpStep(ctx, user.ID, sealed, code)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, errs.Invalidf("code", "This code is not right. Is the clock of the device with the app right?")
	}
	codes, hashes := s.newRecoveryCodes(user.ID)
	first, err := s.Store.SetTOTP(ctx, user.ID, sealed, step, hashes, by.Keep.Session)
	if err != nil {
		return nil, err
	}
	if err := s.factorsChanged(ctx, user, "The authenticator app was set up."); err != nil {
		return nil, err
	}
	if !first {
		codes = nil
	}
	return codes, nil
}

// RemoveTOTP takes the user's app away; none is errs.NotFound.
func (s *Service) RemoveTOTP(ctx context.Context, user *monitor.User) error {
	if err := s.Store.RemoveTOTP(ctx, user.ID); err != nil {
		return err
	}
	return s.factorsChanged(ctx, user, "The authenticator app was removed.")
}

// PassTOTP is the second step of logging in by a code of the app; device is as of
// Origin. It fails with errs.Invalid about code, and with errs.TooMany.
func (s *Service) PassTOTP(ctx context.Context, user *monitor.User, f *store.Factors, code, device string) error {
	if err := s.takeSecond(ctx, user, device, totpPerDevice, totpPerUser); err != nil {
		return err
	}
	if f.TOTPSecret == "" {
		return errBadCode
	}
	step, ok, err := s.totpStep(ctx, user.ID, f.TOTPSecret, code)
	if err == nil && ok {
		ok, err = s.Store.UseTOTPStep(ctx, user.ID, f.TOTPSecret, step)
	}
	if err != nil || !ok {
		s.Observe.login(byTOTP, false)
		if err == nil {
			err = errBadCode
		}
		return err
	}
	return s.noteLogin(ctx, user, byTOTP)
}

// totpStep finds the step of now, or beside it, that the code belongs to.
func (s *Service) totpStep(ctx context.Context, user uuid.UUID, sealed, code string) (step int64, ok bool, err error) {
	secret, err := s.sealer.open(totpPlace(user), sealed)
	if err != nil {
		s.Log.ErrorContext(ctx, "the secret of an authenticator app cannot be read: was the secret key changed?", "user", user, "error", err)
		return 0, false,
			errs.Conflictf(
				"The secret of your authenticator app cannot be read any more. Use another way, or ask whoever runs this site to remove it.").Because(
				err)
	}
	code = strings.Join(strings.Fields(code), "")
	now := s.Store.Now().Unix() / int64(totpPeriod.Seconds())
	for _, step := range []int64{now, now - totpDrift, now + totpDrift} {
		ok, err := hotp.ValidateCustom(code, uint64(step), secret,
			hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}) //nolint:gosec // after 1970
		if err != nil {
			return 0, false, nil //nolint:nilerr // not six digits
		}
		if ok {
			return step, true, nil
		}
	}
	return 0, false, nil
}

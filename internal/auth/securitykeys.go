package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
)

var (
	errNoKeys = errs.Conflictf("Security keys work only on sites with https, or on localhost.")
	errBadKey = errs.Invalidf("credential", "The key was not accepted. Please try again.")
	errCopied = errs.Invalidf("credential",
		"This key was refused: its counter went back, so there may be a copy of it. Please use another way, and replace the key.")
)

// newRelyingParty is this site as WebAuthn sees it; nil where browsers have no
// WebAuthn: on addresses without https, but for localhost, and on bare numbers.
// Keys are for id, a domain above the host of the site, or the host itself where
// id is "": under another name they do not work.
func newRelyingParty(siteRoot, name, id string) *webauthn.WebAuthn {
	root, err := url.Parse(siteRoot)
	if err != nil {
		return nil
	}
	host := strings.Trim(hosts.Name(root.Host), "[]")
	local := host == "localhost" || strings.HasSuffix(host, ".localhost")
	if _, err := netip.ParseAddr(host); err == nil || (root.Scheme != "https" && !local) {
		return nil
	}
	if id == "" {
		id = host
	}
	party, err := webauthn.New(&webauthn.Config{
		RPID: id, RPDisplayName: name, RPOrigins: []string{hosts.Origin(root)},
		// A second factor: that somebody is there is enough, and the key need not keep a list of accounts.
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementDiscouraged, UserVerification: protocol.VerificationDiscouraged,
		},
		AttestationPreference: protocol.PreferNoAttestation,
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Enforce: true, Timeout: SecondStepLife, TimeoutUVD: SecondStepLife},
			Registration: webauthn.TimeoutConfig{Enforce: true, Timeout: SecondStepLife, TimeoutUVD: SecondStepLife},
		},
	})
	if err != nil {
		return nil
	}
	return party
}

// KeysOffered tells whether security keys work on this site.
func (s *Service) KeysOffered() bool { return s.party != nil }

// keyHolder is a user as WebAuthn sees them.
type keyHolder struct {
	user *monitor.User
	keys []webauthn.Credential
}

func (h *keyHolder) WebAuthnID() []byte                         { return h.user.ID[:] }
func (h *keyHolder) WebAuthnName() string                       { return h.user.Email }
func (h *keyHolder) WebAuthnDisplayName() string                { return h.user.Email }
func (h *keyHolder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

func newKeyHolder(user *monitor.User, f *store.Factors) (*keyHolder, error) {
	h := &keyHolder{user: user, keys: make([]webauthn.Credential, len(f.Keys))}
	for i, k := range f.Keys {
		if err := json.Unmarshal(k.Data, &h.keys[i]); err != nil {
			return nil, fmt.Errorf("decode security key %s: %w", k.ID, err)
		}
	}
	return h, nil
}

// Ceremony is a question to a security key: what the browser's script is given,
// and what the session must remember of it, both JSON.
type Ceremony struct{ Options, Session string }

func newCeremony(options any, session *webauthn.SessionData) (Ceremony, error) {
	o, err := json.Marshal(options)
	if err != nil {
		return Ceremony{}, fmt.Errorf("encode question to a key: %w", err)
	}
	d, err := json.Marshal(session)
	if err != nil {
		return Ceremony{}, fmt.Errorf("encode question to a key: %w", err)
	}
	return Ceremony{string(o), string(d)}, nil
}

// BeginKey asks for a new key. It fails with errs.Conflict where keys do not work.
func (s *Service) BeginKey(ctx context.Context, user *monitor.User) (Ceremony, error) {
	if s.party == nil {
		return Ceremony{}, errNoKeys
	}
	h, err := s.keyHolder(ctx, user)
	if err != nil {
		return Ceremony{}, err
	}
	known := make([]protocol.CredentialDescriptor, len(h.keys))
	for i := range h.keys {
		known[i] = h.keys[i].Descriptor()
	}
	options, session, err := s.party.BeginRegistration(h, webauthn.WithExclusions(known))
	if err != nil {
		return Ceremony{}, fmt.Errorf("ask for a new key: %w", err)
	}
	return newCeremony(options.Response, session)
}

// AddKey gives the user the key that has answered BeginKey; session is what it
// returned. recovery is as of ConfirmTOTP. It fails with errs.Invalid about name
// and credential, and with errs.Conflict when there are too many, or the key is
// registered already.
func (s *Service) AddKey(ctx context.Context, user *monitor.User, session, response, name string, by By) (recovery []string, err error) {
	if s.party == nil {
		return nil, errNoKeys
	}
	name, err = keyName(name)
	if err != nil {
		return nil, err
	}
	question, err := s.useQuestion(ctx, session)
	if err != nil {
		return nil, err
	}
	h, err := s.keyHolder(ctx, user)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(response))
	if err != nil {
		return nil, s.refuseKey(ctx, user, err)
	}
	made, err := s.party.CreateCredential(h, question, parsed)
	if err != nil {
		return nil, s.refuseKey(ctx, user, err)
	}
	data, err := json.Marshal(made)
	if err != nil {
		return nil, fmt.Errorf("encode security key: %w", err)
	}
	codes, hashes := s.newRecoveryCodes(user.ID)
	first, err := s.Store.AddSecurityKey(ctx, &store.SecurityKey{UserID: user.ID, Name: name, KeyID: made.ID, Data: data}, hashes,
		by.Keep.Session)
	if err != nil {
		return nil, err
	}
	if err := s.factorsChanged(ctx, user, "The security key “"+name+"” was added."); err != nil {
		return nil, err
	}
	if !first {
		codes = nil
	}
	return codes, nil
}

// useQuestion is what the session has remembered, used up: of two answers at once
// to one question, only one is looked at. It fails with errs.Invalid about
// credential when there is no such question, or it has been answered.
func (s *Service) useQuestion(ctx context.Context, session string) (question webauthn.SessionData, err error) {
	err = json.Unmarshal([]byte(session), &question)
	if err != nil || question.Challenge == "" {
		return question, errBadKey
	}
	err = s.take(ctx, usesPerKeyQuestion, question.Challenge)
	if errs.KindOf(err) == errs.TooMany {
		err = errBadKey
	}
	return question, err
}

// keyName brings the name of a key into the form it is stored in.
func keyName(typed string) (string, error) {
	name := text.OneLine(typed)
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", errs.Invalidf("name", "Please give the key a name.")
	case n > monitor.MaxKeyName || !text.Storable(name):
		return "", errs.Invalidf("name", "A key's name is a text of at most %d characters.", monitor.MaxKeyName)
	}
	return name, nil
}

// RenameKey gives a key of the user another name. It fails with errs.Invalid
// about name, and with errs.NotFound.
func (s *Service) RenameKey(ctx context.Context, user *monitor.User, k *store.SecurityKey, name string) error {
	name, err := keyName(name)
	if err != nil || name == k.Name {
		return err
	}
	if err := s.Store.RenameSecurityKey(ctx, user.ID, k.ID, name); err != nil {
		return err
	}
	return s.factorsChanged(ctx, user, "The security key “"+k.Name+"” is called “"+name+"” now.")
}

// RemoveKey takes a key of the user away; one that is not theirs is errs.NotFound.
func (s *Service) RemoveKey(ctx context.Context, user *monitor.User, k *store.SecurityKey) error {
	if err := s.Store.DeleteSecurityKey(ctx, user.ID, k.ID); err != nil {
		return err
	}
	return s.factorsChanged(ctx, user, "The security key “"+k.Name+"” was removed.")
}

// AskKey asks for one of the user's keys, as the second step of logging in. It
// fails with errs.Conflict where keys do not work.
func (s *Service) AskKey(user *monitor.User, f *store.Factors) (Ceremony, error) {
	if s.party == nil {
		return Ceremony{}, errNoKeys
	}
	h, err := newKeyHolder(user, f)
	if err != nil {
		return Ceremony{}, err
	}
	options, session, err := s.party.BeginLogin(h)
	if err != nil {
		return Ceremony{}, fmt.Errorf("ask for a key: %w", err)
	}
	return newCeremony(options.Response, session)
}

// PassKey is the second step of logging in by a key; session is what AskKey
// returned, used once, from is as of By. It fails with errs.Invalid about
// credential. A key whose counter went back may have been copied: it is refused,
// and the user gets a mail.
func (s *Service) PassKey(ctx context.Context, user *monitor.User, f *store.Factors, session, response, from string) error {
	if s.party == nil {
		return errBadKey
	}
	question, err := s.useQuestion(ctx, session)
	if err != nil {
		return err
	}
	h, err := newKeyHolder(user, f)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(response))
	if err != nil {
		return s.refuseKey(ctx, user, err)
	}
	for i := range h.keys {
		// passkeys become ones that are backed up when a phone is told to
		if bytes.Equal(h.keys[i].ID, parsed.RawID) {
			h.keys[i].Flags.BackupEligible = parsed.Response.AuthenticatorData.Flags.HasBackupEligible()
			// An earlier version has stored the warning; only that of now counts.
			h.keys[i].Authenticator.CloneWarning = false
		}
	}
	used, err := s.party.ValidateLogin(h, question, parsed)
	if err != nil {
		return s.refuseKey(ctx, user, err)
	}
	for _, k := range f.Keys {
		if !bytes.Equal(k.KeyID, used.ID) {
			continue
		}
		if used.Authenticator.CloneWarning {
			s.refuseCopy(ctx, user, &k, from)
			return errCopied
		}
		if err := s.noteKey(ctx, &k, used); err != nil {
			return err
		}
	}
	return s.noteLogin(ctx, user, byKey)
}

func (s *Service) noteKey(ctx context.Context, k *store.SecurityKey, used *webauthn.Credential) error {
	data, err := json.Marshal(used)
	if err != nil {
		return fmt.Errorf("encode security key: %w", err)
	}
	ok, err := s.Store.UseSecurityKey(ctx, k, data)
	if err == nil && !ok {
		// Used twice at once: the other one has counted.
		err = errBadKey
	}
	return err
}

// refuseCopy tells operators and the user that there may be a copy of the key.
func (s *Service) refuseCopy(ctx context.Context, user *monitor.User, k *store.SecurityKey, from string) {
	s.Log.WarnContext(ctx, "security key refused: its counter went back, there may be a copy of it", "user", user.ID, "key", k.ID)
	s.Observe.login(byKey, false)
	s.NotifyOwner(ctx, user, from, "The security key “"+k.Name+
		"” was refused. Its counter went back, so there may be a copy of it: remove it from your account and use another one.")
}

// refuseKey logs why a key was not accepted, which is of no use to its user.
func (s *Service) refuseKey(ctx context.Context, user *monitor.User, err error) error {
	attrs := []any{"user", user.ID, "error", err}
	p := (*protocol.Error)(nil)
	if errors.As(err, &p) {
		attrs = append(attrs, "details", p.DevInfo)
	}
	s.Log.InfoContext(ctx, "security key refused", attrs...)
	s.Observe.login(byKey, false)
	return errBadKey
}

func (s *Service) keyHolder(ctx context.Context, user *monitor.User) (*keyHolder, error) {
	f, err := s.Store.FactorsOf(ctx, user.ID)
	if err != nil {
		return nil, err
	}
	return newKeyHolder(user, f)
}

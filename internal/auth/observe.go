package auth

// Observe are hooks for metrics; any may be nil.
type Observe struct {
	// somebody made an account of their own
	SignedUp func()
	// by "link" or "password"; with two steps by "key", "totp" or "recovery"; ok = they are in
	Login func(by string, ok bool)
}

// The ways to log in.
const (
	byLink     = "link"
	byPassword = "password"

	// second steps
	byKey      = "key"
	byTOTP     = "totp"
	byRecovery = "recovery"
)

func (o Observe) signedUp() {
	if o.SignedUp != nil {
		o.SignedUp()
	}
}

func (o Observe) login(by string, ok bool) {
	if o.Login != nil {
		o.Login(by, ok)
	}
}

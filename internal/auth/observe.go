package auth

// Observe are hooks for metrics; any may be nil.
type Observe struct {
	SignedUp func()                   // somebody made an account of their own
	Login    func(by string, ok bool) // by "link" or "password"; with two steps by "key", "totp" or "recovery"; ok = they are in
}

// The ways to log in.
const (
	byLink     = "link"
	byPassword = "password"

	byKey      = "key" // second steps
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

package auth

import "github.com/alexedwards/argon2id"

// What passwords cost outside of these tests.
var (
	UsualParams      = argonParams
	UsualNobodysHash = nobodysHash
)

// Passwords are guessed by the hundred here, and each guess takes as much as its hash says.
func init() {
	argonParams.Memory = 64
	argonParams.Iterations = 1
	hash, err := argon2id.CreateHash("nobody's", &argonParams)
	if err != nil {
		panic(err)
	}
	nobodysHash = hash
}

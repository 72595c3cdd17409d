package store

import "punctual/internal/limit"

// LoseAnswer makes a ping look as if the connection had been lost while it was
// being recorded.
func (a *Arrival) LoseAnswer() {
	a.recorded = false
	a.tried = true
}

// SetTurns has long reads take their turns from there.
func (s *Store) SetTurns(reads *limit.Shared[string]) { s.turns.reads = reads }

// ListStatements are the statements that list the checks of the project $1.
var ListStatements = []string{`SELECT ` + rowCheck.list + inListOrder, `SELECT ` + objectCheck.list + inListOrder}

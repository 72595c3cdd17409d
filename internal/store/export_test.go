package store

// LoseAnswer makes a ping look as if the connection had been lost while it was
// being recorded.
func (a *Arrival) LoseAnswer() { a.recorded, a.tried = false, true }

// ListStatements are the statements that list the checks of the project $1.
var ListStatements = []string{`SELECT ` + rowColumns + inListOrder, `SELECT ` + objectColumns + inListOrder}

package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/limit"
)

// Some reads are as long as a project is large. So that the lists of one project
// leave connections to everything else, such a read takes its turn before it takes
// a connection: inside of the store, where nobody can forget it and where a
// connection is given back before the first byte of an answer leaves.
const (
	// turnsOfProject is how many long reads of one project run at the same time, at
	// most: one turn is always left to the others, where there are two.
	turnsOfProject = 2

	// turnWait is how long a read waits for its turn. A request has seven seconds,
	// and its read is to have some of them.
	turnWait = 3 * time.Second

	// turnRetry is when those who have waited in vain may come back.
	turnRetry = 5 * time.Second

	// textWait is how long the next texts of a list wait that is being sent. Each
	// such read is short, and giving up would waste what has been sent.
	textWait = 30 * time.Second
)

// turns are those of long reads, by project, and of reading the texts of lists
// under way, which have a place of their own behind them.
type turns struct {
	reads, texts *limit.Shared[string]
}

// newTurns shares half of the connections that read, and an eighth for texts.
func newTurns(d *db.DB) turns {
	reads := d.Readers() / 2
	texts := d.Readers() / 8
	return turns{
		reads: limit.NewShared[string](min(turnsOfProject, reads-1), reads, turnWait),
		texts: limit.NewShared[string](1, texts, textWait),
	}
}

// Turn waits for the turn of a long read of the project. Whoever has got it calls
// leave when the database has answered; until then nothing else may be called that
// takes a turn, as lists of checks do. It fails with errs.Unavailable where too
// many others read at the same time.
func (s *Store) Turn(ctx context.Context, project uuid.UUID) (leave func(), err error) {
	return enter(ctx, s.turns.reads, project.String())
}

func enter(ctx context.Context, turns *limit.Shared[string], key string) (leave func(), err error) {
	leave, err = turns.Enter(ctx, key)
	if err != nil {
		const message = "Too many long lists are being read at the same time. Please try again in a few seconds."
		return nil, errs.Unavailablef(turnRetry, message).Because(err)
	}
	return leave, nil
}

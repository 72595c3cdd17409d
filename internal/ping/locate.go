package ping

import (
	"context"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/store"
)

// locate has the check of a ping looked up that the gate does not know, with all
// others that wait for that. It returns when that is done and, unless the ping
// is to be looked at only, when it is recorded.
func (r *Recorder) locate(w *waiting) {
	if r.keep.ifAway(r.keep.isGone, func() { r.locateKept([]*waiting{w}) }) {
		return
	}
	r.located.Lock()
	if len(r.unlocated) >= r.limits.Queue {
		r.located.Unlock()
		r.observe.refused(QueueFull, 1)
		w.err = errs.Unavailablef(retryAfter, "too many pings are waiting, try again").Because(errFull)
		return
	}
	r.unlocated = append(r.unlocated, w)
	if !r.locating {
		r.locating = true
		go r.locateAll()
	}
	r.located.Unlock()
	<-w.done
}

// locateAll looks up what waits for that, until nothing does.
func (r *Recorder) locateAll() {
	for {
		r.located.Lock()
		batch := r.unlocated[:min(len(r.unlocated), locateBatch)]
		r.unlocated = r.unlocated[len(batch):]
		if len(batch) == 0 {
			r.locating = false
			r.unlocated = nil
			r.located.Unlock()
			return
		}
		r.located.Unlock()
		r.locateBatch(batch)
	}
}

// locateBatch is how many checks are looked up at once.
const locateBatch = 256

func (r *Recorder) locateBatch(batch []*waiting) {
	if r.keep.ifAway(r.keep.isGone, func() { r.locateKept(batch) }) {
		answer(batch)
		return
	}
	err := r.locateInsisting(arrivals(batch))
	if r.keep != nil && isAway(err) {
		r.keep.turn.RLock()
		r.keep.lost(err)
		r.locateKept(batch)
		r.keep.turn.RUnlock()
		answer(batch)
		return
	}
	if err != nil {
		r.observe.refused(DatabaseAway, len(batch))
	}
	unknown := 0
	for _, w := range batch {
		a := w.arrival
		switch {
		case err != nil:
			w.err = err
		case a.Err != nil:
			unknown++
		default:
			err := r.letIn(w)
			if err == nil && !w.lookOnly {
				// The committer answers it, and may have done so already: w is no longer ours.
				continue
			}
			w.err = err
		}
		close(w.done)
	}
	r.observe.unknown(unknown)
}

func answer(batch []*waiting) {
	for _, w := range batch {
		close(w.done)
	}
}

// letIn takes a place in the rates, and in the queue, for a ping that has been
// located. It enters the queue before others learn that its check is known, so
// that none of this check that came later overtakes it.
func (r *Recorder) letIn(w *waiting) error {
	c, err := r.gate.admitLocated(w.arrival)
	// the committer has it then
	located := *w.arrival
	if err == nil && !w.lookOnly {
		err = r.enqueue(w)
	}
	r.gate.remember(&located, c)
	return err
}

// locateInsisting looks up the checks of a batch, again and again while the
// database is away, with the patience of the Recorder.
func (r *Recorder) locateInsisting(batch []*store.Arrival) error {
	patience := r.limits.Patience
	if r.keep != nil {
		patience = keepAfter
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := incident.Catch("worker", func() error { return r.store.Locate(ctx, batch) })
		switch {
		case err == nil:
			r.unlocatable = false
			return nil
		case !isAway(err):
			r.log.Error("checks of pings were not found", "pings", len(batch), "error", err)
			return err
		case r.unlocatable, ctx.Err() != nil:
			// it was away before: one try is enough
			r.unlocatable = true
			return errs.Unavailablef(retryAfter, "the database is away, try again").Because(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// Find looks up whether there is a check for a ping, and sets the Project: where a
// slug is nobody's, that of the ping key. It takes no place in the rates, and fails
// like Record.
func (r *Recorder) Find(a *store.Arrival) error {
	probe := *a
	probe.Admitted = true
	err := r.lookUp(&probe)
	a.Project = probe.Project
	return err
}

// lookUp looks up the check of a ping, whether the gate knows it or not, and sets
// the Code and the Project of the ping.
func (r *Recorder) lookUp(a *store.Arrival) error {
	w := &waiting{arrival: a, lookOnly: true, done: make(chan struct{})}
	r.locate(w)
	return w.outcome()
}

// Admit takes a place in the rates for a ping that Record is going to be called
// for: with several pings that are to be recorded all or none, none is recorded
// before all have their place. Record finds the check of a slug once more. It fails
// like Record.
func (r *Recorder) Admit(a *store.Arrival) error {
	probe := *a
	known, err := r.gate.admit(&probe)
	if !known {
		err = r.lookUp(&probe)
		a.Project = probe.Project
	}
	r.observe.rateRefused(err)
	a.Admitted = err == nil
	return err
}

// AdmitNew takes a place in the rates of the project for a ping whose check is
// yet to be made: Record or Find has not found it. It sets the Project. It fails
// with errs.TooMany, with errs.NotFound when no project has the key, and with
// errs.Unavailable like Record.
func (r *Recorder) AdmitNew(a *store.Arrival) error {
	if err := r.projectOf(a); err != nil {
		return err
	}
	err := r.gate.admitNew(a)
	r.observe.rateRefused(err)
	return err
}

// projectOf sets the project of the ping key. It is looked up where the gate knew
// a check that the slug meant once: that one may be gone, or have been given
// another slug, and may belong to another project by now.
func (r *Recorder) projectOf(a *store.Arrival) error {
	if a.Project != uuid.Nil {
		return nil
	}
	probe := *a
	probe.Code = uuid.Nil
	probe.Admitted = true
	err := r.lookUp(&probe)
	a.Project = probe.Project
	switch {
	case a.Project != uuid.Nil:
		return nil
	case err != nil:
		return err
	default:
		return errs.NotFoundf("not found")
	}
}

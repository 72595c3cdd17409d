package alert

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
)

// SendTest sends a test notification through the channel right now and stores
// how it went, on the channel and as a delivery of no check. It tells of a check
// called TEST that went down; a channel that does not want to know of that is told
// that it came up.
//
// A failed attempt is no error of SendTest's own but comes back as it is, mostly
// a *notify.Error, together with what the other side answered.
func SendTest(ctx context.Context, s *store.Store, r *notify.Registry, h monitor.Channel) (notify.Result, error) {
	k := r.Kind(h.Kind)
	if k == nil {
		return notify.Result{}, errs.Unavailablef(0, "This site does not offer this integration.")
	}
	if err := mayTest(ctx, s, h.ID); err != nil {
		return notify.Result{}, err
	}
	project, err := s.ProjectByID(ctx, h.ProjectID)
	if err != nil {
		return notify.Result{}, fmt.Errorf("send test notification: %w", err)
	}
	ev := testEvent(k, h, *project, s.Now())
	began := time.Now()
	sending, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	res, sendErr := send(sending, r, ev)

	// The visitor may have gone; what came of it is still worth knowing.
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	o := store.ChannelOutcome{At: s.Now(), Latency: time.Since(began), Answer: res.Said}
	var refused *notify.Error
	if sendErr != nil {
		o.Error = message(sendErr)
		o.Disable = errors.As(sendErr, &refused) && refused.Permanent()
	}
	if err := s.RecordTest(recording, h.ID, uuid.MustParse(ev.Key), o); err != nil {
		return res, errors.Join(sendErr, err)
	}
	return res, sendErr
}

// mayTest fails with errs.Conflict where the address of the channel has not agreed
// to be sent anything, or not any more.
func mayTest(ctx context.Context, s *store.Store, channel uuid.UUID) error {
	now, err := s.ChannelByID(ctx, channel)
	switch {
	case err != nil:
		return fmt.Errorf("send test notification: %w", err)
	case !now.UnsubscribedAt.IsZero():
		return errs.Conflictf("The recipient has unsubscribed. Nothing is sent to this address until it agrees again.")
	case !now.Verified:
		return errs.Conflictf("The address has not been confirmed yet. Nothing is sent to it before.")
	}
	return nil
}

func testEvent(k *notify.Kind, h monitor.Channel, p monitor.Project, now time.Time) notify.Event {
	c := monitor.NewCheck(p.ID, now)
	c.Name = "TEST"
	c.Slug = "test"
	c.NPings = 42
	c.LastPing = now.Add(-24 * time.Hour)
	c.Status = monitor.StatusDown
	ev := notify.Event{
		Flip:    monitor.Flip{CreatedAt: now, Old: monitor.StatusUp, New: monitor.StatusDown, Reason: monitor.ReasonTimeout},
		Channel: h, Project: p, Now: now, OwnerTZ: time.UTC, Test: true, Attempt: 1, Key: uuid.NewString(),
	}
	if !k.Wants(h.Config, ev.Flip) {
		ev.Flip.Old = monitor.StatusDown
		ev.Flip.New = monitor.StatusUp
		ev.Flip.Reason = monitor.ReasonNone
		c.Status = monitor.StatusUp
	}
	ev.Check = c
	ev.Status = ev.Flip.New
	return ev
}

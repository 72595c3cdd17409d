package channel_test

import (
	"testing"

	"github.com/google/uuid"

	"punctual/internal/channel"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

func configTo(address string) string { return `{"address":"` + address + `","up":true,"down":true}` }

// change changes a channel as it is stored by now.
func (s *site) change(t *testing.T, id uuid.UUID, on bool, apply func(*monitor.Channel) error) (*monitor.Channel, bool, error) {
	t.Helper()
	now, err := s.Store.ChannelByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return s.Change(t.Context(), channel.Edit{Channel: now, Project: s.account.Project, User: s.account.User, Apply: apply, SwitchOn: on})
}

func TestAnAddressThatChangesIsAskedAnew(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		ch := s.mailTo(t, "ops@example.org")
		first := s.sig()
		if !s.Agreed(ch, first) || s.Agreed(ch, "x") {
			t.Error("the signature of the question")
		}
		renamed, again, err := s.change(t, ch.ID, false, func(c *monitor.Channel) error { c.Name = "Night shift"; return nil })
		if err != nil || again || renamed.Name != "Night shift" {
			t.Errorf("another name: %+v, asked %t, %v", renamed, again, err)
		}
		moved, again, err := s.change(t, ch.ID, false, func(c *monitor.Channel) error { c.Config = configTo("new@example.org"); return nil })
		if err != nil || !again || moved.Verified || len(s.asked) != 2 || s.asked[1].To != "new@example.org" {
			t.Errorf("another address: %+v, asked %t, %v", moved, again, err)
		}
		if s.Agreed(moved, first) {
			t.Error("the consent of the former address counts for the new one")
		}
		// Their own address need not be asked.
		own, again, err := s.change(t, ch.ID, false, func(c *monitor.Channel) error { c.Config = configTo(s.account.User.Email); return nil })
		if err != nil || again || !own.Verified {
			t.Errorf("the own address: %+v, asked %t, %v", own, again, err)
		}
		_, _, err = s.change(t, ch.ID, false, func(*monitor.Channel) error { return errs.Invalidf("name", "no") })
		if errs.KindOf(err) != errs.Invalid {
			t.Errorf("a change that fails: %v", err)
		}
		gone := channel.Edit{
			Channel: &monitor.Channel{ID: uuid.New(), Kind: "email", Config: configTo(s.account.User.Email)},
			User:    s.account.User,
			Apply:   func(*monitor.Channel) error { return nil },
		}
		if _, _, err := s.Change(t.Context(), gone); errs.KindOf(err) != errs.NotFound {
			t.Errorf("a channel that is gone: %v", err)
		}
	})
}

// An address that has unsubscribed is asked once a day, whoever wants it back.
func TestAnAddressThatHasUnsubscribedIsAskedOnceADay(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		ch := s.mailTo(t, "ops@example.org")
		before := s.sig()
		if err := s.Store.Unsubscribe(t.Context(), ch.ID); err != nil {
			t.Fatal(err)
		}
		asIs := func(*monitor.Channel) error { return nil }
		now, again, err := s.change(t, ch.ID, true, asIs)
		if err != nil || !again || len(s.asked) != 2 {
			t.Errorf("asked %t, %d mails, %v", again, len(s.asked), err)
		}
		if s.Agreed(now, before) || !s.Agreed(now, s.sig()) {
			t.Error("a consent from before unsubscribing counts, or the new one does not")
		}
		if _, again, err := s.change(t, ch.ID, true, asIs); err != nil || again || len(s.asked) != 2 {
			t.Errorf("within the day: asked %t, %d mails, %v", again, len(s.asked), err)
		}
		another := &monitor.Channel{ProjectID: s.account.Project.ID, Kind: "email", Config: configTo("ops@example.org")}
		err = s.Create(t.Context(), another, s.account.Project, s.account.User)
		if errs.KindOf(err) != errs.TooMany {
			t.Errorf("in another channel: %v", err)
		}
	})
}

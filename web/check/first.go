package check

import "punctual/web/ui/checkstate"

// firstStep is what is left to do for a check that was never pinged.
type firstStep struct {
	// for a crontab
	Line string
	// where a test alert goes; nil: nobody is notified yet
	Channel *detailsChannel
}

// FirstStep is nil once a ping has come, and for those who may only look.
func (p *detailsPage) FirstStep() *firstStep {
	if !p.CanWrite || p.Check.NPings > 0 || p.State.State != checkstate.New {
		return nil
	}
	// the most common way is the first
	step := &firstStep{Line: p.Examples[0].Code}
	for i := range p.Channels {
		ch := &p.Channels[i]
		if ch.On && (step.Channel == nil || !step.Channel.State.Works() && ch.State.Works()) {
			step.Channel = ch
		}
	}
	return step
}

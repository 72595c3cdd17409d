package checks

import (
	"slices"
	"strconv"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// maxRowIcons is how many channels are shown one by one in each row; of more
// there is only the number.
const maxRowIcons = 10

// channelIcon is a channel as each row shows it.
type channelIcon struct {
	ID uuid.UUID
	// where alerts go
	Label string
	// of its kind
	Icon string
	// where the picture of a row has it
	X int
}

// iconStep is the distance of the icons in a row.
const iconStep = 23

// appendIcons writes the cell that shows which channels are on; where there are
// too many for icons it only says how many: "3 of 14". The icons of all channels
// are one symbol of the page; data-on has a letter for each that is on, a for the
// first, by which styles colour them and scripts switch them.
//
// A thousand copies of a symbol keep a browser busy for half a second, so scripts
// draw them row by row (static/js/checks.js).
func (p *checksPage) appendIcons(b []byte, on []uuid.UUID) []byte {
	b = append(b, "<td class=ch"...)
	if p.ChannelCount > 0 && p.ChannelCount <= maxRowIcons {
		b = append(b, ` data-on="`...)
		for i := range p.Icons {
			if slices.Contains(on, p.Icons[i].ID) {
				b = append(b, byte('a'+i))
			}
		}
		b = append(b, `"><noscript><svg width=`...)
		b = strconv.AppendInt(b, int64(p.ChannelCount*iconStep), 10)
		b = append(b, ` role=img aria-label="`...)
		b = p.appendCount(b, on)
		return append(b, `"><use href=#channels /></svg></noscript>`...)
	}
	b = append(b, '>')
	if p.ChannelCount > 0 {
		b = p.appendCount(b, on)
	}
	return b
}

func (p *checksPage) appendCount(b []byte, on []uuid.UUID) []byte {
	b = strconv.AppendInt(b, int64(len(on)), 10)
	b = append(b, " of "...)
	return strconv.AppendInt(b, int64(p.ChannelCount), 10)
}

func (s *Pages) channelIcons(channels []monitor.Channel) []channelIcon {
	if len(channels) > maxRowIcons {
		return nil
	}
	return s.allIcons(channels)
}

func (s *Pages) allIcons(channels []monitor.Channel) []channelIcon {
	out := make([]channelIcon, len(channels))
	for i := range channels {
		v := s.viewChannel(&channels[i])
		out[i] = channelIcon{ID: v.ID, Label: v.Title, Icon: v.Icon, X: i * iconStep}
	}
	return out
}

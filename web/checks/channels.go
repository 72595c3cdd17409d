package checks

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/web/ui"
)

// maxRowIcons is how many channels are shown one by one in each row; of more
// there is only the number.
const maxRowIcons = 10

// channelIcon is a channel as each row shows it.
type channelIcon struct {
	ui.Channel
	// where the picture of a row has it
	X int
}

// Letter names the channel in rows: "a" is the first.
func (c *channelIcon) Letter() string { return string(rune('a' + c.X/iconStep)) }

// Tip is what the pointer over the icon is told.
func (c *channelIcon) Tip() string {
	if c.Why == "" {
		return c.Name() + "."
	}
	return c.Name() + ": " + c.Why
}

// Spoken is the channel in the name of a row's picture.
func (c *channelIcon) Spoken() string {
	if c.State.Works() {
		return c.Name()
	}
	return c.Name() + ", " + strings.ToLower(c.State.Text())
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
		from := len(b)
		for i := range p.Icons {
			if slices.Contains(on, p.Icons[i].ID) {
				b = append(b, byte('a'+i))
			}
		}
		letters := string(b[from:])
		b = append(b, `"><noscript><svg width=`...)
		b = strconv.AppendInt(b, int64(p.ChannelCount*iconStep), 10)
		b = append(b, ` role=img aria-labelledby="`...)
		b = p.appendNames(b, letters)
		return append(b, `"><use href=#channels /></svg></noscript>`...)
	}
	b = append(b, '>')
	if p.ChannelCount > 0 {
		b = strconv.AppendInt(b, int64(len(on)), 10)
		b = append(b, " of "...)
		b = strconv.AppendInt(b, int64(p.ChannelCount), 10)
	}
	return b
}

// appendNames names by their ids the elements of the page that say which channels are
// on, and which are not: "ch-on ch-a ch-off ch-b".
func (p *checksPage) appendNames(b []byte, on string) []byte {
	if on != "" {
		b = append(b, "ch-on"...)
	}
	for i := range len(on) {
		b = append(b, " ch-"...)
		b = append(b, on[i])
	}
	if len(on) == len(p.Icons) {
		return b
	}
	b = append(b, " ch-off"...)
	for i := range p.Icons {
		letter := byte('a' + i)
		if strings.IndexByte(on, letter) < 0 {
			b = append(b, " ch-"...)
			b = append(b, letter)
		}
	}
	return b
}

// views are the channels as pages show them.
func (s *Pages) views(channels []monitor.Channel) []ui.Channel {
	out := make([]ui.Channel, len(channels))
	for i := range channels {
		out[i] = s.viewChannel(&channels[i])
	}
	return out
}

// rowIcons are the icons of each row, none where there are too many.
func rowIcons(channels []ui.Channel) []channelIcon {
	if len(channels) > maxRowIcons {
		return nil
	}
	return allIcons(channels)
}

func allIcons(channels []ui.Channel) []channelIcon {
	out := make([]channelIcon, len(channels))
	for i := range channels {
		out[i] = channelIcon{channels[i], i * iconStep}
	}
	return out
}

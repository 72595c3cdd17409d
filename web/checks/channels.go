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
// draw them row by row (static/js/checks.js), and give each its name by those of the
// channels. For those without scripts all names there are stand once on the page.
func (p *checksPage) appendIcons(b []byte, on []uuid.UUID) []byte {
	b = append(b, "<td class=ch"...)
	if p.ChannelCount > 0 && p.ChannelCount <= maxRowIcons {
		letters := p.letters(on)
		b = append(append(b, ` data-on=`...), letters...)
		b = append(append(b, `><noscript><svg aria-labelledby=on-`...), letters...)
		return append(b, `><use href=#channels /></svg></noscript>`...)
	}
	b = append(b, '>')
	if p.ChannelCount > 0 {
		b = strconv.AppendInt(b, int64(len(on)), 10)
		b = append(b, " of "...)
		b = strconv.AppendInt(b, int64(p.ChannelCount), 10)
	}
	return b
}

// letters are those of the channels that are on.
func (p *checksPage) letters(on []uuid.UUID) string {
	var out []byte
	for i := range p.Icons {
		if slices.Contains(on, p.Icons[i].ID) {
			out = append(out, byte('a'+i))
		}
	}
	return string(out)
}

// iconName names the picture of channels of some rows.
type iconName struct {
	// of the channels that are on
	Letters string
	// "On: Night shift (Email). Off: Incident bot (Webhook)."
	Text string
}

// IconNames are the names of the pictures of all rows, each once.
func (p *checksPage) IconNames() []iconName {
	var out []iconName
	if len(p.Icons) == 0 {
		return out
	}
	seen := map[string]bool{}
	for i := range p.Rows {
		letters := p.letters(p.Rows[i].on)
		if !seen[letters] {
			seen[letters] = true
			out = append(out, iconName{letters, p.spoken(letters)})
		}
	}
	return out
}

// spoken says which channels are on, and which are not.
func (p *checksPage) spoken(letters string) string {
	on := ""
	off := ""
	for i := range p.Icons {
		c := &p.Icons[i]
		if strings.Contains(letters, c.Letter()) {
			on += " " + c.Spoken() + "."
		} else {
			off += " " + c.Spoken() + "."
		}
	}
	var out []string
	if on != "" {
		out = append(out, "On:"+on)
	}
	if off != "" {
		out = append(out, "Off:"+off)
	}
	return strings.Join(out, " ")
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

package integrations

import (
	"html/template"
	"slices"
	"strings"

	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/web/ui"
)

// channelForm is the page that adds or edits a channel. It is made of what the kind
// declares.
type channelForm struct {
	ui.BasePage
	kindView
	*ui.Form
	// where the form goes
	Action string
	// nil: a new one
	Channel *monitor.Channel
	// of the kind
	Help template.HTML

	// Connect is how the provider's own site adds channels, nil: not at all. Leave
	// tells that nobody has been there yet.
	Connect *notify.Connect
	Leave   bool

	// one below the other
	Settings []settingView
	// choices for an event, side by side
	Levels []settingView
	// of events
	Switches []settingView
	Halves   []halfView
}

// settingView is a setting with what was typed and what is wrong with it.
type settingView struct {
	notify.Field
	Title  string
	Value  string
	Hidden bool
	Error  ui.FieldError
	Attrs  template.HTMLAttr
}

// halfView has the settings for one kind of event.
type halfView struct {
	Status      monitor.Status
	Title       string
	Rows        []rowView
	Folded      []settingView
	FoldedTitle string
	Open        bool
}

// rowView has the settings of one line.
type rowView struct {
	Settings []settingView
	Joined   bool
}

// Box tells whether the setting is a switch.
func (v settingView) Box() bool { return v.Field.Box() }

// InputType is the type of the input as browsers know it.
func (v settingView) InputType() string {
	switch v.Type {
	case notify.Mail, notify.URL, notify.Password:
		return string(v.Type)
	default:
		return "text"
	}
}

// Mono tells whether machines are meant to read the setting.
func (v settingView) Mono() bool {
	return v.Type == notify.Code || v.Type == notify.URL || v.Type == notify.Password
}

// Autocomplete is what browsers may fill in.
func (v settingView) Autocomplete() string {
	switch v.Type {
	case notify.Mail:
		return "email"
	case notify.Password:
		return "new-password"
	default:
		return "off"
	}
}

// Rows is how many lines of a text are seen at once.
func (v settingView) Rows() int {
	if v.Field.Headers() {
		return 2
	}
	return 4
}

// eventTitle says when something is sent.
func eventTitle(s monitor.Status) string {
	if s == monitor.StatusDown {
		return "When a check goes down"
	}
	return "When it comes back up"
}

// arrange puts the settings of a kind where they are in the form.
func (m *channelForm) arrange(k *notify.Kind, asksAddresses bool) {
	for _, f := range k.Fields {
		v := m.setting(f)
		if asksAddresses && k.Confirms && f.Type == notify.Mail {
			v.Help = "An address that is not your own is asked first whether it wants these messages."
		}
		switch {
		case f.Half != "":
			m.half(f.Half).add(v)
		case f.Notifies != "" && f.Box():
			m.Switches = append(m.Switches, v)
		case f.Notifies != "" && len(f.Choices) > 0:
			v.Title = eventTitle(f.Notifies)
			m.Levels = append(m.Levels, v)
		default:
			m.Settings = append(m.Settings, v)
		}
	}
	// Down is what people think of first.
	downFirst := func(a, b settingView) int { return strings.Compare(string(a.Notifies), string(b.Notifies)) }
	slices.SortStableFunc(m.Switches, downFirst)
	slices.SortStableFunc(m.Levels, downFirst)
}

func (m *channelForm) setting(f notify.Field) settingView {
	v := settingView{Field: f, Title: f.Label, Value: m.Form.Value(f.Name()), Error: m.Form.Field(f.Name()), Attrs: m.Form.Attrs(f.Name())}
	v.Hidden = m.Connect != nil && m.Connect.Field == f.Key
	if f.Box() && !m.Form.On(f.Name()) {
		v.Value = ""
	}
	if v.Hint == "" && f.Required == "" && len(f.Choices) == 0 && f.Half == "" {
		v.Hint = "optional"
	}
	if f.Masked() && m.Channel != nil {
		v.Placeholder = "unchanged"
	}
	return v
}

// half is the part of the form for one kind of event.
func (m *channelForm) half(s monitor.Status) *halfView {
	for i := range m.Halves {
		if m.Halves[i].Status == s {
			return &m.Halves[i]
		}
	}
	m.Halves = append(m.Halves, halfView{Status: s, Title: eventTitle(s)})
	return &m.Halves[len(m.Halves)-1]
}

func (h *halfView) add(v settingView) {
	if v.Folded {
		h.Folded = append(h.Folded, v)
		h.Open = h.Open || v.Value != "" || v.Error.Message != ""
		h.FoldedTitle = foldedTitle(h.Folded)
		return
	}
	last := len(h.Rows) - 1
	if last >= 0 && h.Rows[last].Settings[len(h.Rows[last].Settings)-1].Join {
		h.Rows[last].Settings = append(h.Rows[last].Settings, v)
		h.Rows[last].Joined = true
		return
	}
	h.Rows = append(h.Rows, rowView{Settings: []settingView{v}})
}

// foldedTitle names settings: "Body and headers".
func foldedTitle(settings []settingView) string {
	title := settings[0].Title
	for i := 1; i < len(settings); i++ {
		with := ", "
		if i == len(settings)-1 {
			with = " and "
		}
		title += with + strings.ToLower(settings[i].Title)
	}
	return title
}

package webtest

import (
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

// AddNamed stores a check with defaults, changed by set.
func (s *Site) AddNamed(p *monitor.Project, name string, set ...func(*monitor.Check)) *monitor.Check {
	s.Helper()
	c := monitor.NewCheck(p.ID, s.Clock.Now())
	c.Name = name
	c.Slug = monitor.Slugify(name)
	for _, f := range set {
		f(&c)
	}
	if err := s.Store.CreateCheck(s.Context(), &c, store.Channels{All: true}); err != nil {
		s.Fatal(err)
	}
	return &c
}

// Ping records a ping now, as set says.
func (s *Site) Ping(c *monitor.Check, kind monitor.PingKind, set ...func(*monitor.Ping)) {
	s.Helper()
	a := &store.Arrival{
		Code:     c.Code,
		Ping:     monitor.Ping{CreatedAt: s.Clock.Now(), Scheme: "https", Method: "POST", RemoteAddr: "198.51.100.7", UserAgent: "curl/8.5"},
		Classify: func(*monitor.Filter) monitor.PingKind { return kind },
	}
	for _, f := range set {
		f(&a.Ping)
	}
	if err := s.Store.RecordPings(s.Context(), []*store.Arrival{a}); err != nil {
		s.Fatal(err)
	}
	if a.Err != nil {
		s.Fatal(a.Err)
	}
}

// Reload is the check as it is stored now.
func (s *Site) Reload(c *monitor.Check) *monitor.Check {
	s.Helper()
	got, err := s.Store.CheckByCode(s.Context(), c.Code)
	if err != nil {
		s.Fatal(err)
	}
	return got
}

// Zoo fills the project with one check in each state and returns them by name.
func (s *Site) Zoo(p *monitor.Project) map[string]*monitor.Check {
	s.Helper()
	_, err := s.Store.DeleteCheck(s.Context(), s.FirstCheck(p).Code)
	if err != nil {
		s.Fatal(err)
	}
	hourly := func(tags string) func(*monitor.Check) {
		return func(c *monitor.Check) {
			c.Timeout = time.Hour
			c.Grace = time.Hour
			c.Tags = tags
		}
	}
	z := map[string]*monitor.Check{}
	for name, tags := range map[string]string{"late 1": "prod", "down 2": "prod db", "up 10": "prod", "up 9": "web", "run 3": "web",
		"paused 4": "", "new 5": "db"} {
		z[name] = s.AddNamed(p, name, hourly(tags))
	}
	s.Ping(z["late 1"], monitor.PingSuccess)
	s.Clock.Advance(90 * time.Minute)
	s.Ping(z["down 2"], monitor.PingFail)
	s.Ping(z["up 9"], monitor.PingSuccess)
	s.Clock.Advance(time.Minute)
	s.Ping(z["up 10"], monitor.PingSuccess)
	s.Ping(z["run 3"], monitor.PingStart)
	s.Post("/checks/"+z["paused 4"].Code.String()+"/pause/", url.Values{}).Is(http.StatusSeeOther)
	return z
}

// Taker is a process that takes pings from now on.
func (s *Site) Taker() *monitor.Taker {
	s.Helper()
	t := &monitor.Taker{ID: uuid.New(), Place: "here", Role: "serve", Ways: monitor.WayHTTP, BeganAt: s.Clock.Now()}
	s.Sign(t)
	return t
}

// Sign tells that all pings are known that have arrived at t until now, and looks at
// what can be judged by that.
func (s *Site) Sign(t *monitor.Taker) {
	s.Helper()
	if err := s.Store.SignTaker(s.Context(), t, store.Sign{Mark: s.Clock.Now()}); err != nil {
		s.Fatal(err)
	}
	if err := s.Store.RefreshHeard(s.Context()); err != nil {
		s.Fatal(err)
	}
	if _, err := s.Store.JudgeOverdue(s.Context(), 1000); err != nil {
		s.Fatal(err)
	}
}

// Outage is a time in which nobody takes pings: t stops, and a while later another
// begins, which is returned.
func (s *Site) Outage(t *monitor.Taker, lasts time.Duration) *monitor.Taker {
	s.Helper()
	s.Sign(t)
	if err := s.Store.TakerStopped(s.Context(), t, store.Sign{Mark: s.Clock.Now()}); err != nil {
		s.Fatal(err)
	}
	s.Clock.Advance(lasts)
	return s.Taker()
}

// Package live tells open pages that something of their projects has changed, by
// streams of server-sent events.
package live

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/store"
)

// The bounds of live pages.
const (
	// in this process
	maxViewers = 1000
	// of one user; more are pages somebody has forgotten
	maxUserViewers = 50

	// pings of other processes and deadlines that pass call nobody
	lookEvery = time.Second
	// at least, between two looks
	lookPause = 500 * time.Millisecond
	// at most
	lookRest = 3 * time.Second
	// in between, looking takes one part of so many of the time, no more
	lookShare = 10
	// between two looks for changes of settings in one project
	settingsPause = 5 * time.Second
	// for the database
	loadPatience = 10 * time.Second
)

// Hub tells pages that are being looked at that something of their projects
// has changed. One goroutine looks for all of them, and only while there are
// any: one statement tells which of the projects have changed, and what their
// lists show is loaded once for all who look at it.
//
// Nobody waits for a page: each is called by a channel that holds one call.
type Hub struct {
	store *store.Store
	log   *slog.Logger
	// closed when the server stops
	ended chan struct{}
	End   func()

	mu       sync.Mutex
	projects map[uuid.UUID]*watched
	viewers  int
	byUser   map[uuid.UUID]int
	// of the goroutine, nil when nobody looks
	stop context.CancelFunc
}

// watched is a project that somebody looks at. All but the data is guarded by Hub.mu.
type watched struct {
	viewers map[*viewer]struct{}
	// see store.Marks
	mark string
	// counts the changes
	generation int64
	// the last of them
	changedAt time.Time
	// settings of some project have changed since
	suspect bool

	// guards what follows, and is held while it is loaded
	loading sync.Mutex
	data    any
	// the generation data is of
	of int64
}

// viewer is one open page.
type viewer struct {
	user     uuid.UUID
	projects []uuid.UUID
	// holds one: look again
	calls chan struct{}
}

// New makes a hub; it looks for changes only while pages are open.
func New(s *store.Store, log *slog.Logger) *Hub {
	ended := make(chan struct{})
	return &Hub{
		store: s, log: log, ended: ended, End: sync.OnceFunc(func() { close(ended) }),
		projects: map[uuid.UUID]*watched{}, byUser: map[uuid.UUID]int{},
	}
}

// join adds a page of the user that shows the projects. It fails with
// errs.Unavailable where there are too many pages already. leave must follow.
func (l *Hub) join(user uuid.UUID, projects []uuid.UUID) (*viewer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.viewers >= maxViewers || l.byUser[user] >= maxUserViewers {
		return nil, errs.Unavailablef(time.Minute, "Too many live pages are open.")
	}
	v := &viewer{user: user, projects: projects, calls: make(chan struct{}, 1)}
	l.viewers++
	l.byUser[user]++
	for _, id := range projects {
		w := l.projects[id]
		if w == nil {
			w = &watched{viewers: map[*viewer]struct{}{}}
			l.projects[id] = w
		}
		w.viewers[v] = struct{}{}
	}
	if l.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		l.stop = stop
		go l.run(ctx)
	}
	return v, nil
}

// leave ends what join began.
func (l *Hub) leave(v *viewer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.viewers--
	if l.byUser[v.user]--; l.byUser[v.user] == 0 {
		delete(l.byUser, v.user)
	}
	for _, id := range v.projects {
		w := l.projects[id]
		if delete(w.viewers, v); len(w.viewers) == 0 {
			delete(l.projects, id)
		}
	}
	if l.viewers == 0 {
		l.stop()
		l.stop = nil
	}
}

// run looks until ctx ends: when pings or checks of any project call, and every second.
func (l *Hub) run(ctx context.Context) {
	pings := l.store.DB().Watch(ctx, db.TopicPings)
	settings := l.store.DB().Watch(ctx, db.TopicChecks)
	for {
		suspect := false
		select {
		case <-ctx.Done():
			return
		case <-l.ended:
			return
		case <-pings:
		case <-settings:
			suspect = true
		case <-time.After(lookEvery):
		}
		began := time.Now()
		if err := incident.Catch("worker", func() error { return l.look(ctx, began, suspect) }); err != nil && ctx.Err() == nil {
			level := slog.LevelWarn
			_, bug := errors.AsType[*incident.Panic](err)
			if bug {
				level = slog.LevelError
			}
			l.log.Log(ctx, level, "look for changes", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-l.ended:
			return
		case <-time.After(min(max(lookPause, lookShare*time.Since(began)), lookRest)):
		}
	}
}

// look calls the viewers of the projects that have changed. Which project a
// change of settings was in nobody says, so that each may have changed.
func (l *Hub) look(ctx context.Context, now time.Time, suspect bool) error {
	ctx, cancel := context.WithTimeout(ctx, loadPatience)
	defer cancel()
	marks, err := l.store.Marks(ctx, l.watched(), l.store.Now())
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, w := range l.projects {
		w.suspect = w.suspect || suspect
		if w.mark == marks[id] && (!w.suspect || now.Sub(w.changedAt) < settingsPause) {
			continue
		}
		w.mark = marks[id]
		w.suspect = false
		w.changedAt = now
		w.generation++
		for v := range w.viewers {
			select {
			case v.calls <- struct{}{}:
			default:
				// it has not answered the last call yet
			}
		}
	}
	return nil
}

func (l *Hub) watched() []uuid.UUID {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := make([]uuid.UUID, 0, len(l.projects))
	for id := range l.projects {
		ids = append(ids, id)
	}
	return ids
}

// Shared is what load loads of a watched project, once after each change for all
// who ask; all must load the same. A fresh one is loaded in any case: who has just
// come may have seen a change that nobody was called for yet.
func (l *Hub) Shared(ctx context.Context, project uuid.UUID, fresh bool, load func(context.Context) (any, error)) (any, error) {
	l.mu.Lock()
	w := l.projects[project]
	l.mu.Unlock()
	w.loading.Lock()
	defer w.loading.Unlock()
	l.mu.Lock()
	generation := w.generation
	l.mu.Unlock()
	if !fresh && w.data != nil && w.of == generation {
		return w.data, nil
	}
	// others wait for it too
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadPatience)
	defer cancel()
	data, err := load(ctx)
	if err != nil {
		return nil, err
	}
	w.data = data
	w.of = generation
	return data, nil
}

// Package status answers how Punctual itself is: /status/ for
// people, for programs, and in the shapes of the tools that others watch their
// services with; and the small pages that load balancers ask. The looking is
// done by internal/status; this is delivery only, works without a session, and
// answers within two seconds with the database away, refusing or hung.
//
// Who may see what is told in access.go, the formats are listed in formats.go.
package status

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"punctual/internal/errs"
	"punctual/internal/status"
)

// Deps is what the pages stand on.
type Deps struct {
	// Checks are the self-checks of this process; asked for with each request, as
	// they are made after the site.
	Checks   func() *status.Runner
	SiteName string
	// the full address of /status/
	URL     string
	Version string
	// tell the version in X-Punctual-Version
	VersionHeader bool
	// the HTTP status when something is broken
	ErrorCode int
	// TokenName is the query parameter that may hold one of the Tokens.
	TokenName string
	Tokens    []string
	// whose requests need no token
	Networks []netip.Prefix
	// Redact takes the secrets out of a text.
	Redact func(string) string
	Log    *slog.Logger
}

// Visitor is who asks, as far as the web site knows.
type Visitor struct {
	Superuser bool
	// Render answers with the page for people.
	Render func(w http.ResponseWriter, code int, d *Dashboard) error
}

// Server answers the addresses.
type Server struct {
	Deps
	visitor func(r *http.Request) Visitor
	formats []format
}

// New makes the pages. visitor tells who sends a request, and how a page looks
// for them; where that cannot be found out before the context of the request
// ends, it is to say that it is nobody.
func New(d Deps, visitor func(r *http.Request) Visitor) *Server {
	return &Server{Deps: d, visitor: visitor, formats: formats()}
}

// lookupTime bounds the question who asks: a superuser of a database that does
// not answer is a stranger.
const lookupTime = time.Second

// Report answers /status/. It is 200 when nothing is broken, else the error
// code; 404 where no check is chosen, 406 for a format that is not known.
func (s *Server) Report(w http.ResponseWriter, r *http.Request) {
	s.head(w)
	w.Header().Add("Vary", "Accept, Authorization, Cookie")
	f := s.negotiate(r)
	if f == nil {
		s.refuseFormat(w)
		return
	}
	v, visitor, ok := s.look(w, r)
	if !ok {
		return
	}
	code := s.code(v)
	// our script renews the page, whatever it says
	if f.always200 || r.Header.Get("X-Part") != "" {
		code = http.StatusOK
	}
	if f.write == nil {
		if err := visitor.Render(w, code, s.dashboard(r, v)); err != nil {
			s.Log.Error("show the status page", "error", err)
			http.Error(w, "The page could not be shown.", http.StatusInternalServerError)
		}
		return
	}
	body, err := f.write(s, v)
	if err != nil {
		s.Log.Error("write the status", "format", f.name, "error", err)
		writeJSON(w, http.StatusInternalServerError, refusal{Error: http.StatusInternalServerError, Message: "The report could not be written."})
		return
	}
	w.Header().Set("Content-Type", f.contentType)
	w.WriteHeader(code)
	w.Write(body)
}

// Bare answers /status/bare/ with nothing but the status code.
func (s *Server) Bare(w http.ResponseWriter, r *http.Request) {
	s.head(w)
	w.Header().Add("Vary", "Authorization, Cookie")
	v, _, ok := s.look(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(s.code(v))
}

// Ping answers /status/ping/: requests arrive here. No check runs.
func (s *Server) Ping(w http.ResponseWriter, _ *http.Request) {
	s.head(w)
	plain(w, http.StatusOK, "pong")
}

// Live answers /livez: the process is alive. It depends on nothing else, as who
// asks restarts the process when it is not.
func (s *Server) Live(w http.ResponseWriter, _ *http.Request) {
	s.head(w)
	plain(w, http.StatusOK, "alive\n")
}

// Ready answers /readyz: 200 when requests make sense here, for which the
// database must answer, else 503.
func (s *Server) Ready(w http.ResponseWriter, r *http.Request) {
	s.head(w)
	report, err := s.Checks().Run(r.Context(), []string{"database"}, nil)
	if err != nil || !report.Healthy() {
		plain(w, http.StatusServiceUnavailable, "not ready: the database does not answer\n")
		return
	}
	plain(w, http.StatusOK, "ready\n")
}

// look runs the checks that were chosen and makes of the report what the one who
// asks may see. Where it is not to be answered by that, the answer is given and
// ok is false.
func (s *Server) look(w http.ResponseWriter, r *http.Request) (v *view, visitor Visitor, ok bool) {
	ctx, cancel := context.WithTimeout(r.Context(), lookupTime)
	defer cancel()
	// a copy: finding out may outlive us
	waiting := s.whoAsks(r.WithContext(ctx))
	query := r.URL.Query()
	only := query["check"]
	skip := query["skip"]
	full := s.holdsToken(r) || s.isNear(r)
	if !full && len(only)+len(skip) > 0 {
		full = waiting(ctx).Superuser
		if !full {
			writeJSON(w, http.StatusForbidden, refusal{
				Error: http.StatusForbidden, Message: "Choosing checks needs a status token. Without one, this page tells only whether all is well.",
			})
			return nil, visitor, false
		}
	}
	report, err := s.Checks().Run(r.Context(), only, skip)
	if err != nil {
		writeJSON(w, http.StatusNotFound, refusal{
			Error: http.StatusNotFound, Message: errs.Message(err), Checks: s.Checks().Names(), Labels: s.Checks().Labels(),
		})
		return nil, visitor, false
	}
	visitor = waiting(ctx)
	return s.view(report, full || visitor.Superuser, len(only)+len(skip) > 0), visitor, true
}

// whoAsks begins to find out who sends the request; the function it returns
// waits for that, no longer than its context.
func (s *Server) whoAsks(r *http.Request) func(context.Context) Visitor {
	found := make(chan Visitor, 1)
	go func() { found <- s.visitor(r) }()
	var known *Visitor
	return func(ctx context.Context) Visitor {
		if known != nil {
			return *known
		}
		var v Visitor
		select {
		case v = <-found:
		case <-ctx.Done():
			select {
			case v = <-found:
				// it was there all the time
			default:
				v = s.visitor(stranger(r))
			}
		}
		known = &v
		return v
	}
}

// stranger is the request as somebody unknown would send it.
func stranger(r *http.Request) *http.Request {
	r = r.Clone(context.WithoutCancel(r.Context()))
	r.Header.Del("Cookie")
	return r
}

// code is the HTTP status that tells what v says.
func (s *Server) code(v *view) int {
	if v.healthy {
		return http.StatusOK
	}
	return s.ErrorCode
}

// head sets what all answers have: they are never kept.
func (s *Server) head(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	if s.VersionHeader {
		w.Header().Set("X-Punctual-Version", s.Version)
	}
}

// refusal is the JSON of an answer that is no report; that of django-watchman
// has the same "error" and "message".
type refusal struct {
	// the HTTP status
	Error   int      `json:"error"`
	Message string   `json:"message"`
	Checks  []string `json:"checks,omitempty"`
	Labels  []string `json:"labels,omitempty"`
	Formats []string `json:"formats,omitempty"`
}

func (s *Server) refuseFormat(w http.ResponseWriter) {
	var names []string
	for _, f := range s.formats {
		names = append(names, f.name)
	}
	slices.Sort(names)
	writeJSON(w, http.StatusNotAcceptable, refusal{
		Error: http.StatusNotAcceptable, Message: "There is no such format; choose one by ?format= or the Accept header.", Formats: names,
	})
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	// texts and numbers
	body, _ := json.MarshalIndent(v, "", "  ")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(append(body, '\n'))
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	w.Write([]byte(text))
}

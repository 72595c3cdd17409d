package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/monitor"
)

// What lists offer beyond the contract. Parameters count in version 3 only:
// clients of versions 1 and 2 send some of these names and rely on their being
// ignored (docs/conformance.md §5).

// maxPage is the most objects that ?limit= may ask for.
const maxPage = 10000

// listQuery is what a request asks of the list of checks.
type listQuery struct {
	// any of them; none = all
	statuses []string
	// part of the name, lower-case; "" = all
	name string
	// 0 = all
	limit int
	// where the page begins
	after position
	more  url.Values
}

// position is a place in the list of checks, which is ordered by creation; the
// zero position is its beginning. It stays right when checks come and go.
type position struct {
	// microseconds since 1970
	created int64
	id      int64
}

func positionOf(c *monitor.Check) position { return position{c.CreatedAt.UnixMicro(), c.ID} }

func (p position) before(c *monitor.Check) bool {
	at := positionOf(c)
	return p.created < at.created || p.created == at.created && p.id < at.id
}

// cursor is the position as it travels in links.
func (p position) cursor() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", p.created, p.id))
}

func parseCursor(text string) (p position, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return p, false
	}
	created, id, _ := strings.Cut(string(raw), ".")
	var errCreated, errID error
	p.created, errCreated = strconv.ParseInt(created, 10, 64)
	p.id, errID = strconv.ParseInt(id, 10, 64)
	return p, errCreated == nil && errID == nil
}

// parseList reads status (repeatable), name, limit and cursor. What is wrong is
// an error of kind errs.Invalid that names the parameter.
func parseList(version string, query url.Values) (listQuery, error) {
	q := listQuery{more: query}
	if version != "v3" {
		return q, nil
	}
	statuses := []string{"new", "up", "grace", "down", "paused", "started"}
	for _, s := range query["status"] {
		if !slices.Contains(statuses, s) {
			return q, errs.Invalidf("status", "The value must be one of %s.", strings.Join(statuses, ", "))
		}
	}
	q.statuses = query["status"]
	q.name = strings.ToLower(query.Get("name"))
	limit, sent := query["limit"]
	if sent {
		var err error
		q.limit, err = strconv.Atoi(limit[0])
		if err != nil || q.limit < 1 || q.limit > maxPage {
			return q, errs.Invalidf("limit", "The value must be a number from 1 to %d.", maxPage)
		}
	}
	if cursor, sent := query["cursor"]; sent {
		var ok bool
		q.after, ok = parseCursor(cursor[0])
		if !ok {
			return q, errs.Invalidf("cursor", "The value must be one that a Link header has given.")
		}
	}
	return q, nil
}

// wants tells whether the check belongs into the list at the moment.
func (q *listQuery) wants(c *monitor.Check, at monitor.Reading) bool {
	if !q.after.before(c) || q.name != "" && !strings.Contains(strings.ToLower(c.Name), q.name) {
		return false
	}
	if len(q.statuses) == 0 {
		return true
	}
	return slices.Contains(q.statuses, string(c.StatusAt(at))) || c.Started() && slices.Contains(q.statuses, "started")
}

// page is the part of the list that is sent.
type page struct {
	query *listQuery
	taken int
	// of what was taken
	last position
	// there is something after it
	more bool
}

func (q *listQuery) newPage() *page { return &page{query: q} }

// take tells whether the next check is on the page.
func (p *page) take(c *monitor.Check) bool {
	if p.query.limit > 0 && p.taken == p.query.limit {
		p.more = true
		return false
	}
	p.taken++
	p.last = positionOf(c)
	return true
}

// link tells in the Link header where the list goes on (RFC 8288).
func (p *page) link(w http.ResponseWriter, address string) {
	if !p.more {
		return
	}
	p.query.more.Set("cursor", p.last.cursor())
	w.Header().Set("Link", "<"+address+"?"+p.query.more.Encode()+`>; rel="next"`)
	w.Header().Set("Access-Control-Expose-Headers", "Link, ETag")
}

// asksFor tells whether the request wants an extra field: ?extra=name, several
// separated by commas or each in a parameter of its own, in version 3.
func (c *call) asksFor(name string) bool {
	if c.version != "v3" {
		return false
	}
	for _, names := range c.URL.Query()["extra"] {
		if slices.Contains(strings.Split(names, ","), name) {
			return true
		}
	}
	return false
}

// tagged gives the answers of a list their ETag, and answers 304 to those who
// have the same already (RFC 9110 §13). The tag is the hash of the whole answer:
// statuses change as time passes, so nothing less would do.
func (a *api) tagged(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		kept := &keptAnswer{ResponseWriter: w, status: http.StatusOK}
		h(kept, r)
		if kept.status == http.StatusOK {
			tag := `W/"` + hex.EncodeToString(kept.sum()[:12]) + `"`
			header := w.Header()
			header.Set("ETag", tag)
			if header.Get("Access-Control-Expose-Headers") == "" {
				header.Set("Access-Control-Expose-Headers", "ETag")
			}
			// ask each time; others have other keys
			header.Set("Cache-Control", "private, no-cache")
			if matches(r.Header.Get("If-None-Match"), tag) {
				header.Del("Content-Type")
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		w.WriteHeader(kept.status)
		if kept.list == nil {
			w.Write(kept.body)
			return
		}
		err := kept.list.send(incident.WithoutTimeout(r.Context()), w, a.Store.Descriptions)
		// too late to say so: the client sees that the answer is cut
		if err != nil {
			a.Log.WarnContext(r.Context(), "a list could not be sent in full", "error", err)
			panic(http.ErrAbortHandler)
		}
	}
}

// keptAnswer holds an answer back.
type keptAnswer struct {
	http.ResponseWriter
	status int
	body   []byte
	// instead of body, nil = none
	list *checkList
}

func (k *keptAnswer) WriteHeader(status int) { k.status = status }

func (k *keptAnswer) Write(p []byte) (int, error) {
	k.body = append(k.body, p...)
	return len(p), nil
}

// sum is the hash of the answer.
func (k *keptAnswer) sum() []byte {
	if k.list != nil {
		return k.list.hash.Sum(nil)
	}
	sum := sha256.Sum256(k.body)
	return sum[:]
}

// sendList answers with a list of checks, through tagged.
func (a *api) sendList(w http.ResponseWriter, list *checkList) {
	w.Header().Set("Content-Type", "application/json")
	w.(*keptAnswer).list = list
}

// matches tells whether the header If-None-Match names the tag; weak and strong
// tags of the same text are the same here.
func matches(header, tag string) bool {
	if strings.TrimSpace(header) == "*" {
		return true
	}
	for item := range strings.SplitSeq(header, ",") {
		if strings.TrimPrefix(strings.TrimSpace(item), "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
